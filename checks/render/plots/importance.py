"""Permutation importance: how much worse the answers get without each column, with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from checks.render import words
from checks.render.svg import (
    Box,
    Plot,
    drawing,
    element,
    label,
    line,
    rectangle,
    scale,
    ticks,
    x_axis,
)

if TYPE_CHECKING:
    from checks.render.svg import Scale
    from checks.report import Verdict

TITLE = "Permutation importance"
STEP = 24
MOST_COLUMNS = 20
NAME_LIMIT = 22


@dataclass(frozen=True)
class Bar:
    """One column: the decline of the metric without it, and its interval where there is one."""

    column: str
    value: float
    low: float
    high: float


def of_verdict(verdict: Verdict, key: str) -> Plot | None:
    """One bar a column, the most important first, as they come in `details`."""
    bars, basis = _read(verdict.details.get("importance")), verdict.details.get("importance_basis")
    if not bars or not isinstance(basis, Mapping) or type(basis.get("rows")) is not int:
        return None
    shown = bars[:MOST_COLUMNS]
    box = Box(190, 14, 600, 22 + STEP * len(shown))
    low, high = min(0.0, *(b.low for b in shown)), max(0.0, *(b.high for b in shown))
    along = scale(low, high, box.left, box.right)
    parts = [_bar(each, box.top + 6 + STEP * row, box, along) for row, each in enumerate(shown)]
    parts.append(line(along(0), box.top, along(0), box.bottom, "axis"))
    marked = [(along(each), words.number(each)) for each in ticks(low, high)]
    parts.append(x_axis(box, marked, f"{basis.get('metric')} lost when the column is shuffled"))
    note = _note(basis, len(shown))
    spoken = "; ".join(f"{b.column[:40]} {words.number(b.value)}" for b in shown)
    svg = drawing(key, TITLE, f"{note} By column: {spoken}.", box.bottom + 54, *parts)
    return Plot(TITLE, svg, note)


def _read(value: object) -> list[Bar]:
    if not isinstance(value, list):
        return []
    found = [_of(each) for each in value]
    return [each for each in found if each is not None]


def _of(value: object) -> Bar | None:
    if not isinstance(value, Mapping) or not isinstance(value.get("column"), str):
        return None
    middle = _number(value.get("value"))
    if middle is None:
        return None
    low, high = _number(value.get("low")), _number(value.get("high"))
    return Bar(
        value["column"],
        middle,
        middle if low is None else min(low, middle),
        middle if high is None else max(high, middle),
    )


def _number(value: object) -> float | None:
    sound = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if sound and isinstance(value, int | float) else None


def _bar(bar: Bar, y: float, box: Box, along: Scale) -> Markup:
    start, end = sorted((along(0), along(bar.value)))
    middle = y + 8
    return Markup("").join(
        [
            label(box.left - 8, y + 12, bar.column, NAME_LIMIT, text_anchor="end"),
            rectangle(start, y + 1, end - start, 14, "pale"),
            line(along(bar.low), middle, along(bar.high), middle, "whisker"),
            element("circle", cx=along(bar.value), cy=middle, r=4.5, class_="dot"),
        ]
    )


def _note(basis: Mapping[str, object], shown: int) -> str:
    rows, columns = basis.get("rows"), basis.get("columns")
    note = f"n = {rows:,} rows. Lines: 95 % intervals (bootstrap over the rows)."
    note += " Columns that say the same stand in for each other, so each looks less important."
    if isinstance(columns, int) and columns > shown:
        note += f" Cut: {shown} of {columns:,} columns are drawn."
    return note
