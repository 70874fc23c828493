"""Percentile bootstrap over rows, vectorised: a metric is a function of row weights.

Used by the measured checks. A resample of n rows is a vector of n counts that sum to n, so a
metric that understands weights yields its value on many resamples at once, all metrics see the
same resamples, and the difference of two models on the same rows is paired for free.

On many rows that would take minutes, so there the bag of little bootstraps is used where metrics
can be built for a part of the rows: resamples of n rows drawn from a few random parts of them, the
deviations from each part's own value averaged over the parts. The value itself is always of all
rows.

Sources: Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13. Kleiner,
Talwalkar, Sarkar and Jordan (2014), A scalable bootstrap for massive data.
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
CELL_BUDGET = 8_000_000  # resamples x rows drawn at most, which bounds the time on many rows
MANY_ROWS = 40_000  # more are looked at in parts, where metrics can be built for a part
PARTS = 10
PART_RESAMPLES = 100
PART_EXPONENT = 0.65  # a part has n^0.65 rows; the source finds 0.6 to 0.7 enough
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


def estimate_in_parts(
    build: Callable[[Array | None], Mapping[str, Metric]], rows: int, seed: int = SEED
) -> dict[str, Estimate]:
    """As `estimate`, for metrics that `build` makes for some rows (indices), or for all (None)."""
    whole = build(None)
    if rows <= MANY_ROWS:
        return estimate(whole, rows, seed)
    ones = np.ones((1, rows))
    values = {name: float(metric(ones)[0]) for name, metric in whole.items()}
    defined = [name for name, value in values.items() if np.isfinite(value)]
    bounds: dict[str, list[tuple[float, float]]] = {name: [] for name in defined}
    size = int(rows**PART_EXPONENT)
    generator = np.random.default_rng(seed)
    order = generator.permutation(rows)[: PARTS * size].reshape(PARTS, size)
    for part in order:
        for name, deviations in _deviations(build(np.sort(part)), defined, size, rows, generator):
            low, high = interval(deviations)
            if low is not None and high is not None:
                bounds[name].append((low, high))
    count = PARTS * PART_RESAMPLES
    return {name: _around(values[name], bounds[name], rows, count) for name in defined}


def _deviations(
    metrics: Mapping[str, Metric],
    names: list[str],
    size: int,
    rows: int,
    generator: np.random.Generator,
) -> Iterator[tuple[str, Floats]]:
    """How far each metric lies from its value on this part, when `rows` are drawn from the part."""
    # Counts of a multinomial draw of many rows; as Poisson they differ by their sum alone, which
    # every metric divides out.
    weights = generator.poisson(rows / size, size=(PART_RESAMPLES, size)).astype(np.float64)
    ones = np.ones((1, size))
    for name in names:
        if name in metrics:
            yield name, metrics[name](weights) - metrics[name](ones)


def _around(value: float, bounds: list[tuple[float, float]], rows: int, count: int) -> Estimate:
    if len(bounds) * 2 < PARTS:
        return Estimate(value, None, None, rows, count)
    low, high = np.mean(bounds, axis=0)
    return Estimate(value, value + float(low), value + float(high), rows, count)


def once(metric: Metric) -> Metric:
    """The same metric, computed once for the same weights: what several metrics share."""
    last: list[tuple[Floats, Floats]] = []

    def value(weights: Floats) -> Floats:
        if not last or last[0][0] is not weights:
            last[:] = [(weights, metric(weights))]
        return last[0][1]

    return value


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
