"""Keeps a uniform random sample of rows that come in batches, in memory that does not grow.

Used by `checks.evidence.data`. Each row draws a number, by a fixed seed and in the order of the
file; the rows with the smallest numbers are kept. So the sample depends on the file and the limit
only, not on the batches, and every set of rows of that size is as likely as any other.

A column's kind may change from batch to batch, since a file's later rows are not known to the
earlier ones: whole numbers and others become floats, anything else becomes text.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from checks.sandbox.table import Column, Table

if TYPE_CHECKING:
    from checks.measure.bootstrap import Array

SEED = 20_240_229
MOST_CELLS = 50_000_000  # of the rows that are kept, however many columns there are
LEAST_ROWS = 1_000
MOST_ROWS = 1_000_000_000


@dataclass
class Sampler:
    """Takes tables with `add`; `table` gives at most `limit` rows of them in their order."""

    limit: int
    most_cells: int = MOST_CELLS
    total: int = 0
    _below: float = 1.0  # what a row has to draw to be kept
    _parts: list[tuple[Array, Table]] = field(default_factory=list)
    _texts: dict[str, str] = field(default_factory=dict)  # equal texts are one object
    _draw: np.random.Generator = field(default_factory=lambda: np.random.default_rng(SEED))

    def add(self, table: Table) -> None:
        """The next rows."""
        self.total += table.rows
        cells = self.most_cells // max(1, len(table.columns))
        self.limit = min(self.limit, max(LEAST_ROWS, cells))
        drawn = self._draw.random(table.rows)
        kept = drawn < self._below
        self._parts.append((drawn[kept], self._interned(table.take(kept))))
        if sum(len(numbers) for numbers, _ in self._parts) > 2 * self.limit:
            self._shrink()

    def table(self) -> Table:
        """The sample."""
        self._shrink()
        names = dict.fromkeys(name for _, part in self._parts for name in part.names)
        parts = [part for _, part in self._parts]
        return Table(tuple(_joined(name, parts) for name in names))

    def _shrink(self) -> None:
        drawn = np.concatenate([numbers for numbers, _ in self._parts] or [np.empty(0)])
        if len(drawn) <= self.limit:
            return
        self._below = float(np.partition(drawn, self.limit)[self.limit])
        self._parts = [
            (numbers[numbers < self._below], part.take(numbers < self._below))
            for numbers, part in self._parts
        ]

    def _interned(self, table: Table) -> Table:
        return Table(
            tuple(
                Column(each.name, "str", self._shared(each.values)) if each.kind == "str" else each
                for each in table.columns
            )
        )

    def _shared(self, values: Array) -> Array:
        known, result = self._texts, np.empty(len(values), dtype=object)
        result[:] = [None if v is None else known.setdefault(v, v) for v in values]
        return result


def _joined(name: str, parts: list[Table]) -> Column:
    """One column of all parts; where a part lacks it, its values are missing."""
    found = [
        part.column(name) if name in part.names else Column(name, "float", _nothing(part.rows))
        for part in parts
    ]
    kinds = {each.kind for each in found if not _is_blank(each)} or {"float"}
    if kinds == {"int"} and not any(_is_blank(each) for each in found):
        return Column(name, "int", np.concatenate([each.values for each in found]))
    if kinds <= {"int", "float"}:
        return Column(name, "float", np.concatenate([_numbers(each) for each in found]))
    if kinds == {"bool"} and not any(_is_blank(each) for each in found):
        return Column(name, "bool", np.concatenate([each.values for each in found]))
    return Column(name, "str", np.concatenate([_as_text(each) for each in found]))


def _nothing(rows: int) -> Array:
    return np.full(rows, np.nan)


def _is_blank(column: Column) -> bool:
    """Whether every value is missing; then it says nothing about its kind."""
    if column.kind == "float":
        return bool(np.isnan(column.values).all())
    return column.kind == "str" and all(value is None for value in column.values)


def _numbers(column: Column) -> Array:
    if column.kind == "str":
        return _nothing(len(column.values))
    return np.asarray(column.values, dtype=np.float64)


def _as_text(column: Column) -> Array:
    result = np.empty(len(column.values), dtype=object)
    result[:] = [_text(value) for value in column.values.tolist()]
    return result


def _text(value: object) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # it was a whole number beside missing ones
    return str(value)
