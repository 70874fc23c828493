"""Tables with one thing changed, as production does it: noise, gaps, outliers, types. Pure.

Used by `checks.evidence.probing`. Every change is seeded, so the same rows give the same probe. A
change that changes nothing on these rows is no probe: its `table` is None and `why` says why, since
what was not tried must not count as passed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from checks.sandbox.table import Array, Column, Table

SEED = 20_240_613
SCALES = (0.001, 0.01, 0.1)  # of each column's own standard deviation
SHARE = 0.1  # of each column's values that are missing, extreme or unseen
EXTREME_RANGES = 10  # how many ranges an extreme lies beyond the ends of what was seen
UNSEEN = "never seen before"
NUMBERS = frozenset({"float", "int"})
Change = Callable[[Column, Array, np.random.Generator], Column]


@dataclass(frozen=True, eq=False)
class Probe:
    """One question. "drop": how much worse are the answers? "same": are they the same?"""

    name: str
    title: str
    asks: Literal["drop", "same"]
    table: Table | None
    why: str = ""


def probes(table: Table, *, frame: bool) -> tuple[Probe, ...]:
    """Every changed table. `frame`: the model is given columns by name, no plain matrix."""
    return (
        *(noise(table, scale) for scale in SCALES),
        missing(table),
        extremes(table),
        unseen(table),
        order(table, frame=frame),
        *dtypes(table, frame=frame),
    )


def noise(table: Table, scale: float) -> Probe:
    """Gaussian noise on every column of numbers; whole numbers stay whole, text stays."""
    generator = _generator()
    columns = tuple(_noisy(column, scale, generator) for column in table.columns)
    title = f"Gaussian noise of {scale:g} standard deviations on every number"
    why = "rounded to whole numbers, noise this small changes no value"
    if not any(column.kind in NUMBERS for column in table.columns):
        why = "no column holds numbers"
    return _probe(f"noise_{scale:g}", title, table, Table(columns), why)


def missing(table: Table) -> Probe:
    """A tenth of each column's values are missing."""
    changed = _here_and_there(table, list(table.names), _without)
    why = "the values that were picked are missing already"
    return _probe("missing", f"{SHARE:.0%} of each column's values missing", table, changed, why)


def extremes(table: Table) -> Probe:
    """A tenth of each column's numbers lie ten ranges above or below all that were seen."""
    names = [column.name for column in table.columns if _bounds(column) is not None]
    changed = _here_and_there(table, names, _extreme)
    title = f"{SHARE:.0%} of each column's numbers {EXTREME_RANGES} ranges beyond those seen"
    return _probe("extremes", title, table, changed, "no column holds numbers that vary")


def unseen(table: Table) -> Probe:
    """A tenth of each column's texts are a category that nobody has seen."""
    names = [column.name for column in table.columns if column.kind == "str"]
    changed = _here_and_there(table, names, _novel)
    title = f"{SHARE:.0%} of each column's categories never seen before"
    return _probe("unseen", title, table, changed, "no column holds text")


def order(table: Table, *, frame: bool) -> Probe:
    """The same columns the other way round."""
    turned = Table(table.columns[::-1])
    why = "the model has one column"
    if not frame:
        turned, why = table, "the model is given a plain matrix, whose columns have no names"
    named = table.names != turned.names
    return Probe("order", "columns in another order", "same", turned if named else None, why)


def dtypes(table: Table, *, frame: bool) -> tuple[Probe, ...]:
    """The same values as other types, as other clients and files have them."""
    texts = {c.name: "category" for c in table.columns if c.kind == "str"} if frame else {}
    whole = Table(tuple(_as_float(c) if c.kind == "int" else c for c in table.columns))
    written = Table(tuple(_as_text(c) if c.kind in NUMBERS else c for c in table.columns))
    matrix = "the model is given a plain matrix, which has one type"
    no_numbers = "no column holds numbers"
    return (
        _short(table, frame=frame),
        _same("floats", "whole numbers as floats", table, whole, "no column holds whole numbers"),
        _typed("category", "text as pandas categories", table, texts,
               "no column holds text" if frame else matrix),
        _same("text", "numbers as text", table, written if frame else table,
              no_numbers if frame else matrix),
    )  # fmt: skip


def differing_columns(before: Table, after: Table) -> list[str]:
    """The columns in which two tables of the same names hold different values."""
    return [
        column.name
        for column in after.columns
        if not _equal(before.column(column.name).values, column.values)
    ]


def mixed(before: Table, after: Table, changed: list[str]) -> Table:
    """`after` in the columns `changed`, `before` in the others."""
    columns = (after.column(n) if n in changed else before.column(n) for n in before.names)
    return Table(tuple(columns), after.dtypes)


def _probe(name: str, title: str, before: Table, after: Table, why: str) -> Probe:
    changed = bool(differing_columns(before, after))
    return Probe(name, title, "drop", after if changed else None, why)


