"""Moving on: from the weight that is confirmed to the next one, and on to the promotion.

Called by `advance` when the route shows what was asked. Where to go is the request's or the
strategy's word; that the pods are there first is ours. It deliberately never rolls back for what
the analysis says: `safety` has been asked before.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from rollouts.analysis import Kind
from rollouts.engine.route import held_at
from rollouts.engine.view import plan_of
from rollouts.model import (
    Aim,
    Decision,
    EndBake,
    OnUndecided,
    Phase,
    Promote,
    RollBack,
    Scale,
    SetWeight,
    Wait,
)
from rollouts.reasons import Reason
from rollouts.strategies import Finish, GoTo, Progress, Stay

if TYPE_CHECKING:
    from rollouts.engine.view import Plan, View
    from rollouts.model import ModelDeployment, Status
    from rollouts.strategies import Check, Move


def move_on(view: View) -> Decision | None:
    """The next step of a rollout or its bake; None where nothing moves."""
    if view.status.paused:
        message = "paused; it is watched, and goes on when somebody resumes it"
        return Wait(Reason.PAUSED, message, Phase.BAKING if view.baking else Phase.HOLDING)
    if view.baking:
        return _bake(view)
    if not view.moving:
        return None
    if view.plan is None:
        return Wait(Reason.SPEC_INVALID, view.problem, _held(view))
    return _onwards(view, view.plan)


def _onwards(view: View, plan: Plan) -> Decision:
    if view.status.stable is None or view.status.aim in {Aim.PROMOTE, Aim.RETURN}:
        by_pods = view.status.stable is not None and view.shares
        return _by_steps(view, plan, at_once=True) if by_pods else _all(view, plan)
    if view.status.aim is Aim.WEIGHT:
        return _to_weight(view, plan)
    if view.status.aim is Aim.NEXT and view.status.weight.confirmed < view.status.aim_weight:
        return _to_next(view, plan)
    return _by_steps(view, plan)


def _held(view: View) -> Phase:
    return Phase.HOLDING if view.status.stable else Phase.DEGRADED


def _to_weight(view: View, plan: Plan) -> Decision:
    weight = view.status.aim_weight
    if view.status.weight.asked == weight and view.of(view.status.candidate).endpoints:
        return Wait(Reason.HOLDING_AT_WEIGHT, held_at(weight), Phase.HOLDING)
    return _reach(view, plan, GoTo(weight, 0))


def _to_next(view: View, plan: Plan) -> Decision:
    """To the step that somebody did not want to wait for, and not above it, whatever the steps
    are now."""
    move = hurried(view, plan)
    if isinstance(move, GoTo) and move.weight <= view.status.aim_weight:
        return _reach(view, plan, move)
    return _reach(view, plan, GoTo(view.status.aim_weight, view.status.step + 1))


def _by_steps(view: View, plan: Plan, *, at_once: bool = False) -> Decision:
    """The strategy's next move; `at_once`: without waiting for time or evidence."""
    since_s = view.age(view.status.progressed_at).total_seconds()
    late = since_s > plan.spec.horizon_s
    told_to_go_on = late and plan.spec.on_undecided is OnUndecided.PROMOTE
    if at_once:
        move = hurried(view, plan)
    else:
        passed = _fine(view) or told_to_go_on
        progress = Progress(view.status.weight.confirmed, since_s, passed, plan.spec.replicas)
        move = plan.strategy.next(plan.settings, progress)
    if isinstance(move, Finish):
        return _all(view, plan)
    if isinstance(move, GoTo):
        return _reach(view, plan, move)
    move = _explained(view, move)
    return _undecided(view, plan, move) if late else _stay(view, move, Phase.PROGRESSING)


def hurried(view: View, plan: Plan) -> Move:
    """Where the strategy goes from here if neither time nor evidence is waited for."""
    progress = Progress(view.status.weight.confirmed, math.inf, True, plan.spec.replicas)
    return plan.strategy.next(plan.settings, progress)


def _explained(view: View, stay: Stay) -> Stay:
    """Why there will be no evidence, where that is known."""
    if stay.reason is not Reason.NOT_ENOUGH_EVIDENCE:
        return stay
    analysis = view.seen.analysis
    if analysis is None:
        return replace(stay, message="spec.analysis.metrics is missing: only a request moves on")
    if analysis.judgement is None and analysis.record:
        return replace(stay, message=str(analysis.record.get("message", "")))
    return stay


def _fine(view: View) -> bool:
    analysis = view.seen.analysis
    judgement = analysis.judgement if analysis else None
    return judgement is not None and judgement.kind is Kind.FINE


def _stay(view: View, stay: Stay, phase: Phase) -> Wait:
    until = None if stay.for_s is None else view.now + timedelta(seconds=stay.for_s)
    return Wait(stay.reason, stay.message, phase, until)


def _undecided(view: View, plan: Plan, stay: Stay) -> Decision:
    if stay.for_s is None and plan.spec.on_undecided is OnUndecided.ROLL_BACK:
        message = f"undecided after {plan.spec.horizon_s} s, and declared to be rolled back then"
        return RollBack(stay.reason, message)
    return _stay(view, stay, Phase.HOLDING)


