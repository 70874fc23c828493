"""Drift between training and evaluation rows: the population stability index of each column."""

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
    Scale,
    drawing,
    label,
    line,
    rectangle,
    scale,
    ticks,
    x_axis,
)

if TYPE_CHECKING:
    from checks.report import Verdict

TITLE = "Drift from training to evaluation"
MOST_COLUMNS = 15
STEP = 24
LIMIT = 0.2  # where the figure brings no threshold


@dataclass(frozen=True)
class Row:
    """One column's distances; `ks` is None for text."""

    column: str
    psi: float
    ks: float | None
    rows: tuple[int, int]


def of_verdict(verdict: Verdict, key: str) -> Plot | None:
    """One bar a column of `drift` in `details`, the farthest first."""
    found = _read(verdict.details.get("drift"))
    if not found:
        return None
    shown = sorted(found, key=lambda row: -row.psi)[:MOST_COLUMNS]
    limit = next((f.threshold for f in verdict.figures if f.name == "psi" and f.threshold), LIMIT)
    box = Box(170, 30, 500, 38 + STEP * len(shown))
    most = max(limit * 1.25, shown[0].psi)
    along = scale(0, most, box.left, box.right)
    parts = [
        _bar(row, box.top + 6 + STEP * index, box, along, limit) for index, row in enumerate(shown)
    ]
    parts += [
        line(along(limit), box.top - 6, along(limit), box.bottom, "mark"),
        label(along(limit), box.top - 12, f"limit {limit:g}", text_anchor="middle"),
        x_axis(
            box,
            [(along(each), words.number(each)) for each in ticks(0, most)],
            "population stability index",
        ),
    ]
    before, after = shown[0].rows
    note = f"n = {before:,} training and {after:,} evaluation rows."
    if len(shown) < len(found):
        note += f" Cut: the {len(shown)} of {len(found)} columns that moved most."
    spoken = "; ".join(f"{row.column} {row.psi:.3f}{_distance(row)}" for row in shown)
    note += " Right: PSI, and the Kolmogorov-Smirnov distance (KS)."
    svg = drawing(key, TITLE, f"{note} PSI by column: {spoken}.", box.bottom + 54, *parts)
    return Plot(TITLE, svg, note)


def _bar(row: Row, y: float, box: Box, along: Scale, limit: float) -> Markup:
    width = along(row.psi) - box.left
    return Markup("").join(
        [
            label(box.left - 8, y + 13, row.column, 24, text_anchor="end"),
            rectangle(box.left, y, box.right - box.left, 16, "track"),
            rectangle(box.left, y, width, 16, "bad" if row.psi > limit else "bar"),
            label(box.right + 10, y + 13, f"{row.psi:.3f}{_distance(row)}", class_="name"),
        ]
    )


def _distance(row: Row) -> str:
    return "" if row.ks is None else f", KS {row.ks:.2f}"


def _read(value: object) -> list[Row]:
    if not isinstance(value, list) or len(value) > 10_000:
        return []
    found = [_row(each) for each in value]
    return [each for each in found if each is not None]


def _row(value: object) -> Row | None:
    if not isinstance(value, Mapping):
        return None
    column, rows, psi = value.get("column"), value.get("rows"), _number(value.get("psi"))
    counted = isinstance(rows, list) and len(rows) == 2 and all(type(n) is int for n in rows)
    if not isinstance(column, str) or psi is None or not counted or not isinstance(rows, list):
        return None
    return Row(column, psi, _number(value.get("ks")), (rows[0], rows[1]))


def _number(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None
