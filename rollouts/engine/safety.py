"""Taking back what hurts: asked first, in every phase, whatever else is going on.

Called by `advance`. It needs nothing of the spec, so that a spec that makes no sense disarms
nothing. It deliberately knows no step, no soak and no request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollouts.analysis import Kind
from rollouts.model import Aim, Decision, RollBack, Wait
from rollouts.reasons import Reason

if TYPE_CHECKING:
    from rollouts.engine.view import View
    from rollouts.model import Revision


def take_back(view: View) -> Decision | None:
    """A RollBack when the candidate is worse or cannot serve; None when there is no cause."""
    status = view.status
    if view.baking:
        return _judged(view, status.stable, status.previous)
    if view.moving and status.stable is not None:
        return _judged(view, status.candidate, status.stable)
    return None


def _judged(view: View, newer: Revision | None, older: Revision | None) -> Decision | None:
    cause = _cause(view, newer)
    if cause is None or newer is None:
        return None
    has_traffic = view.baking or view.status.weight.asked > 0
    if has_traffic and not view.of(older).endpoints and not view.shares:
        # Sending everything to nowhere is worse than what is being seen; said, and looked at again.
        message = f"{cause[1]}; it is not taken back because no pod of the older revision is ready"
        return Wait(Reason.STABLE_NOT_READY, message, view.status.phase)
    return RollBack(*cause)


def _cause(view: View, newer: Revision | None) -> tuple[Reason, str] | None:
    analysis = view.seen.analysis
    judgement = analysis.judgement if analysis else None
    returning = view.status.aim is Aim.RETURN and view.moving
    if judgement is not None and judgement.kind is Kind.WORSE and not returning:
        return judgement.reason, judgement.message
    has_traffic = view.baking or view.status.weight.asked > 0
    state = view.of(newer)
    if has_traffic and not state.endpoints:
        said = f": {state.trouble}" if state.trouble else ""
        return Reason.CANDIDATE_NOT_READY, f"none of its pods is ready any more{said}"
    return None
