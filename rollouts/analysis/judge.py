"""From the state to a verdict: worse, fine or undecided, with figures and reasons.

Called by the controller after `update`; the engine acts on the answer. `worse` wins a tie. `fine`
holds as long as its evidence does: a fault that begins later takes it away again. Pure: it
deliberately knows no step, no soak time and no weight.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from rollouts.analysis import eprocess, estimate, onset, words
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
    if eprocess.log_sum(state.ratio) >= wanted:
        return _fine(state, _ratio_reason(state, settings))
    if eprocess.log_sum(state.absolute) >= wanted:
        tolerated = words.per_cent(settings.tolerated)
        return _fine(state, f"less than the tolerated {tolerated} fails")
    return _undecided(state, settings)


def _worse(state: State, settings: Settings) -> Judgement:
    episode = state.episode
    stable = state.baseline or NOTHING if state.blind else episode.stable
    figures = words.arms(episode.candidate, stable, frozen=state.blind)
    enough = words.odds(math.log(1 / settings.alpha))
    evidence = f"evidence {words.odds(state.log_e)}, {enough} is enough"
    reason, why = _why_worse(state, settings)
    when = f"in the last {words.duration(episode.seconds)} "
    return _judgement(Kind.WORSE, reason, f"{when}{figures}: {why} ({evidence})", state)


def _why_worse(state: State, settings: Settings) -> tuple[Reason, str]:
    """The comparison is named where it is enough by itself or the stronger of the two."""
    comparison = onset.log_evidence(state.worse, state.seconds, settings.horizon_s)
    limit = settings.error_limit
    if limit is None or comparison >= min(state.log_e, math.log(1 / settings.alpha)):
        return Reason.CANDIDATE_WORSE, f"more than {words.plain(settings.r0)} times as often"
    return Reason.LIMIT_BREACHED, f"over the limit of {words.per_cent(limit)}"


def _fine(state: State, why: str) -> Judgement:
    return _judgement(Kind.FINE, Reason.CANDIDATE_FINE, f"{_totals(state)}: {why}", state)


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
