"""Where a model is weakest: groups of rows by one column and value, with control for looking often.

Used by `model_performance`. Text and whole-number columns of few values are taken value by value,
other numbers by quartile. Every group with enough rows is tested against all other rows, and the
p-values are adjusted together by Holm's method, so that among many harmless groups the chance of
accusing any is at most 5 %.

Source: Holm (1979), A Simple Sequentially Rejective Multiple Test Procedure.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.measure.bootstrap import Array, Floats
    from checks.sandbox.table import Column, Table

LEAST_ROWS = 30  # fewer say too little about a group
MOST_VALUES = 20
SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Slice:
    """One group: its rows, its mean loss and that of the others, and the adjusted p-value."""

    column: str
    value: str
    rows: int
    loss: float
    loss_elsewhere: float
    p_value: float  # adjusted over all groups that were tested

    @property
    def weak(self) -> bool:
        """Whether the group is worse than the rest beyond chance."""
        return self.p_value < SIGNIFICANCE and self.loss > self.loss_elsewhere


@dataclass(frozen=True)
class SliceScan:
    """All tested groups, weakest first, and how many were too small to test."""

    slices: tuple[Slice, ...]
    too_few: int


def scan(table: Table, losses: Floats, least: int = LEAST_ROWS) -> SliceScan:
    """Tests every group of every column; `losses` has shape (rows,), larger is worse.

    Losses of 0 and 1 only (right or wrong) get an exact one-sided hypergeometric test, others
    Welch's one-sided t-test.
    """
    tested: list[tuple[str, str, Group, float]] = []
    too_few = 0
    binary = bool(np.isin(losses, (0.0, 1.0)).all())
    everything = Group(len(losses), float(losses.sum()), float((losses**2).sum()))
    for column in table.columns:
        for value, group in _measured(column, losses):
            if group.rows < least or len(losses) - group.rows < least:
                too_few += group.rows < least
                continue
            p_value = _exact(everything, group) if binary else _welch(everything, group)
            tested.append((column.name, value, group, p_value))
    adjusted = holm([p_value for *_, p_value in tested])
    slices = [
        Slice(column, value, group.rows, group.mean, everything.without(group).mean, p_value)
        for (column, value, group, _), p_value in zip(tested, adjusted, strict=True)
    ]
    slices.sort(key=lambda s: (s.p_value, s.loss_elsewhere - s.loss, s.column, s.value))
    return SliceScan(tuple(slices), too_few)


@dataclass(frozen=True)
class Group:
    """The losses of some rows, as far as the tests need them."""

    rows: int
    total: float
    squares: float

    @property
    def mean(self) -> float:
        """The mean loss."""
        return self.total / self.rows

    @property
    def variance(self) -> float:
        """The unbiased variance of the losses."""
        return max(0.0, self.squares - self.total**2 / self.rows) / (self.rows - 1)

    def without(self, other: Group) -> Group:
        """The rows that are not in `other`, which is a part of these."""
        rows, total = self.rows - other.rows, self.total - other.total
        return Group(rows, total, self.squares - other.squares)


def _measured(column: Column, losses: Floats) -> Iterator[tuple[str, Group]]:
    names, codes = groups(column)
    if not names:
        return
    shifted = codes + 1  # rows of no group count in front
    rows = np.bincount(shifted, minlength=len(names) + 1)[1:]
    totals = np.bincount(shifted, losses, len(names) + 1)[1:]
    squares = np.bincount(shifted, losses**2, len(names) + 1)[1:]
    for name, count, total, square in zip(names, rows, totals, squares, strict=True):
        if count:
            yield name, Group(int(count), float(total), float(square))


def groups(column: Column) -> tuple[list[str], Array]:
    """The names of a column's groups, and for each row the number of its group, -1 for none.

    Columns of too many texts have no groups.
    """
    values = column.values
    if column.kind == "float":
        values = np.where(np.isfinite(values), values, np.nan)
        present = values[~np.isnan(values)]
        whole = bool((present == np.floor(present)).all())
        if not whole or len(np.unique(present)) > MOST_VALUES:
            return _quartiles(values)
    if column.kind == "int" and len(np.unique(values)) > MOST_VALUES:
        return _quartiles(values.astype(np.float64))
    return _by_value(values)


def _by_value(values: Array) -> tuple[list[str], Array]:
    if values.dtype != object:
        distinct, codes = np.unique(values, return_inverse=True)
        names = ["missing" if _absent(v) else _name(v) for v in distinct.tolist()]
    else:
        listed = values.tolist()
        known = {value: code for code, value in enumerate(dict.fromkeys(listed))}
        if len(known) > MOST_VALUES + 1:  # one of them may be that it is missing
            return [], np.empty(0, np.int64)
        codes = np.fromiter(map(known.__getitem__, listed), np.int64, len(values))
        names = ["missing" if _absent(v) else _name(v) for v in known]
    ordered = sorted(set(names))
    if len(ordered) > MOST_VALUES:
        return [], np.empty(0, np.int64)
    places = np.array([ordered.index(name) for name in names], dtype=np.int64)
    return ordered, places[codes]


def holm(p_values: list[float]) -> list[float]:
    """Holm's adjusted p-values, in the given order."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [1.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def _quartiles(values: Floats) -> tuple[list[str], Array]:
    missing = np.isnan(values)
    if missing.all():
        return ["missing"], np.zeros(len(values), np.int64)
    edges = np.unique(np.quantile(values[~missing], [0.25, 0.5, 0.75]))
    bounds = [-math.inf, *map(float, edges), math.inf]
    # Above the edge before and up to the edge itself.
    codes = np.searchsorted(edges, values, side="left") + 1
    codes[missing] = 0
    return ["missing", *(_range(low, high) for low, high in itertools.pairwise(bounds))], codes


def _range(low: float, high: float) -> str:
    if low == -math.inf:
        return f"up to {high:.4g}"
    return f"above {low:.4g}" if high == math.inf else f"{low:.4g} to {high:.4g}"


def _absent(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _name(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _exact(everything: Group, group: Group) -> float:
    """P(at least this many wrong rows in the group), the wrong rows falling anywhere."""
    rows, wrong = everything.rows, round(everything.total)
    size, inside = group.rows, round(group.total)
    share = wrong / rows
    spread = math.sqrt(size * share * (1 - share) * (rows - size) / max(rows - 1, 1))
    # Terms further out than 40 standard deviations are smaller than a float can add.
    last = max(inside, size * share) + 40 * spread + 50
    counts = np.arange(inside, min(size, wrong, int(last)) + 1)
    logs = _log_choose(wrong, counts) + _log_choose(rows - wrong, size - counts)
    chance = np.exp(special.logsumexp(logs) - _log_choose(rows, np.array([size]))[0])
    return float(min(1.0, chance))


def _log_choose(n: int, k: Array) -> Floats:
    with np.errstate(invalid="ignore"):
        logs = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return np.where((k >= 0) & (k <= n), logs, -np.inf)


def _welch(everything: Group, group: Group) -> float:
    inside, outside = group, everything.without(group)
    one, other = inside.variance / inside.rows, outside.variance / outside.rows
    if one + other == 0:
        return 1.0
    t = (inside.mean - outside.mean) / math.sqrt(one + other)
    freedom = (one + other) ** 2 / (one**2 / (inside.rows - 1) + other**2 / (outside.rows - 1))
    return float(1 - special.stdtr(freedom, t))
