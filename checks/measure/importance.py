"""Permutation importance: by how much the answers get worse when one column is shuffled. Pure.

Used by `model_interpretability`. A shuffled column keeps its values and loses its rows, so whatever
the model took from it is gone. The interval is a bootstrap over the rows, paired: the same rows
with and without the column, averaged over the shuffles. Columns that say the same stand in for
each other, so each of them looks less important than both are; `correlated` names such pairs.

Source: Breiman (2001), Random Forests, section 10; Fisher, Rudin and Dominici (2019), All Models
are Wrong, but Many are Useful, Journal of Machine Learning Research 20(177).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from checks.measure import bootstrap, performance
from checks.measure.performance import LOWER_IS_BETTER
from checks.sandbox.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from checks.evidence.answers import Predictions
    from checks.evidence.data import Evaluation
    from checks.measure.bootstrap import Array, Estimate, Floats, Metric

SEED = 20_240_301
RESAMPLES = 200  # of each column's interval: there may be hundreds of columns
MOST_CELLS = 250_000  # of one table of shuffled copies: time is looked at between tables
MOST_PAIRED = 300  # columns that are compared with each other
SAME = 0.8  # rank correlation from which two columns stand in for each other


class Shuffle(NamedTuple):
    """One column, shuffled for the `repeat`th time."""

    column: str
    repeat: int


@dataclass(frozen=True)
class Importance:
    """The decline of the metric without one column: mean over `shuffles`, with its interval."""

    column: str
    estimate: Estimate
    shuffles: int

    @property
    def is_beyond_chance(self) -> bool:
        """Whether the interval lies above zero."""
        return self.estimate.low is not None and self.estimate.low > 0


class Pair(NamedTuple):
    """Two columns that say nearly the same, by rank correlation."""

    one: str
    other: str
    correlation: float


def sample(rows: int, most: int) -> Array:
    """Which rows are taken: all, or `most` of them drawn once, in their order."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(SEED).choice(rows, most, replace=False))


