"""The latency analysis for many rollouts at once, in numpy: for simulations only.

Written from the formulas, like `twin`; `test_latency_simulation` compares it with the pure code.
Every array has one row a run and one column a boundary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rollouts.analysis import Settings
    from tests.rollouts.analysis.twin import Floats, Ints

# The boundaries that Prometheus' Python client has by default, in seconds.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)

MEMORY = 250.0


class LatencyTwin:
    """`runs` rollouts side by side, with ticks of one second and a concurrent stable."""

    def __init__(self, settings: Settings, runs: int, memory: float = MEMORY) -> None:
        self.settings = settings
        self.memory = memory
        self.times = settings.latency_odds or 1.0
        self.second = 0
        self.reserve = 0.5
        shape = (runs, len(BOUNDS))
        self.logs = np.full(shape, np.log(0.5))
        self.events = {"c": np.zeros(shape), "s": np.zeros(shape)}
        self.requests = {"c": np.zeros((runs, 1)), "s": np.zeros((runs, 1))}

    @property
    def log_e(self) -> Floats:
        """ln E of latency alone, per run."""
        mean = np.logaddexp.reduce(self.logs, axis=1) - np.log(len(BOUNDS))
        if self.reserve <= 1e-12:
            return np.asarray(mean)
        return np.asarray(np.logaddexp(mean, np.log(self.reserve)))

    def step(self, n_c: Ints, beyond_c: Ints, n_s: Ints, beyond_s: Ints) -> None:
        """One second more in every run; `beyond`: (runs, boundaries), `n`: (runs,)."""
        self.second += 1
        if self.second % 10 == 0:
            weight = 0.5 / int(self.settings.horizon_s // 10)
            self.reserve -= weight
            self.logs = np.logaddexp(self.logs, np.log(weight))
        c, s = n_c[:, None], n_s[:, None]
        self.logs += self._increment(c, beyond_c, s, beyond_s)
        kept = np.exp(-c / self.memory)
        for arm, n, k in (("c", c, beyond_c), ("s", s, beyond_s)):
            self.requests[arm] = self.requests[arm] * kept + n
            self.events[arm] = self.events[arm] * kept + k

    def _increment(self, n_c: Ints, k_c: Ints, n_s: Ints, k_s: Ints) -> Floats:
        t_c = (self.events["c"] + 0.5) / (self.requests["c"] + 1)
        t_s = (self.events["s"] + 0.5) / (self.requests["s"] + 1)
        speaks = t_c / (1 - t_c) > self.times * t_s / (1 - t_s)
        speaks &= (n_c > 0) & (n_s > 0)
        log = np.zeros_like(t_c)
        shape = t_c.shape
        log[speaks] = self._log_ratio(
            t_c[speaks],
            t_s[speaks],
            np.broadcast_to(n_c, shape)[speaks],
            k_c[speaks],
            np.broadcast_to(n_s, shape)[speaks],
            k_s[speaks],
        )
        return log

    def _log_ratio(
        self, t_c: Floats, t_s: Floats, n_c: Ints, k_c: Ints, n_s: Ints, k_s: Ints
    ) -> Floats:
        d = self.times
        total = n_c * t_c + n_s * t_s
        # n_c d x / (1 + (d-1) x) + n_s x = total, solved by bisection: slower and independent.
        low, high = np.zeros_like(total), np.ones_like(total)
        for _ in range(45):
            x = (low + high) / 2
            above = n_c * d * x / (1 + (d - 1) * x) + n_s * x > total
            low, high = np.where(above, low, x), np.where(above, x, high)
        q_s = (low + high) / 2
        q_c = d * q_s / (1 + (d - 1) * q_s)
        log = k_c * np.log(t_c / q_c) + (n_c - k_c) * np.log((1 - t_c) / (1 - q_c))
        log += k_s * np.log(t_s / q_s) + (n_s - k_s) * np.log((1 - t_s) / (1 - q_s))
        return np.asarray(log)
