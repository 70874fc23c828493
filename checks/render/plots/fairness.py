"""Fairness by group: each group's rate with its interval and count, attribute by attribute."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from checks.render import words
from checks.render.inert import plain
from checks.render.svg import Box, Plot, Scale, drawing, element, label, line, scale, ticks, x_axis

if TYPE_CHECKING:
    from checks.report import Verdict

TITLE = "Fairness by group"
LEFT, RIGHT, TOP, STEP = 200.0, 540.0, 16.0, 24.0
MOST_ROWS = 40  # attributes and groups together


@dataclass(frozen=True)
class Group:
    """A group's rate, bounded by its 95 % interval."""

    name: str
    rows: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Attribute:
    """One attribute's groups."""

    name: str
    groups: tuple[Group, ...]


def of_verdict(verdict: Verdict, key: str) -> Plot | None:
    """One line for each group in `details`; the first attributes where there are many."""
    value = verdict.details.get("fairness")
    found = _read(value)
    if found is None:
        return None
    shown = _fitting(found)
    groups = [group for each in shown for group in each.groups]
    low, high = min(g.low for g in groups), max(g.high for g in groups)
    rates = low >= 0 and high <= 1
    low = 0.0 if rates else low
    along = scale(low, high, LEFT, RIGHT)
    bottom = TOP + STEP * (len(groups) + len(shown)) + 8
    measure = _measure(value)
    shape: list[tuple[float, str]] = [
        (along(tick), f"{100 * tick:g}%" if rates else words.number(tick))
        for tick in ticks(low, high)
    ]
    axis = x_axis(Box(LEFT, TOP, RIGHT, bottom), shape, measure)
    note = (
        f"n = {sum(g.rows for g in shown[0].groups):,} rows. Bars: 95 % intervals "
        f"({'Wilson' if rates else 'normal'}); at the right, rows."
    )
    if len(shown) < len(found):
        note += f" Cut: the first {len(shown)} of {len(found)} attributes are drawn."
    spoken = "; ".join(
        f"{each.name} {group.name}: {words.number(group.value)}"
        for each in shown
        for group in each.groups
    )
    svg = drawing(key, TITLE, f"{note} {spoken}.", bottom + 54, *_lines(shown, along, rates), axis)
    return Plot(TITLE, svg, note)


def _lines(attributes: list[Attribute], along: Scale, rates: bool) -> list[Markup]:
    parts, y = [], TOP
    for each in attributes:
        y += STEP
        parts.append(label(LEFT - 180, y, each.name, 30, class_="name"))
        for group in each.groups:
            y += STEP
            parts.append(_group(group, y - 4, along, rates))
    return parts


def _group(group: Group, y: float, along: Scale, rates: bool) -> Markup:
    x = along(group.value)
    shown = f"{group.value:.1%}" if rates else words.number(group.value)
    return Markup("").join(
        [
            line(LEFT, y, RIGHT, y, "grid"),
            label(LEFT - 10, y + 4, group.name, 22, text_anchor="end"),
            line(along(group.low), y, along(group.high), y, "whisker"),
            element("circle", cx=x, cy=y, r=4.5, class_="dot"),
            label(RIGHT + 8, y + 4, f"{shown}, {group.rows:,}", class_="small"),
        ]
    )


def _fitting(found: list[Attribute]) -> list[Attribute]:
    """As many attributes as there is room for, and one at least."""
    kept, used = found[:1], 1 + len(found[0].groups)
    for each in found[1:]:
        used += 1 + len(each.groups)
        if used > MOST_ROWS:
            break
        kept.append(each)
    return kept


def _measure(value: object) -> str:
    first = value[0] if isinstance(value, list) else {}
    measure = first.get("measure") if isinstance(first, Mapping) else None
    return plain(measure, 60) if isinstance(measure, str) else "rate of the positive label"


def _read(value: object) -> list[Attribute] | None:
    if not isinstance(value, list) or not value:
        return None
    found = [_attribute(each) for each in value]
    sound = [each for each in found if each is not None]
    return sound if len(sound) == len(found) else None


def _attribute(value: object) -> Attribute | None:
    if not isinstance(value, Mapping) or not isinstance(value.get("attribute"), str):
        return None
    listed = value.get("groups")
    if not isinstance(listed, list) or not 0 < len(listed) < MOST_ROWS:
        return None
    groups = [each for each in map(_one, listed) if each is not None]
    if len(groups) < len(listed):
        return None
    return Attribute(plain(value["attribute"], 60), tuple(groups))


def _one(value: object) -> Group | None:
    if not isinstance(value, Mapping) or not isinstance(value.get("group"), str):
        return None
    rows = value.get("rows")
    figures = [value.get(name) for name in ("selection_rate", "low", "high")]
    numbers = [float(n) for n in figures if isinstance(n, int | float) and math.isfinite(n)]
    if type(rows) is not int or rows < 1 or len(numbers) < len(figures):
        return None
    rate, low, high = numbers
    return Group(plain(value["group"], 60), rows, rate, low, high) if low <= rate <= high else None
