"""A regression's answers against the truth: on the dashed line where they are right."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from checks.render import words
from checks.render.svg import Box, Plot, drawing, element, line, scale, ticks, x_axis, y_axis

if TYPE_CHECKING:
    from checks.report import Verdict

TITLE = "Predicted against true values"
MOST_POINTS = 500
BOX = Box(90, 20, 610, 380)


def of_verdict(verdict: Verdict, key: str) -> Plot | None:
    """The points in `details`, with both axes of one scale."""
    found = verdict.details.get("residuals")
    points = _points(found)
    if not points or not isinstance(found, Mapping):
        return None
    low, high = min(map(min, points)), max(map(max, points))
    if low == high:
        low, high = low - 1, high + 1
    right, up = scale(low, high, BOX.left, BOX.right), scale(low, high, BOX.bottom, BOX.top)
    marked = ticks(low, high)
    parts = [
        y_axis(BOX, [(up(each), words.number(each)) for each in marked], "predicted value", 66),
        x_axis(BOX, [(right(each), words.number(each)) for each in marked], "true value"),
        line(right(low), up(low), right(high), up(high), "ideal"),
        *(element("circle", cx=right(x), cy=up(y), r=3, class_="point") for x, y in points),
    ]
    note = _note(verdict, found, len(points))
    ends = f"True values from {words.number(points[0][0])} to {words.number(points[-1][0])}."
    return Plot(TITLE, drawing(key, TITLE, f"{note} {ends}", 432, *parts), note)


def _points(found: object) -> list[tuple[float, float]]:
    pairs = found.get("points") if isinstance(found, Mapping) else None
    if not isinstance(pairs, list) or len(pairs) > MOST_POINTS:
        return []
    kept = [(float(x), float(y)) for x, y in filter(_is_pair, pairs)]
    return sorted(kept)


def _is_pair(pair: object) -> bool:
    return (
        isinstance(pair, list)
        and len(pair) == 2
        and all(type(each) in {int, float} and math.isfinite(each) for each in pair)
        and all(abs(each) < 1e300 for each in pair)  # the axis's length stays a number
    )


def _note(verdict: Verdict, found: Mapping[str, object], shown: int) -> str:
    rows, largest = found.get("rows"), found.get("largest")
    counted = f"n = {rows:,} rows" if type(rows) is int else f"n = {shown:,} rows"
    if type(rows) is int and rows > shown:
        counted += f", {shown} of them drawn: spread over the range, and the {largest} worst"
    figures = [each for each in verdict.figures if each.name in {"r2", "mae", "rmse"}]
    said = ", ".join(f"{each.name.upper()} {words.number(each.value)}" for each in figures)
    return f"{counted}. Dashed: right answers.{f' {said}.' if said else ''}"
