"""The analysis for thousands of rollouts at once, in numpy: for simulations only.

Written from the formulas, not from the code, and compared with the pure code on random paths in
`test_simulation`. Every array has one row a run. Rows without a failure in a tick are not touched,
as nothing changes in them but the two `fine` tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rollouts.analysis import Settings

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

RATIOS = np.geomspace(1.25, 400, 40)
LIMIT_ODDS = np.geomspace(1.25, 400, 12)
FINE_RATIOS = np.array([1, 0.75, 1.25, 0.5, 0.25, 0.1])
FINE_WEIGHTS = np.array([0.5, 0.2, 0.1, 0.1, 0.06, 0.04])
PARTS = np.array([0, 0.1, 0.25, 0.5])
PART_WEIGHTS = np.array([0.7, 0.1, 0.1, 0.1])


class Twin:
    """`runs` rollouts side by side, with ticks of one second and a concurrent stable."""

    def __init__(self, settings: Settings, runs: int, *, fine: bool = True) -> None:
        self.settings = settings
        self.with_fine = fine
        self.second = 0
        self.reserve = 0.5
        self.rho = RATIOS * settings.r0
        self.worse = np.full((runs, 40), np.log(0.5))
        self.log_worse = np.zeros(runs)
        self.log_over = np.zeros(runs)
        self.log_e = np.zeros(runs)
        self.ratio = np.tile(np.log(FINE_WEIGHTS), (runs, 1))
        self.absolute = np.tile(np.log(PART_WEIGHTS), (runs, 1))
        self.stable, self.stable_errors = np.zeros(runs), np.zeros(runs)
        limit = settings.error_limit
        if limit is not None:
            odds = limit / (1 - limit) * LIMIT_ODDS
            self.over = odds / (1 + odds)
            self.limit = np.full((runs, 12), np.log(0.5))

    def step(self, n_c: Ints, k_c: Ints, n_s: Ints, k_s: Ints) -> None:
        """One second more in every run."""
        self.second += 1
        if self.second % 10 == 0:
            weight = 0.5 / int(self.settings.horizon_s // 10)
            self.reserve -= weight
            self.worse = np.logaddexp(self.worse, np.log(weight))
            if self.settings.error_limit is not None:
                self.limit = np.logaddexp(self.limit, np.log(weight))
        self._compare(n_c, k_c, n_s, k_s)
        self.log_e = self.log_worse
        if self.settings.error_limit is not None:
            self._limit(self.settings.error_limit, n_c, k_c, n_s, k_s)
            self.log_e = np.logaddexp(np.log(0.9) + self.log_worse, np.log(0.1) + self.log_over)
        if self.with_fine:
            self._fine(n_c, k_c, n_s, k_s)

    @property
    def is_worse(self) -> Bools:
        """Rows to roll back now."""
        return np.asarray(self.log_e >= np.log(1 / self.settings.alpha))

    @property
    def is_fine_by_ratio(self) -> Bools:
        """Rows whose ratio test says fine now."""
        total = np.logaddexp.reduce(self.ratio, axis=1)
        return np.asarray(total >= np.log(1 / self.settings.alpha2))

    @property
    def is_fine(self) -> Bools:
        """Rows that either test calls fine now, with nothing as strong against them."""
        wanted = np.log(1 / self.settings.alpha2)
        by_rate = np.logaddexp.reduce(self.absolute, axis=1) >= wanted
        return np.asarray((by_rate | self.is_fine_by_ratio) & (self.log_e < wanted))

    def _compare(self, n_c: Ints, k_c: Ints, n_s: Ints, k_s: Ints) -> None:
        at = np.flatnonzero(k_c + k_s)
        r0 = self.settings.r0
        c, k, s, failed = n_c[at, None], k_c[at, None], n_s[at, None], (k_c + k_s)[at, None]
        both = (c > 0) & (s > 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            step = k * np.log(self.rho / r0) - failed * np.log((c * self.rho + s) / (c * r0 + s))
        self.worse[at] += np.where(both, step, 0)
        self.log_worse[at] = self._evidence(self.worse[at])

    def _limit(self, limit: float, n_c: Ints, k_c: Ints, n_s: Ints, k_s: Ints) -> None:
        kept = np.exp(-1 / 30)
        self.stable = self.stable * kept + n_s
        self.stable_errors = self.stable_errors * kept + k_s
        shared = (self.stable_errors >= limit * self.stable) & (self.stable_errors > 0)
        shared |= (n_s > 0) & (k_s >= limit * n_s)
        k, passed = np.where(shared, 0, k_c), np.where(shared, 0, n_c - k_c)
        self.limit += k[:, None] * np.log(self.over / limit)
        self.limit += passed[:, None] * np.log((1 - self.over) / (1 - limit))
        self.log_over = self._evidence(self.limit)

    def _evidence(self, logs: Floats) -> Floats:
        top = logs.max(axis=1)
        mean = top + np.log(np.exp(logs - top[:, None]).mean(axis=1))
        if self.reserve <= 1e-12:
            return np.asarray(mean)
        return np.asarray(np.logaddexp(mean, np.log(self.reserve)))

    def _fine(self, n_c: Ints, k_c: Ints, n_s: Ints, k_s: Ints) -> None:
        cap = np.log(10 / self.settings.alpha2)
        r1, tolerated = self.settings.r1, self.settings.tolerated
        at = np.flatnonzero((k_c + k_s > 0) & (n_c > 0) & (n_s > 0))
        c, k, s, failed = n_c[at, None], k_c[at, None], n_s[at, None], (k_c + k_s)[at, None]
        step = k * np.log(FINE_RATIOS / r1)
        step = step - failed * np.log((c * FINE_RATIOS + s) / (c * r1 + s))
        self.ratio[at] = np.minimum(cap, self.ratio[at] + step)
        q = PARTS * tolerated
        with np.errstate(divide="ignore"):
            per_error = np.maximum(np.log(q / tolerated), -1e6)
        step = k_c[:, None] * per_error
        step = step + (n_c - k_c)[:, None] * np.log((1 - q) / (1 - tolerated))
        self.absolute = np.minimum(cap, self.absolute + step)
