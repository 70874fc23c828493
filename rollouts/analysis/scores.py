"""Scores between 0 and 1 of both arms, compared by betting: model quality, drift of predictions.

Called by `update`. With the means m_c and m_s of a tick's scores, the null "the candidate's scores
are on average at most `tolerance` below stable's" is bet against with

    E <- E (1 + lambda x),    x = m_s - m_c - tolerance,    lambda in [0, 1/2]

where lambda is fixed before the tick: however the scores are distributed, E gains nothing on
average under the null (Waudby-Smith and Ramdas, Estimating means of bounded random variables by
betting, arXiv 2010.09686). lambda is about the bet that would have grown fastest on the faded ticks
before: mean / mean square. Where drift to either side matters, a second bet is on
m_c - m_s - tolerance, and the two are averaged. Without a concurrent stable m_s is the lower
(upper) end of its last mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollouts.analysis import onesample, onset
from rollouts.analysis.saved import numbers, rounded, rounded_down

if TYPE_CHECKING:
    from rollouts.analysis.counts import Both, Scores
    from rollouts.analysis.eprocess import Logs
    from rollouts.analysis.settings import Settings
    from rollouts.jsontypes import Json

MOST_BET = 0.5
MEMORY_TICKS = 60.0
MEMORY_SCORES = 2000.0  # over which the shown means fade
LEAST_BASELINE = 30.0


@dataclass(frozen=True, slots=True)
class Mean:
    """A faded count of scores and their faded sum."""

    count: float = 0.0
    total: float = 0.0

    def after(self, seen: Scores) -> Mean:
        """With one more tick in it."""
        kept = math.exp(-seen.count / MEMORY_SCORES)
        return Mean(self.count * kept + seen.count, self.total * kept + seen.count * seen.mean)

    @property
    def value(self) -> float:
        """The mean; 0 when there is none."""
        return min(1.0, self.total / self.count) if self.count > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Bets:
    """For each side: the evidence, and faded sums of x and of its square that set the next bet."""

    logs: Logs
    sums: Logs
    squares: Logs
    candidate: Mean = Mean()
    stable: Mean = Mean()

    def to_json(self) -> Json:
        """Plain JSON."""
        means = (self.candidate.count, self.candidate.total, self.stable.count, self.stable.total)
        moments = rounded((*self.sums, *self.squares), 6)
        return [rounded_down(self.logs), moments, rounded(means)]

    @classmethod
    def from_json(cls, data: Json, sides: int) -> Bets:
        """The reverse of `to_json`. Raises TypeError or ValueError for anything else."""
        logs, moments, means = data
        found = numbers(moments, 2 * sides)
        n_c, t_c, n_s, t_s = numbers(means, 4)
        if min(n_c, t_c, n_s, t_s, *found[sides:]) < 0:
            raise ValueError("counts and squares below 0")
        logs = numbers(logs, sides)
        return cls(logs, found[:sides], found[sides:], Mean(n_c, t_c), Mean(n_s, t_s))


def begin(settings: Settings, level: float) -> Bets:
    """The state when the first scores are seen; `level` as `onset.level` says."""
    sides = settings.score_sides
    return Bets((level,) * sides, (0.0,) * sides, (0.0,) * sides)


def after(
    state: Bets, settings: Settings, seen: Both[Scores], weight: float, *, concurrent: bool
) -> Bets:
    """One tick more; a tick in which an arm has no score changes only the start times."""
    logs = onset.take_in(state.logs, weight)
    ends = _ends(state, seen, concurrent=concurrent)
    sums, squares = state.sums, state.squares
    if ends is not None and seen.candidate.count:
        low, high = ends
        mean, tolerance = seen.candidate.mean, settings.score_tolerance or 0.0
        found = (low - mean - tolerance, mean - high - tolerance)[: settings.score_sides]
        logs = tuple([a + math.log1p(_bet(state, i) * x) for i, (a, x) in _each(logs, found)])
        kept = math.exp(-1.0 / MEMORY_TICKS)
        sums = tuple([a * kept + x for _, (a, x) in _each(sums, found)])
        squares = tuple([a * kept + x * x for _, (a, x) in _each(squares, found)])
    stable = state.stable.after(seen.stable) if concurrent else state.stable
    return Bets(logs, sums, squares, state.candidate.after(seen.candidate), stable)


def _ends(state: Bets, seen: Both[Scores], *, concurrent: bool) -> tuple[float, float] | None:
    """Between which values stable's mean lies: one value where it is seen, else an interval."""
    if concurrent:
        return (seen.stable.mean, seen.stable.mean) if seen.stable.count else None
    if state.stable.count < LEAST_BASELINE:
        return None
    # No distribution on [0, 1] with this mean spreads wider than yes and no, which Wilson assumes.
    return onesample.interval_of(state.stable.count, min(state.stable.total, state.stable.count))


def _bet(state: Bets, side: int) -> float:
    """lambda, from the ticks before this one."""
    square = state.squares[side]
    return min(MOST_BET, max(0.0, state.sums[side] / square)) if square > 0 else 0.0


def _each(values: Logs, found: Logs) -> list[tuple[int, tuple[float, float]]]:
    return list(enumerate(zip(values, found, strict=True)))
