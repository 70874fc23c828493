"""Taking back where stable gave up pods: its traffic returns with its pods, not before them.

Asked when a rollback begins (`outcome`) and while it goes on (`advance`). All the traffic on the
one pod that is left of stable would be an outage of our own making; so the candidate's share falls
as stable's pods come back, and to 0 at once where the candidate cannot serve it either, or where
stable kept its pods, as in most strategies. It deliberately scales nothing: `objects` does.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from rollouts.model import Decision, Phase, SetWeight, Wait
from rollouts.reasons import Reason

if TYPE_CHECKING:
    from rollouts.engine.view import View
    from rollouts.model import Status


def share_kept(view: View, status: Status) -> int:
    """Per cent that the candidate of `status`, which is being taken back, has to keep for now."""
    if view.plan is None or not view.shares or view.exclusive:
        return 0
    if not view.of(status.candidate).endpoints:
        return 0
    needed = max(status.stable_replicas, view.plan.spec.replicas)
    serving = min(needed, view.of(status.stable).serving)
    return min(status.weight.asked, 100 - 100 * serving // needed)


def ease(view: View) -> Decision | None:
    """The candidate's next lower share; None where it has none or nothing came back."""
    status = view.status
    if not (view.rolling_back and status.weight.asked):
        return None
    share = 0 if _overdue(view) and view.of(status.stable).endpoints else share_kept(view, status)
    if share < status.weight.asked and status.confirmed:
        reason = status.cause.reason if status.cause else Reason.ROLLED_BACK
        message = f"{status.weight.asked} -> {share} %, as stable's pods come back"
        return SetWeight(reason, message, share, 0, Phase.ROLLING_BACK)
    left = _deadline(view) - view.age(status.intent_at)
    until = view.now + left if left > timedelta(0) else None
    message = f"{status.weight.asked} % until more of stable's pods are ready"
    return Wait(status.reason, message, Phase.ROLLING_BACK, until)


def back_again(view: View) -> bool:
    """False while stable, which gave up its pods, is still without one; not for ever."""
    return not view.shares or bool(view.of(view.status.stable).endpoints) or _overdue(view)


def _overdue(view: View) -> bool:
    return view.age(view.status.intent_at) > _deadline(view)


def _deadline(view: View) -> timedelta:
    return timedelta(seconds=view.plan.spec.progress_deadline_s if view.plan else 0)
