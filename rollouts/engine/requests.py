"""Requests: each pending one is taken up or refused, with a reason.

Called by `advance`. Taking one up changes the ModelDeployment's status only; the request's own
status follows from that (`tidying`), so that a crash in between loses and doubles nothing. It
deliberately knows no people: who may ask is the asker's side's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollouts.engine.consent import consented
from rollouts.engine.evidence import Refusal, refuse_evidence, refuse_image, refuse_stale
from rollouts.engine.progress import hurried
from rollouts.engine.returning import abort, retry, roll_back
from rollouts.engine.starting import Begin, begin, wanted
from rollouts.model import (
    Aim,
    Decision,
    Extent,
    Gate,
    MarkRequest,
    Pause,
    RequestPhase,
    Steer,
    Verb,
)
from rollouts.reasons import Reason
from rollouts.revisions import revision_of, template_inputs
from rollouts.strategies import GoTo

if TYPE_CHECKING:
    from rollouts.engine.view import Plan, View
    from rollouts.model import Request


def take_request(view: View) -> Decision | None:
    """The next pending request's decision; rollbacks first, then in the order they came. One that
    waits for consent holds up none behind it."""
    pending = [request for request in view.seen.requests if request.pending]
    for request in sorted(pending, key=_urgency):
        decision = None if was_taken(view, request) else _decide(view, request)
        if decision is not None:
            return decision
    return None


def was_taken(view: View, request: Request) -> bool:
    """True when the status shows that this request was taken up."""
    named = {entry.request for entry in view.status.history} | {view.status.request}
    return request.name in named


def _urgency(request: Request) -> tuple[bool, str, str]:
    return request.verb not in {Verb.ABORT, Verb.ROLL_BACK}, request.created, request.name


def _decide(view: View, request: Request) -> Decision | None:
    refusal = _refuse_form(view, request)
    if refusal is not None:
        return refused(request, refusal)
    decision: Decision | Refusal | None = _VERBS[request.verb](view, request)
    if decision is not None and not isinstance(decision, Refusal):
        decision = consented(view, request, decision)
    return refused(request, decision) if isinstance(decision, Refusal) else decision


def refused(request: Request, refusal: Refusal) -> MarkRequest:
    """The decision to refuse."""
    return MarkRequest(refusal.reason, refusal.message, request.name, RequestPhase.REFUSED)


def _refuse_form(view: View, request: Request) -> Refusal | None:
    if request.problem:
        return Refusal(Reason.REQUEST_INVALID, request.problem)
    if request.expires_at is not None and request.expires_at <= view.now:
        when = f"{request.expires_at:%Y-%m-%d %H:%M:%S} UTC"
        return Refusal(Reason.REQUEST_EXPIRED, f"it expired at {when}; ask again")
    return None


def _canary(view: View, request: Request) -> Decision | Refusal:
    refusal = _refuse_canary(view, request)
    if refusal is not None or view.plan is None:
        return refusal or Refusal(Reason.SPEC_INVALID, view.problem)
    inputs = template_inputs(view.plan.spec, request)
    revision = revision_of(view.deployment.name, inputs)
    status = view.status
    aim = Aim.STEPS if request.weight is None else Aim.WEIGHT
    weight, asker = request.weight or 0, request.requested_by or "a request"
    if request.weight is not None and view.plan.strategy.shares:
        name = view.plan.strategy.type
        message = f"{name} moves pods and not weights; ask without a weight, or use Canary"
        return Refusal(Reason.REQUEST_INVALID, message)
    if view.moving and status.candidate is not None and status.candidate.hash == revision.hash:
        return Steer(
            Reason.WEIGHT_ASKED, f"{asker} asked for {weight} %", aim, weight, request.name
        )
    if not view.resting:
        running = status.candidate or status.stable
        name = running.name if running else "another revision"
        message = f"a rollout of {name} is under way; end it before another one begins"
        return Refusal(Reason.ROLLOUT_IN_PROGRESS, message)
    if status.stable is not None and status.stable.hash == revision.hash:
        return Refusal(Reason.UP_TO_DATE, f"{revision.name} already has all the traffic")
    how = Begin(
        Reason.CANDIDATE_STARTED,
        f"{asker} asked for {revision.name}",
        aim,
        weight,
        request.name,
        wanted(view, view.plan).hash,
    )
    return begin(view, inputs, how)


def _refuse_canary(view: View, request: Request) -> Refusal | None:
    if view.plan is None:
        return Refusal(Reason.SPEC_INVALID, view.problem)
    if view.status.stable is None:
        message = "the first revision is not running yet; there is nothing to compare with"
        return Refusal(Reason.STABLE_NOT_READY, message)
    return (
        refuse_image(request)
        or _refuse_gate(view.plan, view, request)
        or refuse_stale(view, request)
    )


def _refuse_gate(plan: Plan, view: View, request: Request) -> Refusal | None:
    return refuse_evidence(request, view.now) if plan.spec.request_gate is Gate.REQUIRED else None


def _promote(view: View, request: Request) -> Decision | Refusal:
    if not view.moving or view.status.stable is None or view.status.aim is Aim.RETURN:
        return Refusal(Reason.NOTHING_TO_PROMOTE, "there is no candidate to promote")
    if stale := refuse_stale(view, request):
        return stale
    asker = request.requested_by or "a request"
    if request.extent is Extent.NEXT_STEP and view.plan is not None:
        move = hurried(view, view.plan)
        if isinstance(move, GoTo) and move.weight < 100:
            message = f"{asker} takes it to {move.weight} %"
            return Steer(Reason.WEIGHT_ASKED, message, Aim.NEXT, move.weight, request.name)
    return Steer(Reason.PROMOTING, f"{asker} promotes it", Aim.PROMOTE, 100, request.name)


def _pause(view: View, request: Request) -> Decision | Refusal:
    status, asker = view.status, request.requested_by or "a request"
    if status.stable is None or not (view.moving or view.baking):
        return Refusal(Reason.NOTHING_TO_PAUSE, "no rollout is under way")
    if status.paused:
        return Refusal(Reason.NOTHING_TO_PAUSE, "it is paused already")
    if view.exclusive and view.moving and not view.of(status.stable).endpoints:
        message = "nobody serves at this moment of a Recreate; let it go on, or abort it"
        return Refusal(Reason.NOTHING_TO_PAUSE, message)
    return Pause(Reason.PAUSED, f"{asker} paused it", True, request.name)


def _resume(view: View, request: Request) -> Decision | Refusal:
    """Also out of a hold at a weight: the strategy's steps go on from there."""
    status, asker = view.status, request.requested_by or "a request"
    if status.paused:
        return Pause(Reason.RESUMED, f"{asker} let it go on", False, request.name)
    if view.moving and status.aim is Aim.WEIGHT:
        message = f"{asker} lets it go on by its steps"
        return Steer(Reason.RESUMED, message, Aim.STEPS, 0, request.name)
    return Refusal(Reason.NOTHING_TO_RESUME, "no rollout is paused or held")


def _note(_: View, request: Request) -> Decision:
    """Locks and their like move nothing: the asking side reads them from the requests that stand,
    and a request that is refused stands for nothing."""
    message = f"{request.requested_by or 'a request'} asked for it; nothing runs differently"
    return MarkRequest(Reason.NOTED, message, request.name, RequestPhase.DONE)


_VERBS = {
    Verb.CANARY: _canary,
    Verb.PROMOTE: _promote,
    Verb.PAUSE: _pause,
    Verb.RESUME: _resume,
    Verb.ABORT: abort,
    Verb.ROLL_BACK: roll_back,
    Verb.RETRY: retry,
    Verb.LOCK: _note,
    Verb.UNLOCK: _note,
    Verb.FREEZE: _note,
    Verb.UNFREEZE: _note,
    Verb.OVERRIDE: _note,
}