def _all(view: View, plan: Plan) -> Decision:
    """Everything to the candidate, at stable's size, and then the pointer."""
    if view.status.weight.asked < 100:
        return _reach(view, plan, GoTo(100, view.status.step + 1), ending=True)
    state, replicas = view.of(view.status.candidate), plan.spec.replicas
    if state.replicas < replicas or not state.endpoints:
        room = make_room(view, plan.stable_size(100)) if view.shares else None
        return room or _pods(view, replicas) or _waiting(view, replicas)
    return Promote(Reason.PROMOTING, "it has all the traffic")


def _reach(view: View, plan: Plan, to: GoTo, *, ending: bool = False) -> Decision:
    """To a weight: the pods first when it rises."""
    if to.weight > view.status.weight.asked or not view.of(view.status.candidate).endpoints:
        size = plan.candidate_size(to.weight) if to.pods is None else to.pods
        room = None if to.stable is None else make_room(view, to.stable)
        decision = room or _pods(view, size) or _checked(view, plan, size)
        if decision is not None:
            return decision
    phase = Phase.PROMOTING if ending else Phase.PROGRESSING
    shown = view.seen.route.sequence if view.seen.route else None
    return SetWeight(
        Reason.PROMOTING if ending else Reason.WEIGHT_ASKED,
        f"{view.status.weight.asked} -> {to.weight} %",
        to.weight,
        to.step,
        Phase.PENDING if view.status.stable is None else phase,
        over=shown or 0,
    )


def make_room(view: View, size: int) -> Decision | None:
    """Stable goes down to `size`. Where two revisions must not run at a time its pods have to be
    gone, not only told to go. None when there is room."""
    stable, state = view.status.stable, view.of(view.status.stable)
    if stable is not None and state.replicas > size:
        message = f"stable {state.replicas} -> {size} replicas, to make room"
        return Scale(Reason.MAKING_ROOM, message, stable.name, size)
    if view.exclusive and state.pods > size:
        waiting = Stay(Reason.MAKING_ROOM, f"waiting for {state.pods} pods of stable to end")
        return _in_time(view, waiting, Stay(Reason.PROGRESS_DEADLINE, waiting.message))
    return None


def _pods(view: View, size: int) -> Decision | None:
    """None when `size` replicas are ready and can be reached."""
    candidate = view.status.candidate
    state = view.of(candidate)
    if candidate is not None and state.replicas < size:
        message = f"{state.replicas} -> {size} replicas"
        return Scale(Reason.WAITING_FOR_PODS, message, candidate.name, size)
    return _waiting(view, size) if state.serving < size else None


def _waiting(view: View, size: int) -> Decision:
    state = view.of(view.status.candidate)
    said = f" ({state.trouble})" if state.trouble else ""
    late = f"{state.serving} of {size} pods are ready{said}"
    waiting = Stay(Reason.WAITING_FOR_PODS, f"waiting for {size} ready pods")
    return _in_time(view, waiting, Stay(Reason.PROGRESS_DEADLINE, late))


def checks_due(deployment: ModelDeployment, status: Status) -> tuple[Check, ...]:
    """What the candidate's pods are to be asked now; nothing where no candidate is on probation."""
    if not _on_probation(status):
        return ()
    plan = plan_of(deployment)[0]
    return plan.checks if plan else ()


def _on_probation(status: Status) -> bool:
    """Before its first traffic; a revision that was stable before has none to pass."""
    coming = status.candidate is not None and status.stable is not None
    leaving = status.phase is Phase.ROLLING_BACK
    return coming and not (leaving or status.weight.asked or status.aim is Aim.RETURN)


def _checked(view: View, plan: Plan, size: int) -> Decision | None:
    """None when the candidate passed its checks, or has traffic already, or was stable before."""
    if not (plan.checks and _on_probation(view.status)):
        return None
    health = view.seen.health
    if health is not None and health.passed >= size:
        return None
    passed, said = (health.passed, f": {health.message}") if health else (0, "")
    shown = f"{passed} of {size} pods pass the checks"
    waiting = Stay(Reason.WAITING_FOR_CHECKS, shown)
    return _in_time(view, waiting, Stay(Reason.CHECKS_FAILED, f"{shown}{said}"))


def _in_time(view: View, waiting: Stay, late: Stay) -> Decision:
    """Waiting, or taken back once the progress deadline is over."""
    deadline_s = view.plan.spec.progress_deadline_s if view.plan else 0
    left = timedelta(seconds=deadline_s) - view.age(view.status.progressed_at)
    first = view.status.stable is None
    if left > timedelta(0):
        phase = Phase.PENDING if first else Phase.PROGRESSING
        return Wait(waiting.reason, waiting.message, phase, view.now + left)
    message = f"{late.message} after {deadline_s} s"
    if first:  # nothing else could serve instead: it is waited for, and said
        return Wait(late.reason, message, Phase.DEGRADED)
    return RollBack(late.reason, message)


def _bake(view: View) -> Decision:
    if view.plan is None:
        return Wait(Reason.SPEC_INVALID, view.problem, Phase.BAKING)
    left = timedelta(seconds=view.plan.strategy.bake_s(view.plan.settings)) - view.age(
        view.status.intent_at
    )
    if left > timedelta(0):
        message = "it has all the traffic; the previous revision is kept ready to take it back"
        return Wait(Reason.BAKING, message, Phase.BAKING, view.now + left)
    return EndBake(Reason.PROMOTED, "the bake is over")
