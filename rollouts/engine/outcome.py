"""What a decision makes of the status: the one place where a status changes. Pure.

Called by the code that applies an `Intent`. Every line of history that becomes an Event is written
here. It deliberately knows neither pods nor routes: the world follows the status later.
"""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch
from typing import TYPE_CHECKING

from rollouts.engine.conditions import conditions
from rollouts.engine.easing import share_kept
from rollouts.model import (
    REJECTED_KEPT,
    SERVED_KEPT,
    Action,
    Aim,
    Cause,
    Checkpoint,
    Confirm,
    EndBake,
    Entry,
    FinishRollBack,
    Intent,
    Note,
    Pause,
    Phase,
    Promote,
    Reassert,
    Rejected,
    Revision,
    RollBack,
    SetWeight,
    StartCandidate,
    Status,
    Steer,
    Weight,
)
from rollouts.reasons import Reason

if TYPE_CHECKING:
    from rollouts.engine.view import View

Why = Intent | Cause
NOT_THE_CANDIDATES_FAULT = frozenset({Reason.SPEC_CHANGED})


def after(view: View, decision: Intent) -> Status:
    """The status once `decision` is taken."""
    status = change(decision, view.status, view)
    record = view.seen.analysis.record if view.seen.analysis else None
    fresh = isinstance(decision, StartCandidate)
    status = replace(
        status,
        observed_generation=view.deployment.generation,
        analysis=None if fresh else (record or status.analysis),
    )
    if status.analysis and not status.in_progress:
        kept = {key: value for key, value in status.analysis.items() if key != "checkpoint"}
        status = replace(status, analysis=kept)
    return replace(status, conditions=conditions(view, status))


@singledispatch
def change(decision: Intent, status: Status, view: View) -> Status:  # noqa: ARG001 - the shape of all
    """One rule for each kind of decision."""
    raise TypeError(f"no rule for {type(decision).__name__}")


@change.register(StartCandidate)
def _(decision: StartCandidate, status: Status, view: View) -> Status:
    phase = Phase.PENDING if status.stable is None else Phase.PROGRESSING
    returning = decision.aim is Aim.RETURN
    previous = status.previous
    if previous is not None and previous.hash == decision.revision.hash:
        previous = None
    started = replace(
        status,
        phase=Phase.PROMOTING if returning else phase,
        reason=decision.reason,
        message=decision.message,
        candidate=decision.revision,
        previous=previous,
        rejected=tuple(r for r in status.rejected if r.hash != decision.revision.hash),
        step=0,
        weight=Weight(),
        write_sequence=status.write_sequence + (1 if status.stable else 0),
        aim=decision.aim,
        aim_weight=decision.aim_weight,
        request=decision.request,
        spec_hash=decision.spec_hash,
        stable_replicas=decision.stable_replicas,
        paused=False,
        started_at=view.now,
        progressed_at=view.now,
        intent_at=view.now,
        cause=Cause(decision.reason, decision.message) if returning else None,
    )
    return _noted(started, view, Action.STARTED, decision)


@change.register(Steer)
def _(decision: Steer, status: Status, view: View) -> Status:
    steered = replace(
        status,
        aim=decision.aim,
        aim_weight=decision.aim_weight,
        request=decision.request,
        paused=False,
        progressed_at=view.now,
        phase=Phase.PROMOTING if decision.aim is Aim.PROMOTE else Phase.PROGRESSING,
        reason=decision.reason,
        message=decision.message,
    )
    return _noted(steered, view, Action.STEERED, decision)


@change.register(Pause)
def _(decision: Pause, status: Status, view: View) -> Status:
    """The step's time begins anew when it goes on: nobody is late, or done, for having waited."""
    baking = status.phase is Phase.BAKING
    moving = Phase.HOLDING if decision.paused else Phase.PROGRESSING
    told = replace(
        status,
        paused=decision.paused,
        phase=Phase.BAKING if baking else moving,
        reason=decision.reason,
        message=decision.message,
        request=decision.request,
        progressed_at=status.progressed_at if decision.paused else view.now,
    )
    return _noted(told, view, Action.PAUSED if decision.paused else Action.RESUMED, decision)


@change.register(SetWeight)
def _(decision: SetWeight, status: Status, view: View) -> Status:
    return replace(
        status,
        phase=decision.phase,
        reason=decision.reason,
        message=decision.message,
        step=decision.step or status.step,
        weight=replace(status.weight, asked=decision.weight),
        write_sequence=max(status.write_sequence, decision.over) + 1,
        intent_at=view.now,
    )


@change.register(Confirm)
def _(decision: Confirm, status: Status, view: View) -> Status:
    moved = status.weight.confirmed != status.weight.asked
    confirmed = replace(
        status,
        weight=replace(status.weight, confirmed=status.weight.asked),
        confirmed_sequence=status.write_sequence,
        progressed_at=view.now,
    )
    if status.phase is Phase.ROLLING_BACK:
        return _noted(confirmed, view, Action.WEIGHT_CONFIRMED, decision) if moved else confirmed
    if not moved:
        return confirmed
    holds = decision.reason is Reason.HOLDING_AT_WEIGHT
    confirmed = replace(
        confirmed,
        phase=Phase.HOLDING if holds else status.phase,
        reason=decision.reason,
        message=decision.message,
    )
    return _noted(confirmed, view, Action.WEIGHT_CONFIRMED, decision)


