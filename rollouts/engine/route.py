"""The route follows the status: written, read back, accepted, and asserted again when edited.

Called by `advance`. A weight counts only when the route shows it *and* the gateway accepted that
generation. It deliberately decides no weight.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from rollouts.engine.view import traffic_intent
from rollouts.model import Action, Aim, Confirm, Decision, Phase, Reassert, Wait, WriteRoute
from rollouts.reasons import Reason
from rollouts.traffic import AcceptanceState

if TYPE_CHECKING:
    from rollouts.engine.view import View
    from rollouts.traffic import RouteView, TrafficIntent

REASSERT_EVERY = timedelta(seconds=1)  # somebody who edits in a loop does not make us write in one


def keep_route(view: View) -> Decision | None:
    """What the route needs now; None when it shows the newest intent, accepted and recorded."""
    if view.seen.route is None:
        return _no_route(view)
    intent = traffic_intent(view)
    if intent is None:
        return None
    route, status = view.seen.route, view.status
    if not route.matches(intent):
        overtaken = route.sequence is not None and route.sequence > status.write_sequence
        if overtaken or status.confirmed:
            return _reassert(view, route)
        return _cold(view, route, intent) or WriteRoute(status.reason, _shown(intent), intent)
    if route.accepted.state is not AcceptanceState.ACCEPTED:
        return _not_accepted(view, route)
    return None if status.confirmed else _confirm(view, intent, route.note)


def _confirm(view: View, intent: TrafficIntent, note: str) -> Confirm:
    """At a weight that somebody asked for, the confirmation is also the beginning of the hold."""
    status = view.status
    arrived = view.moving and status.aim is Aim.WEIGHT and status.weight.asked == status.aim_weight
    if arrived and status.weight.confirmed != status.weight.asked:
        said, reason = held_at(status.weight.asked), Reason.HOLDING_AT_WEIGHT
    else:
        said, reason = _shown(intent), Reason.WEIGHT_CONFIRMED
    return Confirm(reason, f"{said} (reached: {note})" if note else said)


def held_at(weight: int) -> str:
    """What is said at a weight that somebody asked for."""
    return f"held at {weight} % until somebody promotes it or takes it back"


def _no_route(view: View) -> Decision | None:
    problem = view.seen.route_problem
    return Wait(problem.reason, problem.message, _phase(view)) if problem else None


def _phase(view: View) -> Phase:
    """The phase while the route is in trouble. A rollout keeps its own: it is its memory."""
    return Phase.DEGRADED if view.resting or view.status.stable is None else view.status.phase


def _reassert(view: View, route: RouteView) -> Decision:
    last = next((e for e in reversed(view.status.history) if e.action is Action.REASSERTED), None)
    if last is not None and view.age(last.at) < REASSERT_EVERY:
        return Wait(view.status.reason, view.status.message, view.status.phase, poll=True)
    shown = ", ".join(f"{name} {weight} %" for name, weight in sorted(route.weights.items()))
    message = f"the route was changed by somebody else (it showed {shown}); it is put back"
    return Reassert(Reason.ROUTE_EDITED, message, over=route.sequence or 0)


def _cold(view: View, route: RouteView, intent: TrafficIntent) -> Wait | None:
    """No Service gets more traffic than it has while none of its pods is ready."""
    for name, weight in intent.weights:
        if weight > route.weights.get(name, 0) and not view.seen.of(name).endpoints:
            is_stable = view.status.stable is not None and name == view.status.stable.name
            reason = Reason.STABLE_NOT_READY if is_stable else Reason.WAITING_FOR_PODS
            message = f"{name} gets no traffic while none of its pods is ready"
            return Wait(reason, message, _phase(view), poll=True)
    return None


def _not_accepted(view: View, route: RouteView) -> Wait:
    message, status = route.accepted.message, view.status
    if route.accepted.state is AcceptanceState.REFUSED:
        return Wait(Reason.ROUTE_NOT_ACCEPTED, message, _phase(view), poll=not status.confirmed)
    if view.resting:  # the last outcome's reason is worth more than a moment's wait
        return Wait(status.reason, status.message, status.phase, poll=not status.confirmed)
    return Wait(Reason.WAITING_FOR_GATEWAY, message, status.phase, poll=not status.confirmed)


def _shown(intent: TrafficIntent) -> str:
    return ", ".join(f"{name} {weight} %" for name, weight in intent.weights)
