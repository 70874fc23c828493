"""The status's conditions: Available, Progressing, RouteAccepted.

Called whenever a status is written, and by `advance` to see whether one is due for that alone.
They are derived, never read back for a decision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollouts.jsontypes import dig
from rollouts.model import rfc3339_seconds
from rollouts.reasons import Reason
from rollouts.traffic import AcceptanceState

if TYPE_CHECKING:
    from rollouts.engine.view import View
    from rollouts.jsontypes import JsonObject
    from rollouts.model import Status

WORDS = {True: "True", False: "False", None: "Unknown"}


def conditions(view: View, status: Status) -> tuple[JsonObject, ...]:
    """The conditions of `status` in the world of `view`; times change only when states do."""
    before = {condition.get("type"): condition for condition in status.conditions}
    states = {
        "Available": _available(view, status),
        "Progressing": (status.in_progress, status.reason, status.message),
        "RouteAccepted": _route_accepted(view),
    }
    return tuple(
        _condition(view, kind, state, before.get(kind, {})) for kind, state in states.items()
    )


def changed(view: View) -> bool:
    """True when a condition's state is not the one that the status shows."""
    now = {item["type"]: item["status"] for item in conditions(view, view.status)}
    return now != {item.get("type"): item.get("status") for item in view.status.conditions}


State = tuple[bool | None, Reason, str]


def _available(view: View, status: Status) -> State:
    ready = view.of(status.stable).endpoints
    if ready:
        return True, Reason.UP_TO_DATE, "the stable revision has ready pods"
    if status.stable is None:
        return False, Reason.WAITING_FOR_PODS, "the first revision is not serving yet"
    return False, Reason.STABLE_NOT_READY, "no pod of the stable revision is ready"


def _route_accepted(view: View) -> State:
    route = view.seen.route
    if route is None:
        problem = view.seen.route_problem
        reason = problem.reason if problem else Reason.ROUTE_MISSING
        return False, reason, problem.message if problem else "the route was not read yet"
    if route.accepted.state is AcceptanceState.ACCEPTED:
        return True, Reason.UP_TO_DATE, "the gateway accepted the route"
    if route.accepted.state is AcceptanceState.REFUSED:
        return False, Reason.ROUTE_NOT_ACCEPTED, route.accepted.message
    return None, Reason.WAITING_FOR_GATEWAY, route.accepted.message


def _condition(view: View, kind: str, state: State, before: JsonObject) -> JsonObject:
    value, reason, message = state
    word = WORDS[value]
    same = before.get("status") == word
    since = dig(before, "lastTransitionTime") if same else None
    return {
        "type": kind,
        "status": word,
        "reason": str(reason),
        "message": message[:500],
        "observedGeneration": view.deployment.generation,
        "lastTransitionTime": since or rfc3339_seconds(view.now),
    }