def _same(name: str, title: str, before: Table, after: Table, why: str) -> Probe:
    kinds = [column.kind for column in before.columns] != [column.kind for column in after.columns]
    return Probe(f"dtype_{name}", title, "same", after if kinds else None, why)


def _typed(name: str, title: str, table: Table, types: Mapping[str, str], why: str) -> Probe:
    given = Table(table.columns, types)
    return Probe(f"dtype_{name}", title, "same", given if types else None, why)


def _short(table: Table, *, frame: bool) -> Probe:
    """Fractions as float32: a frame's columns change their type, a matrix its values."""
    types = {c.name: "float32" for c in table.columns if c.kind == "float"}
    rounded = Table(tuple(_rounded(c) if c.kind == "float" else c for c in table.columns))
    given = Table(table.columns, types) if frame else rounded
    why = "no column holds fractions"
    title = "fractions as float32"
    return Probe("dtype_float32", title, "same", given if types else None, why)


def _rounded(column: Column) -> Column:
    with np.errstate(over="ignore"):
        short = column.values.astype(np.float32)
    kept = np.where(np.isinf(short), column.values, short.astype(np.float64))
    return Column(column.name, "float", kept)


def _generator() -> np.random.Generator:
    return np.random.default_rng(SEED)


def _noisy(column: Column, scale: float, generator: np.random.Generator) -> Column:
    draws = generator.normal(size=len(column.values))  # always, so that columns do not shift it
    if column.kind not in NUMBERS:
        return column
    values = column.values.astype(np.float64)
    sound = values[np.isfinite(values)]
    if not sound.size:
        return column
    largest = float(np.abs(sound).max()) or 1.0
    with np.errstate(over="ignore"):  # infinity is brought back by `_fitting`
        changed = values + draws * scale * (sound / largest).std() * largest
    if (sound == np.floor(sound)).all():
        changed = np.round(changed)
    return Column(column.name, column.kind, _fitting(changed, column))


def _here_and_there(table: Table, names: list[str], change: Change) -> Table:
    """`change` on a tenth of the values of each column of `names`, and on one at least."""
    generator = _generator()
    columns = []
    for column in table.columns:
        draws = generator.random(table.rows)
        chosen = (draws < SHARE) | (draws == draws.min())
        columns.append(change(column, chosen, generator) if column.name in names else column)
    return Table(tuple(columns))


def _without(column: Column, chosen: Array, _: np.random.Generator) -> Column:
    if column.kind == "str":
        return _texts(column, chosen, None)
    values = column.values.astype(np.float64)
    values[chosen] = np.nan
    return Column(column.name, "float", values)


def _extreme(column: Column, chosen: Array, generator: np.random.Generator) -> Column:
    low, high = _bounds(column) or (0.0, 0.0)
    # Python's numbers become infinite in silence, and `_fitting` brings them back.
    above, below = (high + EXTREME_RANGES * (high - low), low - EXTREME_RANGES * (high - low))
    values = column.values.astype(np.float64)
    upwards = generator.random(len(values)) < 0.5
    values[chosen] = np.where(upwards, above, below)[chosen]
    return Column(column.name, column.kind, _fitting(values, column))


def _novel(column: Column, chosen: Array, _: np.random.Generator) -> Column:
    return _texts(column, chosen, UNSEEN)


def _texts(column: Column, chosen: Array, text: str | None) -> Column:
    values = column.values.copy()
    values[chosen] = text
    return Column(column.name, "str", values)


def _bounds(column: Column) -> tuple[float, float] | None:
    """The least and the largest number of a column that varies."""
    if column.kind not in NUMBERS:
        return None
    values = column.values.astype(np.float64)
    sound = values[np.isfinite(values)]
    varies = sound.size > 0 and sound.min() < sound.max()
    return (float(sound.min()), float(sound.max())) if varies else None


def _fitting(values: Array, column: Column) -> Array:
    """In the column's own type and within what it can hold."""
    if column.kind == "int":
        most = float(2**62)
        return np.clip(values, -most, most).astype(np.int64)
    return np.nan_to_num(values, nan=np.nan)


def _as_float(column: Column) -> Column:
    return Column(column.name, "float", column.values.astype(np.float64))


def _as_text(column: Column) -> Column:
    texts = np.empty(len(column.values), dtype=object)
    texts[:] = [None if value != value else str(value) for value in column.values.tolist()]  # noqa: PLR0124 - NaN
    return Column(column.name, "str", texts)


def _equal(one: Array, other: Array) -> bool:
    if one.dtype.kind == "O" or other.dtype.kind == "O":
        return bool(one.tolist() == other.tolist())
    left, right = one.astype(np.float64), other.astype(np.float64)
    return bool(np.array_equal(left, right, equal_nan=True))
