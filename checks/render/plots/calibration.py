"""The calibration curve: how often the model is right where it says how sure it is, by 15 bins."""

from __future__ import annotations

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
    element,
    line,
    rectangle,
    scale,
    x_axis,
    y_axis,
)

if TYPE_CHECKING:
    from checks.report import Verdict

TITLE = "Calibration curve"
BINS = 15  # as measured: intervals of equal width
FIELDS = ("confidence", "accuracy", "low", "high")
CURVE, COUNTS = Box(90, 20, 610, 300), Box(90, 330, 610, 400)


@dataclass(frozen=True)
class Bin:
    """The rows whose confidence falls into the bin; `low` and `high` bound the accuracy."""

    index: int
    confidence: float
    accuracy: float
    low: float
    high: float
    rows: int


def of_verdict(verdict: Verdict, key: str) -> Plot | None:
    """The curve in `details`, with the count of rows in each bin below it."""
    bins = _read(verdict.details.get("calibration"))
    if not bins:
        return None
    right, up = scale(0, 1, CURVE.left, CURVE.right), scale(0, 1, CURVE.bottom, CURVE.top)
    shares = [tick / 5 for tick in range(6)]
    parts = [
        y_axis(CURVE, [(up(s), f"{s:.0%}") for s in shares], "rows answered right (%)", 60),
        line(right(0), up(0), right(1), up(1), "ideal"),
        _curve(bins, right, up),
        _counts(bins, right),
        x_axis(COUNTS, [(right(s), f"{s:.0%}") for s in shares], "confidence of the answer (%)"),
    ]
    rows = sum(each.rows for each in bins)
    note = (
        f"n = {rows:,} rows in {len(bins)} of {BINS} bins. Bars: 95 % intervals (Wilson). "
        f"Dashed: perfectly calibrated.{_error(verdict)}"
    )
    points = "; ".join(f"sure {b.confidence:.1%}, right {b.accuracy:.1%}, {b.rows}" for b in bins)
    svg = drawing(key, TITLE, f"{note} By bin, with rows: {points}.", 452, *parts)
    return Plot(TITLE, svg, note)


def _read(value: object) -> list[Bin]:
    if not isinstance(value, list) or len(value) > BINS:
        return []
    found = [_bin(each) for each in value]
    return [each for each in found if each is not None]


def _bin(value: object) -> Bin | None:
    if not isinstance(value, Mapping):
        return None
    shares = [value.get(name) for name in FIELDS]
    index, rows = value.get("bin"), value.get("rows")
    if type(index) is not int or type(rows) is not int or not 0 <= index < BINS or rows < 1:
        return None
    numbers = [float(share) for share in shares if isinstance(share, int | float)]
    if len(numbers) < len(FIELDS) or not all(0 <= share <= 1 for share in numbers):
        return None
    confidence, accuracy, low, high = numbers
    return Bin(index, confidence, accuracy, low, high, rows)


def _curve(bins: list[Bin], right: Scale, up: Scale) -> Markup:
    points = [(right(each.confidence), up(each.accuracy)) for each in bins]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    whiskers = [
        line(x, up(each.low), x, up(each.high), "whisker")
        for (x, _), each in zip(points, bins, strict=True)
    ]
    dots = [element("circle", cx=x, cy=y, r=4.5, class_="dot") for x, y in points]
    return Markup("").join([*whiskers, element("polyline", points=path, class_="curve"), *dots])


def _counts(bins: list[Bin], right: Scale) -> Markup:
    most = max(each.rows for each in bins)
    up = scale(0, most, COUNTS.bottom, COUNTS.top)
    parts = [y_axis(COUNTS, [(up(0), "0"), (up(most), f"{most:,}")], "rows", 60)]
    for each in bins:
        x, end = right(each.index / BINS), right((each.index + 1) / BINS)
        y = up(each.rows)
        parts.append(rectangle(x + 1, y, end - x - 2, COUNTS.bottom - y, "bar"))
    return Markup("").join(parts)


def _error(verdict: Verdict) -> str:
    figure = next((each for each in verdict.figures if each.name == "ece"), None)
    if figure is None:
        return ""
    bounds = words.interval(figure)
    return f" Expected calibration error: {words.number(figure.value)}" + (
        f" ({bounds})." if bounds else "."
    )
