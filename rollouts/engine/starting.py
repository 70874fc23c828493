"""Starting a rollout: what the spec wants, and taking up a revision.

Called by `advance` (the spec) and by `requests` (somebody asked). A revision is recorded before it
is taken up, so that its pods can be built again whatever happens to the spec. It deliberately does
not move traffic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollouts.model import (
    Aim,
    Decision,
    Ensure,
    Part,
    Phase,
    RollBack,
    StartCandidate,
    Wait,
)
from rollouts.reasons import Reason
from rollouts.revisions import revision_of, template_inputs

if TYPE_CHECKING:
    from rollouts.engine.view import Plan, View
    from rollouts.jsontypes import JsonObject
    from rollouts.model import Revision


@dataclass(frozen=True)
class Begin:
    """How a rollout is to be begun; fields as in StartCandidate."""

    reason: Reason
    message: str
    aim: Aim = Aim.STEPS
    aim_weight: int = 0
    request: str = ""
    spec_hash: str = ""


def wanted(view: View, plan: Plan) -> Revision:
    """The revision that the spec names."""
    return revision_of(view.deployment.name, template_inputs(plan.spec))


def overridden(view: View, plan: Plan) -> bool:
    """True while a request overrides the spec: until what the spec puts into the pods changes."""
    return bool(view.status.spec_hash) and view.status.spec_hash == wanted(view, plan).hash


def follow_spec(view: View) -> Decision | None:
    """Starts what the spec wants, or takes back what it no longer wants. None: nothing to do."""
    if view.plan is None:
        return None
    if view.status.stable is None:
        return _first(view, view.plan)
    if overridden(view, view.plan):
        return None
    if view.resting:
        return _changed(view, view.plan)
    return _superseded(view, view.plan)


def begin(view: View, inputs: JsonObject, how: Begin) -> Decision:
    """Records the revision, then takes it up."""
    revision = revision_of(view.deployment.name, inputs)
    recorded = view.of(revision).inputs
    if recorded is None:
        message = f"recording revision {revision.name}"
        return Ensure(how.reason, message, revision, Part.RECORD, inputs)
    if recorded != inputs:
        message = f"another revision already has the name {revision.name}; change any field"
        return Wait(Reason.SPEC_INVALID, message, view.status.phase)
    return StartCandidate(
        how.reason,
        how.message,
        revision,
        how.aim,
        aim_weight=how.aim_weight,
        request=how.request,
        spec_hash=how.spec_hash,
        stable_replicas=view.of(view.status.stable).replicas,
    )


def _first(view: View, plan: Plan) -> Decision | None:
    """The first revision: there is nothing to compare it with and nobody to take traffic from."""
    revision = wanted(view, plan)
    candidate = view.status.candidate
    if candidate is not None and (candidate.hash == revision.hash or view.status.weight.asked):
        return None
    if not view.seen.alias_is_ours:
        message = f"the Service {view.deployment.name!r} selects other pods; remove it or rename"
        return Wait(Reason.SPEC_INVALID, message, Phase.DEGRADED)
    how = Begin(Reason.INITIAL_REVISION, f"starting the first revision, {revision.name}")
    return begin(view, template_inputs(plan.spec), how)


def _changed(view: View, plan: Plan) -> Decision | None:
    revision, stable = wanted(view, plan), view.status.stable
    if stable is not None and revision.hash == stable.hash:
        return None
    if plan.spec.needs_request or view.status.rejects(revision.hash):
        return None
    how = Begin(Reason.CANDIDATE_STARTED, f"the spec names {revision.name}")
    return begin(view, template_inputs(plan.spec), how)


def _superseded(view: View, plan: Plan) -> Decision | None:
    """A rollout whose revision the spec no longer wants is taken back, if the spec may decide."""
    if view.rolling_back or view.status.aim is Aim.RETURN or plan.spec.needs_request:
        return None
    revision, stable = wanted(view, plan), view.status.stable
    message = f"the spec now names {revision.name}"
    if view.baking:
        # A third revision waits for the end of the bake; going back to the previous one need not.
        back = view.status.previous is not None and revision.hash == view.status.previous.hash
        return RollBack(Reason.SPEC_CHANGED, message) if back else None
    candidate = view.status.candidate
    if candidate is None or candidate.hash == revision.hash or stable is None:
        return None
    return RollBack(Reason.SPEC_CHANGED, message)


def resting_reason(view: View) -> tuple[Reason, str]:
    """What the status says while nothing is to be done."""
    if view.plan is None:
        return Reason.SPEC_INVALID, view.problem
    revision, stable = wanted(view, view.plan), view.status.stable
    if stable is None or revision.hash == stable.hash or overridden(view, view.plan):
        return Reason.UP_TO_DATE, "what is asked for is running"
    if view.status.rejects(revision.hash):
        return Reason.REVISION_REJECTED, f"{revision.name} was taken back; a request may retry it"
    return Reason.AWAITING_REQUEST, f"{revision.name} starts when somebody asks for it"
