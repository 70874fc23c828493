"""Rows that occur more than once, within one table or in two. Pure.

Used by `checks.measure.data_profile`. Rows are compared by 64-bit hashes of all their values: among
a million rows the chance of one false match is below 1 in 10 million. A number is the same number
whether a file calls it 1 or 1.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from checks.measure.bootstrap import Array
    from checks.sandbox.table import Column, Table

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def hashes(table: Table) -> Array:
    """One number a row, of shape (rows,): equal rows have equal numbers."""
    mixed = np.zeros(table.rows, dtype=np.uint64)
    for column in table.columns:
        mixed = _mix(mixed + _GOLDEN + _bits(column))
    return mixed


def duplicates(keys: Array) -> int:
    """How many rows repeat an earlier one."""
    return len(keys) - len(np.unique(keys))


def repeated(keys: Array) -> float:
    """The share of rows whose content occurs more than once."""
    _, places, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return float((counts[places] > 1).mean()) if len(keys) else 0.0


def shared(keys: Array, others: Array) -> int:
    """How many rows occur among the others, too."""
    return int(np.isin(keys, others).sum())


def _bits(column: Column) -> Array:
    if column.kind == "str":
        found = np.fromiter(map(hash, column.values), np.int64, len(column.values))
        return _mix(found.view(np.uint64))
    numbers = column.values.astype(np.float64) + 0.0  # there is one zero
    return _mix(np.where(np.isnan(numbers), np.nan, numbers).view(np.uint64))


def _mix(bits: Array) -> Array:
    """SplitMix64's finaliser (Steele, Lea and Flood 2014): every bit changes half of the others."""
    with np.errstate(over="ignore"):
        bits = (bits ^ (bits >> np.uint64(30))) * _FIRST
        bits = (bits ^ (bits >> np.uint64(27))) * _SECOND
    return np.asarray(bits ^ (bits >> np.uint64(31)))
