"""Ending a rollback: it is over when the candidate demonstrably gets nothing any more.

Called by `advance`. The route has to show 0 %, accepted, and the candidate's own request counters
have to stand still where they can be read. What cannot be confirmed is said loudly. It
deliberately never gives up taking the traffic away.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from rollouts.engine.easing import back_again
from rollouts.model import Decision, FinishRollBack, Note, Phase, Wait
from rollouts.reasons import Reason

if TYPE_CHECKING:
    from rollouts.engine.view import View

QUIET = timedelta(seconds=1)  # one tick of the analysis without a request
CONFIRM_WITHIN = timedelta(seconds=30)


def warn_unconfirmed(view: View) -> Decision | None:
    """Once, when a rollback has not been confirmed for too long."""
    status = view.status
    late = view.rolling_back and view.age(status.intent_at) > CONFIRM_WITHIN
    if not late or status.reason is Reason.ABORT_NOT_CONFIRMED or status.weight.asked:
        return None
    if status.confirmed and _quiet(view):
        return None
    what = "its request counter still moves" if status.confirmed else "the route does not show 0 %"
    message = f"the candidate is not confirmed to be without traffic after 30 s: {what}"
    return Note(Reason.ABORT_NOT_CONFIRMED, message, Phase.ROLLING_BACK, warn=True)


def finish_roll_back(view: View) -> Decision | None:
    """Over, once the route shows 0 %, accepted and recorded, and nothing arrives any more."""
    status = view.status
    if not (view.rolling_back and status.confirmed) or status.weight.asked:
        return None
    cause = view.status.cause
    reason = cause.reason if cause else Reason.ROLLED_BACK
    message = cause.message if cause else ""
    warned = view.status.reason is Reason.ABORT_NOT_CONFIRMED
    if not back_again(view):
        message = f"{message}; waiting for stable's pods"
        return Wait(reason, message, Phase.ROLLING_BACK)
    if _quiet(view) or warned:
        return FinishRollBack(reason, message)
    return Wait(reason, message, Phase.ROLLING_BACK, view.now + QUIET)


def _quiet(view: View) -> bool:
    """True when the candidate's counters stand still, or there are none to look at."""
    analysis = view.seen.analysis
    if analysis is None or not analysis.readable:
        return True
    return analysis.quiet_since is not None and view.age(analysis.quiet_since) >= QUIET
