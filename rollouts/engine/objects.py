"""The objects that the status implies: Deployments, Services, the alias.

Called by `advance`. It makes the cluster follow the status, and puts back what was changed by hand
(replicas too low, another image, another selector). It deliberately never takes anything away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollouts.model import Decision, Ensure, Part, PointAlias, PointPreview, Scale, Wait, Weight
from rollouts.reasons import Reason
from rollouts.revisions import revision_of, template_inputs

if TYPE_CHECKING:
    from rollouts.engine.view import View
    from rollouts.jsontypes import JsonObject
    from rollouts.model import Revision


def keep_objects(view: View) -> Decision | None:
    """The next missing or changed object, None when all are as they should be."""
    status = view.status
    if (clearing := _clear(view)) is not None:
        return clearing
    for revision in (status.stable, status.candidate, status.previous):
        if revision is None or (revision == status.candidate and view.rolling_back):
            continue
        decision = _keep(view, revision)
        if decision is not None:
            return decision
    return _keep_alias(view) or _keep_preview(view)


def least_replicas(view: View, revision: Revision) -> int:
    """How many replicas a revision must have now, at the least."""
    status, plan = view.status, view.plan
    began_with = status.stable_replicas if status.in_progress else 0
    if plan is None:
        return began_with
    if revision == status.stable:
        if view.baking:
            return plan.spec.replicas
        if view.moving and view.shares:
            return plan.stable_size(status.weight.confirmed)
        return max(plan.spec.replicas, began_with)
    if revision == status.candidate:
        weight = 100 if status.stable is None else status.weight.asked
        return plan.candidate_size(weight)
    return began_with if view.baking and not view.shares else 0


def _keep(view: View, revision: Revision) -> Decision | None:
    state = view.of(revision)
    inputs = state.inputs or _inputs_again(view, revision)
    if inputs is None:
        if state.deployment and state.service:
            return None
        message = f"{revision.name} is incomplete and its record is gone; it cannot be built again"
        return Wait(Reason.STABLE_NOT_READY, message, view.status.phase)
    for part, whole in (
        (Part.RECORD, state.inputs is not None),
        (Part.SERVICE, state.service and state.selects_itself),
        (Part.DEPLOYMENT, state.deployment and state.image == revision.image),
    ):
        if not whole:
            return _ensure(view, revision, part, inputs)
    return _size(view, revision)


def _ensure(view: View, revision: Revision, part: Part, inputs: JsonObject) -> Ensure:
    waits = view.exclusive and revision == view.status.candidate
    replicas = max(0 if waits else 1, least_replicas(view, revision), view.of(revision).replicas)
    message = f"{part.value} {revision.name}"
    return Ensure(view.status.reason, message, revision, part, inputs, replicas)


def _size(view: View, revision: Revision) -> Scale | None:
    """Stable follows the spec both ways, unless it is giving way; the others are only ever brought
    up to what they need."""
    has, least = view.of(revision).replicas, least_replicas(view, revision)
    gives_way = view.moving and view.shares
    follows = revision == view.status.stable and view.plan is not None and not gives_way
    if has < least or (follows and has > least):
        return Scale(view.status.reason, f"{has} -> {least} replicas", revision.name, least)
    return None


def _clear(view: View) -> Decision | None:
    """Where two revisions must not run at a time, one that is taken back goes before the other
    comes; its pods have to be gone, not only told to go."""
    candidate = view.status.candidate
    if candidate is None or not (view.rolling_back and view.exclusive):
        return None
    state, message = view.of(candidate), f"{candidate.name} ends before stable's pods come back"
    if state.replicas:
        return Scale(view.status.reason, message, candidate.name, 0)
    if state.pods:
        return Wait(Reason.MAKING_ROOM, message, view.status.phase, poll=True)
    return None


def _inputs_again(view: View, revision: Revision) -> JsonObject | None:
    """The inputs of a revision whose record is gone, where the spec still names them."""
    if view.plan is None:
        return None
    inputs = template_inputs(view.plan.spec)
    return inputs if revision_of(view.deployment.name, inputs).hash == revision.hash else None


def _keep_alias(view: View) -> Decision | None:
    status, seen = view.status, view.seen
    target = status.stable or status.candidate
    if view.moving and view.shares and status.weight == Weight(100, 100):
        target = status.candidate  # stable's pods go next
    if target is None or not seen.alias_is_ours or seen.alias == target.name:
        return None
    if status.stable is not None and seen.alias and not view.of(target).endpoints:
        return None  # its clients stay where they are served until there is somebody to serve them
    if view.rolling_back and status.weight.confirmed:
        return None  # the gateway's traffic first
    return PointAlias(Reason(status.reason), f"the alias selects {target.name}", target.name)


def _keep_preview(view: View) -> Decision | None:
    """The preview Service shows the candidate while there is one, and stable at rest. It is made
    for the strategies that have one, and kept right wherever it is."""
    status, seen = view.status, view.seen
    offered = view.plan is not None and view.plan.strategy.previews
    target = status.stable if view.rolling_back else status.candidate or status.stable
    if target is None or seen.preview == target.name or not (offered or seen.preview):
        return None
    return PointPreview(status.reason, f"the preview selects {target.name}", target.name)