@change.register(Reassert)
def _(decision: Reassert, status: Status, view: View) -> Status:
    above = replace(status, write_sequence=max(status.write_sequence, decision.over) + 1)
    return _noted(above, view, Action.REASSERTED, decision)


@change.register(Promote)
def _(decision: Promote, status: Status, view: View) -> Status:
    if status.stable is None:
        why = Cause(Reason.INITIAL_REVISION, "the first revision serves all traffic")
        first = _settled(status, status.candidate, why, view)
        return _noted(first, view, Action.PROMOTED, why)
    if status.aim is Aim.RETURN:
        return _returned(status, view, decision)
    baking = replace(
        status,
        phase=Phase.BAKING,
        reason=Reason.BAKING,
        message=decision.message,
        stable=status.candidate,
        previous=status.stable,
        candidate=None,
        weight=Weight(),
        intent_at=view.now,
        progressed_at=view.now,
    )
    return _noted(baking, view, Action.POINTER_MOVED, decision, baking.stable)


def _returned(status: Status, view: View, decision: Promote) -> Status:
    """Back at the earlier revision: the one that was left is rejected."""
    cause = status.cause or Cause(Reason.ROLLBACK_REQUESTED, decision.message)
    left = status.stable
    settled = _settled(status, status.candidate, cause, view)
    settled = replace(_rejecting(settled, left, cause.reason, view), cause=None)
    return _noted(settled, view, Action.ROLLED_BACK, cause, left)


@change.register(EndBake)
def _(decision: EndBake, status: Status, view: View) -> Status:
    settled = replace(
        _settled(status, status.stable, decision, view),
        previous=status.previous,
    )
    return _noted(settled, view, Action.PROMOTED, decision, status.stable)


@change.register(RollBack)
def _(decision: RollBack, status: Status, view: View) -> Status:
    if status.phase is Phase.BAKING:
        status = replace(
            status,
            candidate=status.stable,
            stable=status.previous,
            previous=None,
            weight=Weight(100, 100),
        )
    going = replace(
        status,
        phase=Phase.ROLLING_BACK,
        reason=decision.reason,
        message=decision.message,
        cause=Cause(decision.reason, decision.message),
        weight=replace(status.weight, asked=share_kept(view, status)),
        write_sequence=status.write_sequence + 1,
        request=decision.request or status.request,
        paused=False,
        intent_at=view.now,
    )
    return _noted(going, view, Action.ROLLING_BACK, decision)


@change.register(FinishRollBack)
def _(decision: FinishRollBack, status: Status, view: View) -> Status:
    settled = replace(
        _settled(status, status.stable, decision, view),
        previous=status.previous,
        cause=None,
        progressed_at=view.now,
    )
    if decision.reason in NOT_THE_CANDIDATES_FAULT:
        return _noted(settled, view, Action.SUPERSEDED, decision, status.candidate)
    settled = _rejecting(settled, status.candidate, decision.reason, view)
    return _noted(settled, view, Action.ROLLED_BACK, decision, status.candidate)


@change.register(Note)
def _(decision: Note, status: Status, view: View) -> Status:
    undecided = decision.reason is Reason.NOT_ENOUGH_EVIDENCE
    held = undecided and decision.phase is Phase.HOLDING and status.phase is not Phase.HOLDING
    noted = replace(status, phase=decision.phase, reason=decision.reason, message=decision.message)
    if not (decision.warn or held):
        return noted
    return _noted(noted, view, Action.WARNED if decision.warn else Action.HELD, decision)


@change.register(Checkpoint)
def _(decision: Checkpoint, status: Status, view: View) -> Status:  # noqa: ARG001 - the shape of all
    return status


def _settled(status: Status, stable: Revision | None, why: Why, view: View) -> Status:
    """No rollout any more: everything at `stable`, and the route told that it is over."""
    return replace(
        status,
        phase=Phase.STABLE,
        reason=why.reason,
        message=why.message,
        intent_at=view.now,
        stable=stable,
        candidate=None,
        previous=None,
        weight=Weight(),
        step=0,
        aim=Aim.STEPS,
        aim_weight=0,
        paused=False,
        served=_having_served(status, stable),
        write_sequence=status.write_sequence + 1,
    )


def _having_served(status: Status, stable: Revision | None) -> tuple[str, ...]:
    if stable is None:
        return status.served
    others = tuple(name for name in status.served if name != stable.name)
    return (*others, stable.name)[-SERVED_KEPT:]


def _rejecting(status: Status, revision: Revision | None, reason: Reason, view: View) -> Status:
    if revision is None:
        return status
    others = tuple(r for r in status.rejected if r.hash != revision.hash)
    rejected = Rejected(revision.name, revision.hash, revision.image, reason, view.now)
    return replace(status, rejected=(*others, rejected)[-REJECTED_KEPT:])


def _noted(
    status: Status, view: View, action: Action, why: Why, of: Revision | None = None
) -> Status:
    """With a line of history about `of`, by default about the revision on its way."""
    revision = of or status.candidate or status.stable
    entry = Entry(
        at=view.now,
        action=action,
        reason=why.reason,
        message=why.message,
        revision=revision.name if revision else "",
        weight=status.weight.asked,
        request=status.request,
    )
    return status.noted(entry)
