"""Rollouts by chance, many side by side: what the simulations and the bench are made of.

Requests arrive by a Poisson process, 10 % at the candidate, and fail independently.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from tests.rollouts.analysis.twin import Bools, Floats, Ints, Twin

if TYPE_CHECKING:
    from rollouts.analysis import Settings

STABLE = 0.005
WEIGHT = 0.1
HOUR = 3600
Rate = Callable[[int], float | Floats]


@dataclass
class Outcome:
    """Per run: the second of the first rollback and of the first `fine`, infinite for never."""

    worse_at: Floats
    fine_by_ratio_at: Floats
    fine_at: Floats
    bad: Floats  # failed requests served by the candidate until then

    @property
    def rolled_back(self) -> int:
        """How many runs were."""
        return int(np.isfinite(self.worse_at).sum())


def simulate(
    settings: Settings,
    per_second: float,
    candidate: float | Rate,
    *,
    stable: float | Rate = STABLE,
    runs: int,
    seconds: int = HOUR,
    seed: int,
    until: Callable[[Outcome], Bools] | None = None,
    fine: bool = False,
) -> Outcome:
    """Runs side by side, a tick a second, until every run is done or the time is over."""
    chance = np.random.default_rng(seed)
    twin = Twin(settings, runs, fine=fine)
    never = np.full(runs, np.inf)
    outcome = Outcome(never.copy(), never.copy(), never.copy(), np.zeros(runs))
    for second in range(1, seconds + 1):
        n_c, k_c = arrivals(chance, per_second * WEIGHT, candidate, second, runs)
        n_s, k_s = arrivals(chance, per_second * (1 - WEIGHT), stable, second, runs)
        twin.step(n_c, k_c, n_s, k_s)
        outcome.bad += np.where(np.isinf(outcome.worse_at), k_c, 0)
        note(outcome.worse_at, twin.is_worse, second)
        if fine:
            note(outcome.fine_by_ratio_at, twin.is_fine_by_ratio, second)
            note(outcome.fine_at, twin.is_fine, second)
        if until is not None and until(outcome).all():
            break
    return outcome


def arrivals(
    chance: np.random.Generator, rate: float, failing: float | Rate, second: int, runs: int
) -> tuple[Ints, Ints]:
    """Requests of one second and how many of them failed: two Poisson streams, side by side."""
    part = failing(second) if callable(failing) else failing
    failed = chance.poisson(rate * part, runs)
    return chance.poisson(rate * (1 - part), runs) + failed, failed


def note(at: Floats, now: Bools, second: int) -> None:
    at[now & np.isinf(at)] = second


def all_rolled_back(outcome: Outcome) -> Bools:
    return np.isfinite(outcome.worse_at)


def all_fine(outcome: Outcome) -> Bools:
    return np.isfinite(outcome.fine_at)


def most(runs: int, probability: float) -> int:
    """A count that events of this probability exceed once in ten thousand tests."""
    return int(stats.binom.ppf(0.9999, runs, probability))


def sprt_median(
    per_second: float, candidate: float, alpha: float, *, runs: int, seed: int
) -> float:
    """Seconds that Wald's test needs when both rates are known: the limit of what is possible."""
    chance = np.random.default_rng(seed)
    total, at = np.zeros(runs), np.full(runs, np.inf)
    for second in range(1, HOUR + 1):
        n = chance.poisson(per_second * WEIGHT, runs)
        k = chance.binomial(n, candidate)
        total += k * np.log(candidate / STABLE) + (n - k) * np.log((1 - candidate) / (1 - STABLE))
        note(at, total >= np.log(1 / alpha), second)
        if np.isfinite(at).all():
            break
    return float(np.median(at))
