"""The policy: `advance(deployment, observation, now) -> Decision`. Pure.

Called by the controller after every look at the world, and by the simulations. Rules are asked in
order and the first that has something to say decides: what is unsafe, then who asked, then what the
spec says, then that the world follows, then moving on, and last what can wait. No clock, no
network, no memory: an hour-long canary is tested in a millisecond.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from rollouts.engine.conditions import changed
from rollouts.engine.consent import awaiting
from rollouts.engine.easing import ease
from rollouts.engine.ending import finish_roll_back, warn_unconfirmed
from rollouts.engine.objects import keep_objects
from rollouts.engine.outcome import after
from rollouts.engine.progress import checks_due, move_on
from rollouts.engine.requests import take_request
from rollouts.engine.route import keep_route
from rollouts.engine.safety import take_back
from rollouts.engine.starting import follow_spec, resting_reason
from rollouts.engine.tidying import mark_done, mark_taken, tidy, tidy_at
from rollouts.engine.view import Plan, View, look, owned_services, switches, traffic_intent
from rollouts.jsontypes import dig_text
from rollouts.model import (
    TERMINAL,
    Checkpoint,
    Decision,
    ModelDeployment,
    Note,
    Observation,
    Phase,
    Refuse,
    Status,
    Wait,
    rfc3339,
)
from rollouts.reasons import Reason

__all__ = [
    "Plan",
    "View",
    "advance",
    "after",
    "checks_due",
    "look",
    "owned_services",
    "switches",
    "traffic_intent",
]

CHECKPOINT_EVERY = timedelta(seconds=15)
PATIENCE = timedelta(
    seconds=2
)  # how long something may be due any moment before the status says so

UPWARDS = (
    take_back,
    mark_taken,
    take_request,
    follow_spec,
    keep_objects,
    keep_route,
    move_on,
)
BACKWARDS = (
    warn_unconfirmed,
    keep_route,
    keep_objects,
    ease,
    finish_roll_back,
    mark_taken,
    take_request,
)
LATER = (mark_done, tidy)


def advance(deployment: ModelDeployment, seen: Observation, now: datetime) -> Decision:
    """What to do next. Asking twice without a change in between gives the same answer."""
    if deployment.deleting:
        return Wait(Reason.UP_TO_DATE, "it is being deleted", Phase.STABLE)
    if deployment.status is None:
        return Refuse(Reason.STATUS_CORRUPT, deployment.status_problem)
    view = look(deployment, deployment.status, seen, now)
    decision = _urgent(view)
    return decision if not isinstance(decision, Wait) else _rest(view, decision)


def _urgent(view: View) -> Decision:
    """The first decision that is a write, or else the first reason to wait."""
    waiting: Wait | None = None
    for rule in BACKWARDS if view.rolling_back else UPWARDS:
        decision = rule(view)
        if decision is None:
            continue
        if not isinstance(decision, Wait):
            return decision
        waiting = waiting or decision
        if not view.rolling_back:  # on the way up nothing goes on past a reason to wait
            break
    if waiting is not None and view.rolling_back:  # its cause is what there is to say
        status = view.status
        return replace(waiting, reason=status.reason, message=status.message, phase=status.phase)
    return waiting or _resting(view)


def _resting(view: View) -> Wait:
    """Nothing to do. Unless something is waited for, the last rollout's end is what there is to
    say, until the next one begins."""
    reason, message = resting_reason(view)
    phase = Phase.STABLE if view.status.stable else Phase.DEGRADED
    if view.plan is not None and (request := awaiting(view)):
        message = f"{request.name} waits for approvals; its status says whose it has"
        return Wait(Reason.AWAITING_APPROVAL, message, phase)
    end = next((e for e in reversed(view.status.history) if e.action in TERMINAL), None)
    if end is not None and reason in {Reason.UP_TO_DATE, Reason.REVISION_REJECTED}:
        return Wait(end.reason, end.message, phase)
    return Wait(reason, message, phase)


def _rest(view: View, wait: Wait) -> Decision:
    """What can be done while waiting: say so, tell requests, tidy up, save the analysis."""
    status = view.status
    said = (status.phase, status.reason) == (wait.phase, wait.reason)
    stale = status.observed_generation != view.deployment.generation
    hasty = wait.poll and view.age(_last_move(status)) < PATIENCE
    if hasty:
        return wait
    if not said or stale or changed(view):
        return Note(wait.reason, wait.message, wait.phase)
    for rule in LATER:
        decision = rule(view)
        if decision is not None:
            return decision
    if _checkpoint_due(view):
        return Checkpoint(status.reason, "the analysis is saved")
    soonest = view.now + tidy_at(view) if tidy_at(view) else wait.until
    until = min(wait.until, soonest) if wait.until and soonest else soonest
    return Wait(wait.reason, wait.message, wait.phase, until, wait.poll)


def _last_move(status: Status) -> datetime | None:
    moments = [status.intent_at, *(entry.at for entry in status.history[-1:])]
    return max((moment for moment in moments if moment), default=None)


def _checkpoint_due(view: View) -> bool:
    analysis = view.seen.analysis
    if analysis is None or analysis.record is None or not view.status.in_progress:
        return False
    saved = dig_text(view.status.analysis or {}, "updatedAt")
    return not saved or saved < rfc3339(view.now - CHECKPOINT_EVERY)
