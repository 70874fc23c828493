"""What can wait: telling requests what became of them, and taking away what nobody needs.

Called by `advance` when nothing more urgent is to be done. It deliberately touches nothing that has
traffic, is a candidate, or could be needed for going back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from rollouts.engine.requests import was_taken
from rollouts.model import (
    TERMINAL,
    Action,
    CleanUp,
    Decision,
    Entry,
    MarkRequest,
    Outcome,
    Part,
    RequestPhase,
    Scale,
    Verb,
)
from rollouts.reasons import Reason

if TYPE_CHECKING:
    from rollouts.engine.view import View
    from rollouts.model import Request

DRAIN = timedelta(seconds=10)  # answers on their way, and gateways that are late to notice
OUTCOMES = {
    Action.PROMOTED: Outcome.PROMOTED,
    Action.ROLLED_BACK: Outcome.ROLLED_BACK,
    Action.SUPERSEDED: Outcome.SUPERSEDED,
}


def mark_taken(view: View) -> Decision | None:
    """A request that the status shows as taken is told so."""
    for request in view.seen.requests:
        if request.pending and was_taken(view, request):
            entry = next((e for e in view.status.history if e.request == request.name), None)
            current = view.status.candidate or view.status.stable
            at_once = request.verb in {Verb.PAUSE, Verb.RESUME}
            return MarkRequest(
                entry.reason if entry else view.status.reason,
                entry.message if entry else view.status.message,
                request.name,
                RequestPhase.DONE if at_once else RequestPhase.ACCEPTED,
                revision=entry.revision if entry else (current.name if current else ""),
                weight=request.weight,
            )
    return None


def mark_done(view: View) -> Decision | None:
    """A request whose rollout is over is told how it ended."""
    for request in view.seen.requests:
        if request.phase is RequestPhase.ACCEPTED and not _under_way(view, request.revision):
            end = _end(view, request)
            return MarkRequest(
                end.reason if end else view.status.reason,
                end.message if end else "",
                request.name,
                RequestPhase.DONE,
                outcome=OUTCOMES[end.action] if end else Outcome.NONE,
                revision=request.revision,
                weight=request.weight,
            )
    return None


def tidy(view: View) -> Decision | None:
    """Scales down, later deletes, revisions that are out of use."""
    status = view.status
    settled = view.age(status.progressed_at) >= DRAIN and status.confirmed
    if not settled or view.rolling_back:
        return None
    return _cool(view) or _sweep(view)


def tidy_at(view: View) -> timedelta:
    """How long until `tidy` has something to look at."""
    return max(timedelta(0), DRAIN - view.age(view.status.progressed_at))


def _under_way(view: View, revision: str) -> bool:
    status = view.status
    if status.candidate is not None and status.candidate.name == revision:
        return True
    return view.baking and status.stable is not None and status.stable.name == revision


def _end(view: View, request: Request) -> Entry | None:
    """The line of history that ended the request's rollout: the last one of its revision."""
    ends = [entry for entry in view.status.history if entry.action in TERMINAL]
    mine = [entry for entry in ends if entry.request == request.name]
    if request.verb in {Verb.CANARY, Verb.RETRY} or not mine:
        mine = [entry for entry in ends if entry.revision == request.revision] or mine
    return mine[-1] if mine else None


def _cool(view: View) -> Decision | None:
    """The previous revision keeps only its warm replicas once the bake is over."""
    previous = view.status.previous
    if previous is None or not view.resting or view.plan is None:
        return None
    strategy, settings = view.plan.strategy, view.plan.settings
    for_s = strategy.warm_s(settings)
    over = for_s is not None and view.age(view.status.intent_at) >= timedelta(seconds=for_s)
    warm = 0 if over else strategy.warm_replicas(settings)
    has = view.of(previous).replicas
    if has > warm:
        message = f"kept warm: {has} -> {warm} replicas"
        return Scale(Reason.PROMOTED, message, previous.name, warm)
    return None


def _sweep(view: View) -> Decision | None:
    status, seen = view.status, view.seen
    if seen.route is None or view.plan is None:
        return None
    used = {r.name for r in (status.stable, status.candidate, status.previous) if r}
    spare = [name for name in seen.revisions if name not in used]
    spare.sort(key=lambda name: seen.of(name).created, reverse=True)
    for name in spare:
        if not seen.route.weights.get(name) and seen.of(name).replicas:
            return Scale(status.reason, "out of use", name, 0)
    for name in spare[view.plan.spec.history_limit :]:
        if name not in seen.route.weights:
            return _delete(view, name)
    return None


def _delete(view: View, name: str) -> CleanUp:
    state = view.seen.of(name)
    message = "beyond revisionHistoryLimit"
    if state.deployment:
        return CleanUp(view.status.reason, message, name, Part.DEPLOYMENT)
    if state.service:
        return CleanUp(view.status.reason, message, name, Part.SERVICE)
    return CleanUp(view.status.reason, message, name, Part.RECORD)
