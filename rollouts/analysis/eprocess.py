"""Two-sample evidence: the e-process on the ratio of two error rates, on the scale of logs.

Called by `state.update`. For the null "the candidate's rate is at most `null` times stable's, at
every tick" and an alternative ratio rho, one tick with n_c, k_c requests and errors at the
candidate and n_s, k_s at stable changes the log of the evidence by

    l(rho) = k_c ln(rho/null) - (k_c + k_s) ln[(n_c rho + n_s) / (n_c null + n_s)]

whose exponential has expectation <= 1 under the null for Bernoulli and Poisson errors, whatever the
rates drift to and however the weight changes: the conditional test of Lindon and Malek (arXiv
2011.03567). With `null` > rho the same expression speaks for "less than `null` times". Ville's
inequality makes every crossing of 1/alpha, at any moment, wrong with at most alpha.

It deliberately knows neither when a regression may begin (`onset`) nor what is decided.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from rollouts.analysis.counts import Increment

Logs: TypeAlias = tuple[float, ...]

GRID = 40  # alternatives of "worse"
GRID_LOW, GRID_HIGH = 1.25, 400.0  # times the null's ratio

# Alternatives of "fine", as ratios to stable, with the weight each has.
FINE = ((1.0, 0.5), (0.75, 0.2), (1.25, 0.1), (0.5, 0.1), (0.25, 0.06), (0.1, 0.04))


def log_spaced(low: float, high: float, count: int) -> Logs:
    """`count` values from `low` to `high`, evenly spaced on the scale of logs."""
    step = math.log(high / low) / (count - 1)
    return tuple(low * math.exp(step * i) for i in range(count))


GRID_TIMES = log_spaced(GRID_LOW, GRID_HIGH, GRID)


@lru_cache(maxsize=256)
def worse_ratios(r0: float) -> Logs:
    """The alternatives of "worse": 40 ratios, log-spaced over 1.25..400 times r0."""
    return tuple(r0 * times for times in GRID_TIMES)


FINE_RATIOS: Logs = tuple(ratio for ratio, _ in FINE)
FINE_LOG_WEIGHTS: Logs = tuple(math.log(weight) for _, weight in FINE)


@lru_cache(maxsize=256)
def _log_times(ratios: Logs, null: float) -> Logs:
    return tuple(math.log(ratio / null) for ratio in ratios)


def increments(ratios: Logs, null: float, candidate: Increment, stable: Increment) -> Logs | None:
    """l(rho) for each ratio; None where the tick says nothing (all zero)."""
    failed = candidate.errors + stable.errors
    if failed == 0 or candidate.requests == 0 or stable.requests == 0:
        return None
    n_c, n_s, k_c = candidate.requests, stable.requests, candidate.errors
    log = math.log
    at_null = log(n_c * null + n_s)
    return tuple(
        [
            k_c * log_times - failed * (log(n_c * ratio + n_s) - at_null)
            for ratio, log_times in zip(ratios, _log_times(ratios, null), strict=True)
        ]
    )


def add(logs: Logs, more: Logs | None) -> Logs:
    """Elementwise sum; `more` None adds nothing."""
    return logs if more is None else tuple([a + b for a, b in zip(logs, more, strict=True)])


def log_sum(logs: Sequence[float]) -> float:
    """ln of the sum of exponentials, without leaving the scale of logs."""
    top = max(logs)
    exp = math.exp
    return top + math.log(sum([exp(value - top) for value in logs]))


def log_add(a: float, b: float) -> float:
    """ln(exp(a) + exp(b))."""
    low, high = (a, b) if a < b else (b, a)
    return high + math.log1p(math.exp(low - high))
