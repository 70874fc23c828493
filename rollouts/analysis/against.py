"""What speaks against a candidate, in one clause with figures.

Called by `judge`, with the part of the evidence that a verdict is named after. It only words what
it is given and deliberately compares nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollouts.analysis import words
from rollouts.analysis.counts import NOTHING
from rollouts.analysis.evidence import Part

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollouts.analysis.events import Compared
    from rollouts.analysis.settings import Settings
    from rollouts.analysis.state import State


def sentence(part: Part, state: State, settings: Settings) -> str:
    """ "in the last 40 s candidate 41 of 503 requests failed (8.2 %), ...: more than ..."."""
    return WORDED[part](state, settings)


def _errors(state: State, settings: Settings) -> str:
    return f"{_episode(state)}: more than {words.plain(settings.r0)} times as often"


def _error_limit(state: State, settings: Settings) -> str:
    return f"{_episode(state)}: over the limit of {words.per_cent(settings.error_limit or 0)}"


def _episode(state: State) -> str:
    stable = state.baseline or NOTHING if state.blind else state.episode.stable
    figures = words.arms(state.episode.candidate, stable, frozen=state.blind)
    return f"in the last {words.duration(state.episode.seconds)} {figures}"


def _latency(state: State, settings: Settings) -> str:
    if state.latency is None:
        return "latency"
    compared = state.latency.compared
    kind = max(range(len(compared.logs)), key=lambda i: compared.logs[i])
    slow = f"took longer than {words.seconds(state.latency.bounds[kind])}"
    return (
        f"{_shares(state, compared, kind, f'requests {slow}')}: more than "
        f"{words.plain(settings.latency_odds or 1)} times the odds"
    )


def _latency_limit(state: State, settings: Settings) -> str:
    at = state.latency.limit_at(settings) if state.latency else None
    if state.latency is None or at is None:
        return "latency limit"
    slow = _part(state.latency.compared, at)
    bound = words.seconds(state.latency.bounds[at])
    limit = words.per_cent(settings.latency_limit_share)
    return f"{slow} of the candidate's last requests took longer than {bound}: over {limit}"


def _labels(state: State, settings: Settings) -> str:
    if state.labels is None:
        return "labels"
    figures = _shares(state, state.labels, 0, "labelled predictions were wrong")
    return f"{figures}: more than {words.plain(settings.labels_odds or 1)} times the odds"


def _scores(state: State, settings: Settings) -> str:
    if state.scores is None:
        return "scores"
    candidate, stable = state.scores.candidate.value, state.scores.stable.value
    way = "lower" if settings.score_sides == 1 else "away"
    return (
        f"the candidate's last mean score is {candidate:.3g}, {_stables(state)} {stable:.3g}: "
        f"more than {words.plain(settings.score_tolerance or 0)} {way}"
    )


def _shares(state: State, compared: Compared, kind: int, what: str) -> str:
    """ "28 % of the candidate's last requests took longer than 0.1 s, 15 % of stable's"."""
    stable = compared.stable
    share = words.per_cent(stable.events[kind] / stable.requests) if stable.requests else "?"
    candidate = f"{_part(compared, kind)} of the candidate's last {what}"
    return f"{candidate}, {share} of {_stables(state)}"


def _stables(state: State) -> str:
    return "stable's before it was switched off" if state.blind else "stable's"


def _part(compared: Compared, kind: int) -> str:
    seen = compared.candidate
    return words.per_cent(seen.events[kind] / seen.requests if seen.requests else 0.0)


WORDED: dict[Part, Callable[[State, Settings], str]] = {
    Part.ERRORS: _errors,
    Part.ERROR_LIMIT: _error_limit,
    Part.LATENCY: _latency,
    Part.LATENCY_LIMIT: _latency_limit,
    Part.LABELS: _labels,
    Part.SCORES: _scores,
}
