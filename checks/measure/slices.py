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
    tested: list[tuple[str, str, Array, float]] = []
    too_few = 0
    binary = bool(np.isin(losses, (0.0, 1.0)).all())
    for column in table.columns:
        for value, member in groups(column):
            count = int(member.sum())
            if count < least or len(losses) - count < least:
                too_few += count < least
                continue
            p_value = _exact(losses, member) if binary else _welch(losses, member)
            tested.append((column.name, value, member, p_value))
    adjusted = holm([p_value for *_, p_value in tested])
    slices = [
        Slice(
            column,
            value,
            int(member.sum()),
            float(losses[member].mean()),
            float(losses[~member].mean()),
            p_value,
        )
        for (column, value, member, _), p_value in zip(tested, adjusted, strict=True)
    ]
    slices.sort(key=lambda s: (s.p_value, s.loss_elsewhere - s.loss, s.column, s.value))
    return SliceScan(tuple(slices), too_few)


def groups(column: Column) -> Iterator[tuple[str, Array]]:
    """The groups of one column as (name, mask); columns of too many texts have none."""
    values = column.values
    if column.kind == "float":
        values = np.where(np.isfinite(values), values, np.nan)
        present = values[~np.isnan(values)]
        whole = bool((present == np.floor(present)).all())
        if not whole or len(np.unique(present)) > MOST_VALUES:
            yield from _quartiles(values)
            return
    if column.kind == "int" and len(np.unique(values)) > MOST_VALUES:
        yield from _quartiles(values.astype(np.float64))
        return
    names = np.array(["missing" if _absent(v) else _name(v) for v in values], dtype=object)
    distinct = sorted(set(names))
    if len(distinct) <= MOST_VALUES:
        for name in distinct:
            yield name, names == name


def holm(p_values: list[float]) -> list[float]:
    """Holm's adjusted p-values, in the given order."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [1.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def _quartiles(values: Floats) -> Iterator[tuple[str, Array]]:
    missing = np.isnan(values)
    if missing.any():
        yield "missing", missing
    if missing.all():
        return
    edges = np.unique(np.quantile(values[~missing], [0.25, 0.5, 0.75]))
    bounds = [-math.inf, *map(float, edges), math.inf]
    for low, high in itertools.pairwise(bounds):
        member = (values > low) & (values <= high)
        if member.any():
            yield _range(low, high), member


def _range(low: float, high: float) -> str:
    if low == -math.inf:
        return f"up to {high:.4g}"
    return f"above {low:.4g}" if high == math.inf else f"{low:.4g} to {high:.4g}"


def _absent(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _name(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _exact(losses: Floats, member: Array) -> float:
    """P(at least this many wrong rows in the group), the wrong rows falling anywhere."""
    rows, wrong = len(losses), int(losses.sum())
    size, inside = int(member.sum()), int(losses[member].sum())
    most = min(size, wrong)
    counts = np.arange(inside, most + 1)
    logs = _log_choose(wrong, counts) + _log_choose(rows - wrong, size - counts)
    chance = np.exp(special.logsumexp(logs) - _log_choose(rows, np.array([size]))[0])
    return float(min(1.0, chance))


def _log_choose(n: int, k: Array) -> Floats:
    with np.errstate(invalid="ignore"):
        logs = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return np.where((k >= 0) & (k <= n), logs, -np.inf)


def _welch(losses: Floats, member: Array) -> float:
    inside, outside = losses[member], losses[~member]
    one, other = inside.var(ddof=1) / len(inside), outside.var(ddof=1) / len(outside)
    if one + other == 0:
        return 1.0
    t = (inside.mean() - outside.mean()) / math.sqrt(one + other)
    freedom = (one + other) ** 2 / (one**2 / (len(inside) - 1) + other**2 / (len(outside) - 1))
    return float(1 - special.stdtr(freedom, t))
