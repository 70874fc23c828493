"""Drawing in SVG: elements whose text is escaped, and the axes that the plots share. Pure.

Used by `checks.render.plots`. Colours are classes, which the page's style sheet fills in for light
and dark; nothing here is a style attribute, because the page's policy refuses those.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from checks.render.inert import plain

WIDTH = 640
ROUND = (1, 2, 2.5, 5, 10)
Scale = Callable[[float], float]


@dataclass(frozen=True)
class Plot:
    """A drawing with its title, and what has to be said below it."""

    title: str
    svg: Markup
    note: str


@dataclass(frozen=True)
class Box:
    """The area between the axes, in pixels from the upper left corner."""

    left: float
    top: float
    right: float
    bottom: float


def element(tag: str, *children: str | Markup, **attributes: float | str) -> Markup:
    """One element. A trailing `_` of an attribute's name is dropped, an inner one is a hyphen."""
    # Tags and attribute names are written in this package; values and children are escaped.
    shown = "".join(f' {_name(key)}="{escape(_value(v))}"' for key, v in attributes.items())
    inside = Markup("").join(children)
    return Markup(f"<{tag}{shown}>{inside}</{tag}>")  # noqa: S704 - see above


def label(x: float, y: float, content: str, limit: int = 60, **attributes: float | str) -> Markup:
    """Text at a place, cut to `limit` characters."""
    return element("text", plain(content, limit), x=x, y=y, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def rectangle(x: float, y: float, width: float, height: float, class_: str) -> Markup:
    """A filled rectangle."""
    return element("rect", x=x, y=y, width=width, height=height, class_=class_)


def drawing(key: str, title: str, description: str, height: float, *children: Markup) -> Markup:
    """The whole picture, named for readers who do not see it. `key` is unique on the page."""
    return element(
        "svg",
        element("title", plain(title), id=f"{key}-title"),
        element("desc", plain(description, 2000), id=f"{key}-desc"),
        *children,
        viewBox=f"0 0 {WIDTH} {height:g}",
        role="img",
        aria_labelledby=f"{key}-title {key}-desc",
    )


def scale(low: float, high: float, start: float, end: float) -> Scale:
    """From values to pixels. Equal bounds give the middle."""
    if high == low:
        return lambda _: (start + end) / 2
    return lambda value: start + (value - low) / (high - low) * (end - start)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values between the bounds, `about` as many steps at most."""
    rough = (high - low) / about
    if not 0 < rough < math.inf:
        return [low]
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((power * each for each in ROUND if power * each >= rough), power * 10)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [round(n * step, 12) if step > 1e-9 else n * step for n in range(first, last + 1)]


def x_axis(box: Box, ticks: Sequence[tuple[float, str]], title: str) -> Markup:
    """The lower axis: (pixel, text) for each tick."""
    parts = [line(box.left, box.bottom, box.right, box.bottom, "axis")]
    for x, text in ticks:
        parts.append(line(x, box.bottom, x, box.bottom + 5, "axis"))
        parts.append(label(x, box.bottom + 19, text, text_anchor="middle"))
    middle = (box.left + box.right) / 2
    parts.append(label(middle, box.bottom + 40, title, class_="name", text_anchor="middle"))
    return Markup("").join(parts)


def y_axis(box: Box, ticks: Sequence[tuple[float, str]], title: str, room: float = 46) -> Markup:
    """The left axis with grid lines; its title stands `room` pixels to the left."""
    parts = []
    for y, text in ticks:
        parts.append(line(box.left, y, box.right, y, "grid"))
        parts.append(label(box.left - 8, y + 4, text, text_anchor="end"))
    x, y = box.left - room, (box.top + box.bottom) / 2
    turned = f"rotate(-90 {x:g} {y:g})"
    parts.append(label(x, y, title, class_="name", text_anchor="middle", transform=turned))
    return Markup("").join(parts)


def _name(key: str) -> str:
    return key if key == "viewBox" else key.rstrip("_").replace("_", "-")


def _value(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
