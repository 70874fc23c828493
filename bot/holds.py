"""Locks, freezes and overrides of a target, derived from the requests that asked for them. Pure.

Called by `bot.recording` before something starts or advances, and by `status` and `plan`. All
state is in the cluster: a `Lock` request holds until its time has run out or an `Unlock` names it
in `lifts`. No order of creation times matters, which are whole seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from bot import windows
from bot.policy import Closed, Hold, Situation
from rollouts.jsontypes import JsonObject, dig_list, dig_object, dig_text, name_of
from rollouts.model import moment

if TYPE_CHECKING:
    from bot.places import Environment

LIFTS = {"Lock": "Unlock", "Freeze": "Unfreeze"}


def situation(
    requests: Iterable[JsonObject],
    deployment: JsonObject,
    place: Environment,
    now: datetime,
    behind: str = "",
) -> Situation:
    """Everything that stands in the target's way at `now`."""
    own = [
        request
        for request in requests
        if dig_text(request, "spec", "target") == name_of(deployment)
        and dig_text(request, "status", "phase") != "Refused"
    ]
    closed = windows.closed(place.windows, now)
    return Situation(
        lock=_of_controller(deployment, now) or _latest(own, "Lock", now),
        freeze=_latest(own, "Freeze", now),
        closed=Closed(*closed) if closed else None,
        override=_latest(own, "Override", now),
        behind=behind,
    )


def _latest(requests: list[JsonObject], verb: str, now: datetime) -> Hold | None:
    """The newest that still holds."""
    lifted = {
        str(name)
        for request in requests
        if dig_text(request, "spec", "verb") == LIFTS.get(verb, "")
        for name in dig_list(request, "spec", "arguments", "lifts")
    }
    holding = [
        request
        for request in requests
        if dig_text(request, "spec", "verb") == verb
        and name_of(request) not in lifted
        and not _over(request, now)
    ]
    newest = max(holding, key=_age, default=None)
    return None if newest is None else _hold(newest)


def holding(requests: Iterable[JsonObject], target: str, verb: str, now: datetime) -> list[str]:
    """The names of every lock or freeze in force, for the request that lifts them all."""
    own = [r for r in requests if dig_text(r, "spec", "target") == target]
    return sorted(
        name_of(request)
        for request in own
        if dig_text(request, "spec", "verb") == verb and not _over(request, now)
    )


def _hold(request: JsonObject) -> Hold:
    arguments = dig_object(request, "spec", "arguments")
    return Hold(
        by=dig_text(request, "spec", "requestedBy", "id"),
        name=dig_text(request, "spec", "requestedBy", "name"),
        reason=dig_text(arguments, "reason"),
        request=name_of(request),
        until=moment(dig_text(arguments, "until")),
    )


def _of_controller(deployment: JsonObject, now: datetime) -> Hold | None:
    """The lock in the ModelDeployment's status outlives the request that asked for it."""
    lock = dig_object(deployment, "status", "lock")
    until = moment(dig_text(lock, "until"))
    if not dig_text(lock, "by") or (until is not None and until <= now):
        return None
    by, name = dig_text(lock, "by"), dig_text(lock, "name")
    return Hold(by, name, dig_text(lock, "reason"), dig_text(lock, "request"), until)


def _over(request: JsonObject, now: datetime) -> bool:
    until = moment(dig_text(request, "spec", "arguments", "until"))
    return until is not None and until <= now


def _age(request: JsonObject) -> tuple[str, str]:
    return dig_text(request, "metadata", "creationTimestamp"), name_of(request)
