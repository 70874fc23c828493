"""The robustness curve: performance under noise, and with values missing, extreme or unseen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from checks.render import words
from checks.render.inert import plain
from checks.render.svg import (
    Box,
    Plot,
    Scale,
    drawing,
    element,
    label,
    line,
    scale,
    ticks,
    x_axis,
    y_axis,
)

if TYPE_CHECKING:
    from checks.report import Verdict

TITLE = "Robustness curve"
AREA = Box(90, 30, 610, 300)
MOST_POINTS = 12
FLOOR = 4.0  # how many times the allowed loss is shown at least
DEEP = 1.0  # and all that a share can lose; what falls deeper, as R2 can, stands on the floor
Number = float | int


@dataclass(frozen=True)
class Point:
    """Performance under one change; `low` and `high` bound it by its paired change."""

    name: str
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Curve:
    """What is drawn: the noise from the weakest to the strongest, then the other changes."""

    metric: str
    baseline: float
    limit: float
    rows: int
    noise: tuple[Point, ...]
    others: tuple[Point, ...]


def of_verdict(verdict: Verdict, key: str) -> Plot | None:
    """The curve in `details`, with the baseline and the least that is asked for."""
    curve = _read(verdict.details.get("robustness"))
    if curve is None:
        return None
    points = [Point("as it is", curve.baseline, None, None), *curve.noise, *curve.others]
    step = (AREA.right - AREA.left) / len(points)
    places = [AREA.left + step * (index + 0.5) for index in range(len(points))]
    low, high = _range(curve, points)
    up = scale(low, high, AREA.bottom, AREA.top)
    limit = up(curve.limit)
    parts = [
        y_axis(AREA, [(up(tick), words.number(tick)) for tick in ticks(low, high)], _name(curve),
               60),
        line(AREA.left, up(curve.baseline), AREA.right, up(curve.baseline), "ideal"),
        line(AREA.left, limit, AREA.right, limit, "mark"),
        _joined(places, points, len(curve.noise) + 1, up),
        *(_point(x, each, up, low) for x, each in zip(places, points, strict=True)),
        x_axis(AREA, [(x, each.name) for x, each in zip(places, points, strict=True)],
               "what was changed (numbers: noise in standard deviations)"),
    ]  # fmt: skip
    note = (
        f"n = {curve.rows:,} rows. Bars: 95 % intervals of the paired change. Dashed: as it is, "
        f"{words.number(curve.baseline)}, and the least that is asked for, "
        f"{words.number(curve.limit)}."
    )
    if any(each.value < low for each in points):
        note += " Arrows: deeper than is drawn."
    spoken = "; ".join(f"{each.name} {words.number(each.value)}" for each in points)
    return Plot(TITLE, drawing(key, TITLE, f"{note} {spoken}.", 352, *parts), note)


def _read(value: object) -> Curve | None:
    if not isinstance(value, Mapping):
        return None
    numbers = [_number(value.get(name)) for name in ("baseline", "limit")]
    rows, metric = value.get("rows"), value.get("metric")
    noise = _points(value.get("noise"), "scale")
    others = _points(value.get("probes", []), "probe")
    baseline, limit = numbers
    if baseline is None or limit is None or type(rows) is not int or not isinstance(metric, str):
        return None
    if noise is None or others is None or not noise + others or limit > baseline:
        return None
    return Curve(metric, baseline, limit, rows, noise, others)


def _points(value: object, name: str) -> tuple[Point, ...] | None:
    if not isinstance(value, list) or len(value) > MOST_POINTS:
        return None
    found = [_read_point(each, name) for each in value]
    points = tuple(each for each in found if each is not None)
    return points if len(points) == len(found) else None


def _read_point(value: object, name: str) -> Point | None:
    if not isinstance(value, Mapping):
        return None
    named, level = value.get(name), _number(value.get("value"))
    if level is None or not isinstance(named, str | int | float):
        return None
    shown = plain(named, 12) if isinstance(named, str) else f"{named:g}"
    return Point(shown, level, _number(value.get("low")), _number(value.get("high")))


def _number(value: object) -> float | None:
    sound = isinstance(value, Number) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if sound and isinstance(value, Number) else None


def _name(curve: Curve) -> str:
    return {"r2": "R2"}.get(curve.metric, plain(curve.metric, 20))


def _range(curve: Curve, points: list[Point]) -> tuple[float, float]:
    """From the deepest point that is drawn to the highest, with some air."""
    room = max(curve.baseline - curve.limit, 1e-9)
    bounds = [b for p in points for b in (p.value, p.low, p.high) if b is not None]
    reach = max(FLOOR * room, DEEP)
    low = max(min(*bounds, curve.limit), curve.baseline - reach)
    high = min(max(bounds), curve.baseline + reach)
    air = (high - low) * 0.08
    return low - air, high + air


def _joined(places: list[float], points: list[Point], count: int, up: Scale) -> Markup:
    path = " ".join(
        f"{x:.1f},{_inside(up(each.value)):.1f}"
        for x, each in zip(places[:count], points[:count], strict=True)
    )
    return element("polyline", points=path, class_="curve")


def _point(x: float, each: Point, up: Scale, low: float) -> Markup:
    y = _inside(up(each.value))
    parts = []
    if each.low is not None and each.high is not None:
        parts.append(line(x, _inside(up(each.low)), x, _inside(up(each.high)), "whisker"))
    if each.value < low:
        arrow = f"{x - 5:.1f},{y - 8:.1f} {x + 5:.1f},{y - 8:.1f} {x:.1f},{y:.1f}"
        parts.append(element("polygon", points=arrow, class_="bad"))
        y -= 6
    else:
        parts.append(element("circle", cx=x, cy=y, r=4.5, class_="dot"))
    shown = words.number(each.value)
    above = min(y, _inside(up(each.high if each.high is not None else each.value))) - 10
    parts.append(label(x, above, shown, class_="name", text_anchor="middle"))
    return Markup("").join(parts)


def _inside(y: float) -> float:
    return min(AREA.bottom, max(AREA.top, y))
