"""Verbs that go back, or try again: abort, roll back to any revision that is kept, retry.

Called by `requests`. What somebody wants to go back to may be a moment old: only another stable
makes such a request stale. A revision that was taken back is never gone back to; it is retried,
with all that a new candidate needs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollouts.engine.evidence import Refusal, refuse_evidence, refuse_stale
from rollouts.engine.starting import Begin, begin, wanted
from rollouts.jsontypes import dig_text
from rollouts.model import Aim, Decision, Gate, Revision, RollBack, Wait
from rollouts.reasons import Reason
from rollouts.revisions import revision_of

if TYPE_CHECKING:
    from rollouts.engine.view import View
    from rollouts.jsontypes import JsonObject
    from rollouts.model import Request


def abort(view: View, request: Request) -> Decision | Refusal:
    """The rollout under way ends, at 0 %."""
    if view.rolling_back:
        return Refusal(Reason.ROLLOUT_IN_PROGRESS, "it is being taken back already")
    if not _under_way(view):
        return Refusal(Reason.NOTHING_TO_ABORT, "no rollout is under way")
    return RollBack(Reason.ABORT_REQUESTED, f"{_asker(request)} aborted it", request.name)


def roll_back(view: View, request: Request) -> Decision | Refusal:
    """The rollout under way is taken back; at rest, an earlier revision comes back."""
    status, message = view.status, f"{_asker(request)} takes it back"
    known = {r.image for r in (status.stable, status.previous) if r}
    if request.seen.stable_image and request.seen.stable_image not in known:
        stale = "another revision has become stable since; look again and ask again"
        return Refusal(Reason.REQUEST_STALE, stale)
    if view.rolling_back:
        return Refusal(Reason.ROLLOUT_IN_PROGRESS, "it is being taken back already")
    if _under_way(view):
        older = status.previous if view.baking else status.stable
        if request.wanted and not _is(older, request.wanted):
            other = "a rollout is under way; abort it, then go back to another revision"
            return Refusal(Reason.ROLLOUT_IN_PROGRESS, other)
        return RollBack(Reason.ROLLBACK_REQUESTED, message, request.name)
    if view.status.stable is None or not view.resting:
        return Refusal(Reason.NOTHING_TO_ROLL_BACK, "the first revision is not running yet")
    return _return(view, request, message)


def retry(view: View, request: Request) -> Decision | Refusal:
    """A revision that was taken back becomes a candidate again, by the strategy's steps."""
    if not view.resting or view.plan is None or view.status.stable is None:
        message = view.problem or "a rollout is under way; end it before another one begins"
        return Refusal(Reason.ROLLOUT_IN_PROGRESS, message)
    rejected = [r.name for r in view.status.rejected if _named(r.name, request.wanted)]
    if not rejected:
        return Refusal(Reason.NOTHING_TO_RETRY, f"no revision {request.wanted} was taken back")
    inputs = view.seen.of(rejected[-1]).inputs
    if inputs is None:
        message = f"the record of {rejected[-1]} is gone; ask for its image by name"
        return Refusal(Reason.REVISION_UNKNOWN, message)
    refusal = _refuse_gate(view, request, inputs) or refuse_stale(view, request)
    if refusal is not None:
        return refusal
    message = f"{_asker(request)} retries {rejected[-1]}"
    return _begun(view, inputs, Begin(Reason.RETRY_REQUESTED, message, request=request.name))


def _return(view: View, request: Request, message: str) -> Decision | Refusal:
    """Back to a revision that served before: it is scaled up, then gets everything."""
    status = view.status
    target = request.wanted or (status.previous.name if status.previous else "")
    if not target:
        return Refusal(Reason.NOTHING_TO_ROLL_BACK, "no candidate runs and no earlier one is kept")
    if _is(status.stable, target):
        return Refusal(Reason.UP_TO_DATE, f"{target} already has all the traffic")
    served = _served(view)
    names = [name for name in served if _named(name, target)]
    inputs = view.seen.of(names[0]).inputs if names else None
    if inputs is None:
        message = f"{target} was never stable or is not kept; kept are {', '.join(served)}"
        return Refusal(Reason.REVISION_UNKNOWN, message)
    if status.rejects(revision_of(view.deployment.name, inputs).hash):
        return Refusal(Reason.REVISION_REJECTED, f"{names[0]} was taken back; Retry tries it again")
    begin_how = Begin(Reason.ROLLBACK_REQUESTED, message, Aim.RETURN, 100, request.name)
    return _begun(view, inputs, begin_how)


def _served(view: View) -> list[str]:
    """The kept revisions that were stable once; the newest of them need no list to be known by."""
    roles = [r.name for r in (view.status.stable, view.status.previous) if r]
    known = {*view.status.served, *roles}
    return sorted(n for n, state in view.seen.revisions.items() if state.inputs and n in known)


def _begun(view: View, inputs: JsonObject, how: Begin) -> Decision | Refusal:
    if view.plan is None:
        return Refusal(Reason.SPEC_INVALID, view.problem)
    decision = begin(view, inputs, replace(how, spec_hash=wanted(view, view.plan).hash))
    return Refusal(decision.reason, decision.message) if isinstance(decision, Wait) else decision


def _refuse_gate(view: View, request: Request, inputs: JsonObject) -> Refusal | None:
    """Evidence for exactly what was recorded, as for a new candidate."""
    if view.plan is None or view.plan.spec.request_gate is not Gate.REQUIRED:
        return None
    digest = dig_text(inputs, "model", "digest")
    asked = replace(request, image=dig_text(inputs, "image"), model_digest=digest)
    return refuse_evidence(asked, view.now)


def _under_way(view: View) -> bool:
    return view.baking or (view.moving and view.status.stable is not None)


def _is(revision: Revision | None, wanted: str) -> bool:
    return revision is not None and _named(revision.name, wanted)


def _named(name: str, wanted: str) -> bool:
    """By its name or by its hash; everything is named by ""."""
    return not wanted or name == wanted or name.endswith(f"-{wanted}")


def _asker(request: Request) -> str:
    return request.requested_by or "a request"
