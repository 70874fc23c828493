"""What can be said about one column by itself: how much is missing, whether it varies, what is odd.

Used by `checks.measure.data_profile` and `checks.measure.drift`. An outlier is a value beyond
Tukey's outer fences: more than 3 interquartile ranges below the lower or above the upper quartile.

Source: Tukey (1977), Exploratory Data Analysis, chapter 2 ("far out").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from checks.measure.bootstrap import Array, Floats
    from checks.sandbox.table import Column

FENCE = 3.0  # interquartile ranges
LEAST_DISTINCT = 21  # a number of fewer values is a code or a count, and its fences mean nothing


@dataclass(frozen=True)
class ColumnFacts:
    """Counts of one column. `outliers` is None where fences mean nothing (text, few values)."""

    name: str
    rows: int
    missing: int
    constant: bool
    outliers: int | None = None
    low: float | None = None  # the fences
    high: float | None = None


def facts(column: Column) -> ColumnFacts:
    """The facts of one column with at least one row."""
    gone = absent(column)
    rows, lost = len(gone), int(gone.sum())
    present = column.values[~gone]
    constant = len(present) > 0 and lost == 0 and bool((present == present[0]).all())
    found = ColumnFacts(column.name, rows, lost, constant or lost == rows)
    if column.kind not in {"float", "int"}:
        return found
    fences = _fences(present.astype(np.float64))
    if fences is None:
        return found
    low, high = fences
    beyond = int(((present < low) | (present > high)).sum())
    return ColumnFacts(column.name, rows, lost, False, beyond, low, high)


def absent(column: Column) -> Array:
    """A mask of the missing values, of shape (rows,)."""
    if column.kind == "str":
        return np.fromiter((value is None for value in column.values), bool, len(column.values))
    if column.kind == "float":
        return np.asarray(np.isnan(column.values))
    return np.zeros(len(column.values), dtype=bool)


def codes(column: Column) -> tuple[Array, int]:
    """Each value's number among the column's different values, a missing one's the last: -1."""
    gone = absent(column)
    result = np.full(len(gone), -1, dtype=np.int64)
    if column.kind == "str":
        known: dict[str, int] = {}
        found = (known.setdefault(value, len(known)) for value in column.values[~gone])
        result[~gone] = np.fromiter(found, np.int64, int((~gone).sum()))
        return result, len(known)
    distinct, places = np.unique(column.values[~gone], return_inverse=True)
    result[~gone] = places
    return result, len(distinct)


def _fences(values: Floats) -> tuple[float, float] | None:
    finite = values[np.isfinite(values)]
    if len(finite) == 0 or len(np.unique(finite[:10_000])) < LEAST_DISTINCT:
        return None
    lower, upper = np.quantile(finite, [0.25, 0.75])
    if upper == lower:
        return None
    reach = FENCE * (upper - lower)
    return float(lower - reach), float(upper + reach)