def batches(inputs: Table, repeats: int) -> list[list[Shuffle]]:
    """Every shuffle, each column once before any column twice, in tables of bounded size."""
    shuffles = [Shuffle(name, repeat) for repeat in range(repeats) for name in inputs.names]
    size = max(1, MOST_CELLS // max(1, inputs.rows * len(inputs.columns)))
    return [shuffles[start : start + size] for start in range(0, len(shuffles), size)]


def stacked(inputs: Table, shuffles: Sequence[Shuffle]) -> Table:
    """One copy of the rows for each shuffle, below each other; in each, one column is shuffled.

    The order depends on the column's name and the repeat alone, so two models meet the same rows.
    """
    columns = []
    for column in inputs.columns:
        parts = [
            column.values[_order(each, inputs.rows)]
            if each.column == column.name
            else column.values
            for each in shuffles
        ]
        columns.append(Column(column.name, column.kind, np.concatenate(parts)))
    return Table(tuple(columns))


def apart(predictions: Predictions, count: int) -> list[Predictions]:
    """The answers to `stacked` rows, one part for each of its `count` copies."""
    rows = len(predictions.predicted) // count
    return [
        part(predictions, np.arange(start, start + rows)) for start in range(0, rows * count, rows)
    ]


def part(predictions: Predictions, rows: Array) -> Predictions:
    """The answers on some of the rows."""
    chances = predictions.probabilities
    return replace(
        predictions,
        predicted=predictions.predicted[rows],
        probabilities=None if chances is None else chances[rows],
    )


def metric_for(evaluation: Evaluation, predictions: Predictions, wanted: str | None) -> str | None:
    """What the decline is measured in: `wanted`, or the first that these answers define.

    ROC AUC for two classes with probabilities, otherwise accuracy; R2, or the absolute error where
    the truth is constant. None when `wanted` is not defined here.
    """
    binary = evaluation.positive is not None
    usual = ("r2", "mae") if evaluation.task == "regression" else ("accuracy",)
    names = (wanted,) if wanted else (("roc_auc", *usual) if binary else usual)
    metrics = performance.metrics_of(evaluation, predictions)
    whole = np.ones((1, evaluation.rows))
    defined = (n for n in names if n in metrics and np.isfinite(metrics[n](whole)[0]))
    return next(defined, None)


def declines(
    evaluation: Evaluation,
    predictions: Predictions,
    shuffled: Mapping[str, Sequence[Predictions]],
    metric: str,
) -> dict[str, Metric]:
    """For each column, how much worse the metric is without it: positive is worse."""
    whole = _metric(evaluation, predictions, metric)
    sign = -1 if metric in LOWER_IS_BETTER else 1

    def of(answers: Sequence[Predictions]) -> Metric:
        parts = [_metric(evaluation, each, metric) for each in answers]

        def decline(weights: Floats) -> Floats:
            total = sum((part(weights) for part in parts), np.zeros(len(weights)))
            return np.asarray(sign * (whole(weights) - total / len(parts)), dtype=np.float64)

        return decline

    return {name: of(answers) for name, answers in shuffled.items()}


def ranked(
    declined: Mapping[str, Metric], shuffles: Mapping[str, int], rows: int
) -> tuple[Importance, ...]:
    """Each column's importance with its interval, the largest first."""
    estimates = bootstrap.estimate(declined, rows, count=RESAMPLES)
    found = [Importance(name, each, shuffles[name]) for name, each in estimates.items()]
    return tuple(sorted(found, key=lambda each: (-each.estimate.value, each.column)))


def differences(
    declined: Mapping[str, Metric], before: Mapping[str, Metric], rows: int
) -> dict[str, Estimate]:
    """The importance of each column that both models have, minus the other model's: paired."""
    paired = {
        name: bootstrap.difference(each, before[name])
        for name, each in declined.items()
        if name in before
    }
    return bootstrap.estimate(paired, rows, count=RESAMPLES)


def correlated(inputs: Table) -> tuple[Pair, ...]:
    """Pairs of columns with a rank correlation (Spearman) of at least `SAME`, the closest first.

    Numbers, and texts of two values; a missing value counts as the middle.
    """
    coded = {
        column.name: codes
        for column in inputs.columns[:MOST_PAIRED]
        if (codes := _ranks(column)) is not None
    }
    if len(coded) < 2:
        return ()
    names, matrix = list(coded), np.abs(np.corrcoef(np.stack(list(coded.values()))))
    pairs = [
        Pair(names[one], names[other], round(float(matrix[one, other]), 6))
        for one, other in zip(*np.triu_indices(len(names), 1), strict=True)
        if matrix[one, other] >= SAME
    ]
    return tuple(sorted(pairs, key=lambda pair: -pair.correlation))


def _order(shuffle: Shuffle, rows: int) -> Array:
    seed = [SEED, zlib.crc32(shuffle.column.encode("utf-8", "replace")), shuffle.repeat]
    return np.random.default_rng(seed).permutation(rows)


def _metric(evaluation: Evaluation, predictions: Predictions, name: str) -> Metric:
    return performance.metrics_of(evaluation, predictions)[name]


def _ranks(column: Column) -> Floats | None:
    """Ranks with ties averaged, centred; None for texts of many values and constants."""
    if column.kind == "str":
        codes = {text: code for code, text in enumerate(sorted({*column.values} - {None}))}
        if len(codes) != 2:
            return None
        values = np.array([codes.get(text, np.nan) for text in column.values])
    else:
        values = column.values.astype(np.float64)
    known = np.isfinite(values)
    if not known.any():
        return None
    _, inverse, counts = np.unique(values[known], return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    centred = np.zeros(len(values))
    centred[known] = ranks - ranks.mean()
    return centred if centred.any() else None
