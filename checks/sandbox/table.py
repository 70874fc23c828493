"""What crosses between parent and child: plain columns in, plain arrays out.

Used by every caller of a session. Nothing here runs code of the model or the data file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

ColumnKind = Literal["float", "int", "bool", "str"]
Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Column:
    """One named column. `values` has shape (rows,).

    dtype by kind: float64, int64, bool; for "str" an object array of `str`, None where missing.
    """

    name: str
    kind: ColumnKind
    values: Array


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of one length, in order.

    `dtypes` says what columns of a frame are turned into on the child's side ("float32",
    "category"); a plain matrix has one type, and a model that takes named arrays declares theirs.
    """

    columns: tuple[Column, ...]
    dtypes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len({len(column.values) for column in self.columns}) > 1:
            raise ValueError("the columns of a table must have one length")

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.columns[0].values) if self.columns else 0

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def select(self, names: tuple[str, ...]) -> Table:
        """Only these columns, in this order; KeyError when one is missing."""
        return Table(tuple(self.column(name) for name in names))

    def take(self, rows: slice | Array) -> Table:
        """Only these rows: a slice, an index array or a boolean mask."""
        columns = tuple(Column(c.name, c.kind, c.values[rows]) for c in self.columns)
        return Table(columns, self.dtypes)


def column_of(name: str, values: Any) -> Column:
    """A column made of any sequence, with the kind that fits its numpy dtype."""
    array = np.asarray(values)
    if array.dtype.kind == "b":
        return Column(name, "bool", array)
    if array.dtype.kind in "iu":
        return Column(name, "int", array.astype(np.int64))
    if array.dtype.kind == "f":
        return Column(name, "float", array.astype(np.float64))
    texts = np.empty(len(array), object)
    texts[:] = [None if _missing(item) else str(item) for item in array.tolist()]
    return Column(name, "str", texts)


def _missing(item: Any) -> bool:
    return item is None or (isinstance(item, float) and item != item)  # noqa: PLR0124 - NaN


@dataclass(frozen=True, eq=False)
class Prediction:
    """One answer. `values` has the table's rows first; dtype float64, int64, bool or object (str).

    Whether the numbers are finite is the caller's to check. `seconds` is the parent's own
    measurement, from the first byte of the request to the last of the answer.
    """

    values: Array
    seconds: float


@dataclass(frozen=True, eq=False)
class LoadInfo:
    """What loading brought. Only `seconds` and `rss_bytes` are measured by the parent.

    `outputs` names the methods that the model has; `type_name`, `classes`, `feature_names` and
    `notes` (for the reader of a report) are the child's word about the model: good for asking the
    next question, never for a score.
    """

    seconds: float
    outputs: tuple[str, ...]
    rss_bytes: int
    type_name: str = ""
    classes: Array | None = None
    feature_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
