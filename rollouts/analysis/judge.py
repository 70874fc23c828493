"""From the state to a verdict: worse, fine or undecided, with figures and reasons.

Called by the controller after `update`; the engine acts on the answer. `worse` wins a tie. `fine`
holds as long as its evidence does: a fault that begins later takes it away again. It is not said
while the evidence against the candidate, of whatever part, would refute `fine` (1/alpha2), nor
while the requests that arrive are not the planned share. Pure: it deliberately knows no step, no
soak time and no weight.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from rollouts.analysis import against, arrival, eprocess, estimate, evidence, words
from rollouts.analysis.counts import NOTHING
from rollouts.analysis.judgement import Judgement, Kind
from rollouts.reasons import Reason

if TYPE_CHECKING:
    from rollouts.analysis.settings import Settings
    from rollouts.analysis.state import State


def judge(state: State, settings: Settings) -> Judgement:
    """The verdict at this moment."""
    if state.log_e >= math.log(1 / settings.alpha):
        return _worse(state, settings)
    wanted = math.log(1 / settings.alpha2)
    by_ratio = eprocess.log_sum(state.ratio) >= wanted
    if not by_ratio and eprocess.log_sum(state.absolute) < wanted:
        return _undecided(state, settings)
    if state.log_e >= wanted:
        return _doubtful(state, settings)
    if arrival.is_off(state.arrival, settings):
        return _astray(state)
    if by_ratio:
        return _fine(state, _ratio_reason(state, settings))
    tolerated = words.per_cent(settings.tolerated)
    return _fine(state, f"less than the tolerated {tolerated} fails")


def _worse(state: State, settings: Settings) -> Judgement:
    part = evidence.loudest(evidence.parts(state, settings), settings)
    enough = words.odds(math.log(1 / settings.alpha))
    so_far = f"evidence {words.odds(state.log_e)}, {enough} is enough"
    limit = part in evidence.LIMITS
    reason = Reason.LIMIT_BREACHED if limit else Reason.CANDIDATE_WORSE
    message = f"{against.sentence(part, state, settings)} ({so_far})"
    return replace(_judgement(Kind.WORSE, reason, message, state), part=part)


def _fine(state: State, why: str) -> Judgement:
    return _judgement(Kind.FINE, Reason.CANDIDATE_FINE, f"{_totals(state)}: {why}", state)


def _doubtful(state: State, settings: Settings) -> Judgement:
    """Errors alone would be fine, and yet something speaks against the candidate."""
    part = evidence.loudest(evidence.parts(state, settings), settings)
    so_far = f"evidence {words.odds(state.log_e)}, too much to go on and too little to go back"
    message = f"{against.sentence(part, state, settings)} ({so_far})"
    return _judgement(Kind.UNDECIDED, Reason.NOT_ENOUGH_EVIDENCE, message, state)


def _astray(state: State) -> Judgement:
    seen, share = state.arrival.seen, state.arrival.share or 0.0
    message = (
        f"{words.per_cent(seen.rate)} of the requests reach the candidate "
        f"({words.whole(seen.errors)} of {words.whole(seen.requests)}), not the planned "
        f"{words.per_cent(share)}: look for clients that bypass the route, or promote by hand"
    )
    return _judgement(Kind.UNDECIDED, Reason.SAMPLE_RATIO_MISMATCH, message, state)


def _undecided(state: State, settings: Settings) -> Judgement:
    more = estimate.more_requests(state, settings)
    rate = state.recent.candidate_per_second
    eta_s = more / rate if more is not None and rate > 0 else None
    if not state.candidate.requests:
        figures = "no request to the candidate has been counted yet"
    else:
        figures = f"{_totals(state)}: not enough to tell"
    message = figures + _outlook(more, eta_s)
    reason = Reason.NOT_ENOUGH_EVIDENCE
    judgement = _judgement(Kind.UNDECIDED, reason, message, state)
    return replace(judgement, more_requests=more, eta_s=eta_s)


def _outlook(more: int | None, eta_s: float | None) -> str:
    if more is None:
        return "; no verdict is in sight at these rates"
    when = "" if eta_s is None else f", {words.duration(eta_s)} at the present rate"
    return f"; about {words.whole(more)} more requests to it are needed{when}"


def _totals(state: State) -> str:
    stable = state.baseline or NOTHING if state.blind else state.stable
    return words.arms(state.candidate, stable, frozen=state.blind)


def _ratio_reason(state: State, settings: Settings) -> str:
    against = "its frozen rate" if state.blind else "stable's rate"
    return f"less than {words.plain(settings.r1)} times {against}"


def _judgement(kind: Kind, reason: Reason, message: str, state: State) -> Judgement:
    return Judgement(
        kind=kind,
        reason=reason,
        message=message,
        log_e=state.log_e,
        candidate=state.candidate,
        stable=state.stable,
        blind=state.blind,
    )
