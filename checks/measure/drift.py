"""How far the evaluation rows have moved from the training rows, column by column. Pure.

Used by `checks.measure.data_profile`. Population stability index: the sum over bins of
(e - t) ln(e / t), t and e being the bin's share of training and evaluation rows. Bins are the
deciles of the training values; each value by itself where there are at most 20, and for text the 49
most frequent, the rest together; what is missing is a bin of its own. An empty bin counts as a
share of 0.0001. Above 0.2 is the usual sign of a shift (Siddiqi 2006, Credit Risk Scorecards).

Two samples of one population differ as well, and small ones by far more than 0.2; so the bins'
counts are also compared by Pearson's chi-square test of homogeneity. Its p-values, and those of the
two-sample Kolmogorov-Smirnov test (asymptotic; ties make it conservative), are adjusted over all
columns by Holm's method.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from checks.measure.columns import absent
from checks.measure.slices import SIGNIFICANCE, holm

if TYPE_CHECKING:
    from checks.measure.bootstrap import Array, Floats
    from checks.sandbox.table import Column, Table

DECILES = 10
MOST_VALUES = 20
MOST_TEXTS = 49
EMPTY = 1e-4


@dataclass(frozen=True)
class Shift:
    """One column's distance. `ks` is None for text; p-values are adjusted over the columns."""

    column: str
    psi: float
    psi_p: float
    ks: float | None
    ks_p: float | None
    rows: tuple[int, int]  # training, evaluation

    def beyond(self, limit: float) -> bool:
        """Whether the index is above the limit and chance does not explain it."""
        return self.psi > limit and self.psi_p < SIGNIFICANCE


def compare(training: Table, evaluation: Table) -> tuple[Shift, ...]:
    """Every column that both have, the farthest first."""
    names = [name for name in training.names if name in evaluation.names]
    found = [_shift(training.column(name), evaluation.column(name)) for name in names]
    by_psi = holm([each.psi_p for each in found])
    tested = [each.ks_p for each in found if each.ks_p is not None]
    by_ks = iter(holm(tested))
    adjusted = [
        replace(each, psi_p=p, ks_p=None if each.ks_p is None else next(by_ks))
        for each, p in zip(found, by_psi, strict=True)
    ]
    return tuple(sorted(adjusted, key=lambda each: (-each.psi, each.column)))


def stability(before: Array, after: Array, bins: int) -> float:
    """PSI of two samples given as bin numbers from 0 to `bins` - 1."""
    shares = [np.bincount(each, minlength=bins) / len(each) for each in (before, after)]
    t, e = (np.maximum(share, EMPTY) for share in shares)
    return float(((e - t) * np.log(e / t)).sum())


def homogeneity(before: Array, after: Array, bins: int) -> float:
    """The p-value of Pearson's chi-square test that both samples fill the bins alike."""
    seen = np.array([np.bincount(each, minlength=bins) for each in (before, after)], dtype=float)
    seen = seen[:, seen.sum(axis=0) > 0]
    expected = seen.sum(axis=1, keepdims=True) * seen.sum(axis=0) / seen.sum()
    statistic = float(((seen - expected) ** 2 / expected).sum())
    return float(special.chdtrc(seen.shape[1] - 1, statistic)) if seen.shape[1] > 1 else 1.0


def kolmogorov_smirnov(before: Floats, after: Floats) -> tuple[float, float]:
    """The largest distance of the two distribution functions, and its asymptotic p-value."""
    before, after = np.sort(before), np.sort(after)
    every = np.concatenate([before, after])
    one = np.searchsorted(before, every, side="right") / len(before)
    other = np.searchsorted(after, every, side="right") / len(after)
    distance = float(np.abs(one - other).max())
    size = len(before) * len(after) / (len(before) + len(after))
    return distance, float(special.kolmogorov(math.sqrt(size) * distance))


def _shift(training: Column, evaluation: Column) -> Shift:
    numeric = training.kind != "str" and evaluation.kind != "str"
    before, after, bins = _numeric_bins(training, evaluation) if numeric else _text_bins(
        training, evaluation
    )  # fmt: skip
    psi, chance = stability(before, after, bins), homogeneity(before, after, bins)
    distance, p_value = None, None
    if numeric and "bool" not in {training.kind, evaluation.kind}:
        samples = [_present(each) for each in (training, evaluation)]
        if all(map(len, samples)):
            distance, p_value = kolmogorov_smirnov(*samples)
    return Shift(training.name, psi, chance, distance, p_value, (len(before), len(after)))


def _present(column: Column) -> Floats:
    return np.asarray(column.values[~absent(column)], dtype=np.float64)


def _numeric_bins(training: Column, evaluation: Column) -> tuple[Array, Array, int]:
    known = _present(training)
    distinct = np.unique(known)
    few = len(distinct) <= MOST_VALUES
    cuts = np.linspace(0, 1, DECILES + 1)[1:-1]
    edges = distinct if few else np.unique(np.quantile(known, cuts))
    placed = []
    for column in (training, evaluation):
        values = column.values.astype(np.float64)
        if few:  # bins: each value, then everything else
            at = np.searchsorted(edges, values)
            hit = np.zeros(len(values), dtype=bool)
            inside = at < len(edges)
            hit[inside] = edges[at[inside]] == values[inside]
            places = np.where(hit, at, len(edges))
        else:
            places = np.searchsorted(edges, values, side="left")
        placed.append(np.where(absent(column), len(edges) + 1, places))
    return placed[0], placed[1], len(edges) + 2


def _text_bins(training: Column, evaluation: Column) -> tuple[Array, Array, int]:
    texts = [_texts(training), _texts(evaluation)]
    counts: dict[str | None, int] = {}
    for value in texts[0]:
        counts[value] = counts.get(value, 0) + 1
    common = sorted((v for v in counts if v is not None), key=lambda v: (-counts[v], v))
    codes: dict[str | None, int] = {v: code for code, v in enumerate(common[:MOST_TEXTS])}
    codes[None] = len(codes) + 1
    other = len(codes) - 1
    before, after = (
        np.fromiter((codes.get(value, other) for value in each), np.int64, len(each))
        for each in texts
    )
    return before, after, len(codes) + 1


def _texts(column: Column) -> list[str | None]:
    if column.kind == "str":
        return list(column.values)
    gone = absent(column)
    return [None if lost else str(v) for v, lost in zip(column.values.tolist(), gone, strict=True)]
