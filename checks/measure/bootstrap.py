"""Percentile bootstrap over rows, vectorised: a metric is a function of row weights.

Used by the measured checks. A resample of n rows is a vector of n counts that sum to n, so a
metric that understands weights yields its value on many resamples at once, all metrics see the
same resamples, and the difference of two models on the same rows is paired for free.

Source: Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]
# Weights of shape (resamples, rows) -> values of shape (resamples,); NaN where undefined.
Metric = Callable[[Floats], Floats]

RESAMPLES = 2_000
LEAST_RESAMPLES = 200
CELL_BUDGET = 40_000_000  # resamples x rows drawn at most, which bounds the time on many rows
CHUNK_CELLS = 2_000_000  # bounds the memory
SEED = 20_240_229
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A value, its 95 % percentile interval, and how both came about."""

    value: float
    low: float | None
    high: float | None
    rows: int
    resamples: int


def resamples_for(rows: int) -> int:
    """How many resamples are drawn: 2,000, fewer on many rows, never fewer than 200."""
    return int(min(RESAMPLES, max(LEAST_RESAMPLES, CELL_BUDGET // max(rows, 1))))


def estimate(
    metrics: Mapping[str, Metric], rows: int, seed: int = SEED, count: int | None = None
) -> dict[str, Estimate]:
    """Each metric's value on the rows as they are and its interval over one set of resamples.

    A metric that is undefined on the rows themselves (NaN) is left out. `count` is how many
    resamples are drawn, where there are too many metrics for the usual number.
    """
    whole = np.ones((1, rows))
    values = {name: float(metric(whole)[0]) for name, metric in metrics.items()}
    defined = {name: metric for name, metric in metrics.items() if np.isfinite(values[name])}
    drawn: dict[str, list[Floats]] = {name: [] for name in defined}
    count = count or resamples_for(rows)
    for weights in _resamples(rows, count, seed):
        for name, metric in defined.items():
            drawn[name].append(metric(weights))
    result = {}
    for name, parts in drawn.items():
        low, high = interval(np.concatenate(parts))
        result[name] = Estimate(values[name], low, high, rows, count)
    return result


def difference(one: Metric, other: Metric) -> Metric:
    """`one` minus `other` on the same resampled rows: the paired difference."""
    return lambda weights: one(weights) - other(weights)


def interval(values: Floats) -> tuple[float | None, float | None]:
    """The central 95 % of the defined values; (None, None) when fewer than half are defined."""
    defined = values[np.isfinite(values)]
    if defined.size * 2 < values.size or defined.size == 0:
        return None, None
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)


def _resamples(rows: int, count: int, seed: int) -> Iterator[Floats]:
    generator = np.random.default_rng(seed)
    chunk = max(1, min(count, CHUNK_CELLS // max(rows, 1)))
    for start in range(0, count, chunk):
        size = min(chunk, count - start)
        picks = generator.integers(0, rows, size=(size, rows))
        picks += np.arange(size)[:, None] * rows
        counts = np.bincount(picks.ravel(), minlength=size * rows)
        yield counts.reshape(size, rows).astype(np.float64)
