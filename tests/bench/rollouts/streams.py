"""What both arms serve, second by second, in many rollouts at once: the same for every rule.

Read by `rules` (the peers and the limit of what is possible) and `statistics` (our analysis).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tests.rollouts.analysis.simulation import HOUR, STABLE, WEIGHT, Rate, arrivals, note
from tests.rollouts.analysis.twin import Twin

if TYPE_CHECKING:
    from rollouts.analysis import Settings
    from tests.rollouts.analysis.twin import Floats, Ints


@dataclass(frozen=True)
class Stream:
    """Requests (n) and errors (k) of candidate (c) and stable (s): (seconds, runs)."""

    candidate: float  # the rate that the candidate fails with once no incident is on
    n_c: Ints
    k_c: Ints
    n_s: Ints
    k_s: Ints

    @property
    def runs(self) -> int:
        """How many rollouts are side by side."""
        return int(self.n_c.shape[1])


@dataclass(frozen=True)
class Taken:
    """When each run was taken back, in seconds, infinite for never; failed requests till then."""

    at: Floats
    bad: Floats

    @property
    def part(self) -> float:
        """Share of the runs that were taken back."""
        return float(np.isfinite(self.at).mean())

    @property
    def median_s(self) -> float:
        """Median over all runs; infinite where more than half were left alone."""
        return float(np.median(self.at))

    @property
    def median_bad(self) -> float:
        """Median of the failed requests that the candidate served until it was taken back."""
        return float(np.median(self.bad))


def stream(
    per_second: float, candidate: Rate | float, stable: Rate | float, *, runs: int, seed: int
) -> Stream:
    """An hour of it."""
    chance = np.random.default_rng(seed)
    seconds: list[tuple[Ints, ...]] = []
    for second in range(1, HOUR + 1):
        c = arrivals(chance, per_second * WEIGHT, candidate, second, runs)
        s = arrivals(chance, per_second * (1 - WEIGHT), stable, second, runs)
        seconds.append((*c, *s))
    n_c, k_c, n_s, k_s = (np.array(each, dtype=np.int64) for each in zip(*seconds, strict=True))
    rate = STABLE if callable(candidate) else candidate
    return Stream(float(rate), n_c, k_c, n_s, k_s)


def taken(seen: Stream, at: Floats) -> Taken:
    """With the failed requests until then, of the whole hour where it never was."""
    total = np.cumsum(seen.k_c, axis=0)
    last = np.minimum(at, HOUR).astype(int) - 1
    return Taken(at, np.asarray(total[last, np.arange(seen.runs)], dtype=float))


def analysed(seen: Stream, settings: Settings) -> tuple[Taken, Floats]:
    """What our analysis does, and when it calls a run fine for the first time."""
    twin = Twin(settings, seen.runs)
    at, fine = np.full(seen.runs, np.inf), np.full(seen.runs, np.inf)
    for second, tick in enumerate(zip(seen.n_c, seen.k_c, seen.n_s, seen.k_s, strict=True), 1):
        twin.step(*tick)
        note(at, twin.is_worse, second)
        note(fine, twin.is_fine & np.isinf(at), second)
        if np.isfinite(at).all():
            break
    return taken(seen, at), fine
