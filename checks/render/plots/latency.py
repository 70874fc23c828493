"""The latency distribution: how many single calls took how long, with mean, p95 and p99."""

from __future__ import annotations

import math
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
    y_axis,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from checks.report import Figure, Verdict

TITLE = "Latency of single calls"
BINS = 30
MOST_CALLS = 100_000
LOGARITHMIC_FROM = 20.0  # slowest over fastest; a long tail would leave one bar and nothing
AREA = Box(80, 84, 610, 330)
MARKED = {"mean_ms": "mean", "p95_ms": "p95", "p99_ms": "p99"}


def of_verdict(verdict: Verdict, key: str) -> Plot | None:
    """The histogram of `single_ms` in `details`; the marked figures are the check's own."""
    times = _read(verdict.details.get("single_ms"))
    if not times:
        return None
    low, high = min(times), max(times)
    logarithmic = low > 0 and high / low >= LOGARITHMIC_FROM
    if high == low:
        low, high = low * 0.9, high * 1.1 or 1.0
    bend: Scale = math.log10 if logarithmic else float
    along = scale(bend(low), bend(high), AREA.left, AREA.right)
    counts = histogram([bend(time) for time in times], bend(low), bend(high))
    marks = [figure for figure in verdict.figures if figure.name in MARKED]
    marked = _decades(low, high) if logarithmic else ticks(low, high)
    kind = "milliseconds, logarithmic" if logarithmic else "milliseconds"
    parts = [
        _bars(counts),
        x_axis(
            AREA, [(along(bend(t)), words.number(t)) for t in marked], f"time of a call ({kind})"
        ),
        *(
            _mark(figure, n, along(bend(figure.value)))
            for n, figure in enumerate(marks)
            if _fits(figure, low, high)
        ),
    ]
    extent = f"{words.number(min(times))} to {words.number(max(times))} ms"
    note = f"n = {len(times):,} calls with one row each, {extent}."
    limits = [f"{MARKED[f.name]} {f.threshold:g}" for f in marks if f.threshold is not None]
    note += f" Limits in ms: {', '.join(limits)}." if limits else ""
    spoken = ", ".join(f"{MARKED[f.name]} {words.number(f.value)} ms" for f in marks)
    return Plot(TITLE, drawing(key, TITLE, f"{note} Measured: {spoken}.", 384, *parts), note)


def histogram(values: Sequence[float], low: float, high: float) -> list[int]:
    """Counts in `BINS` intervals of equal width from `low` to `high`, both inside."""
    counts = [0] * BINS
    for value in values:
        counts[min(BINS - 1, max(0, int((value - low) / (high - low) * BINS)))] += 1
    return counts


def _read(value: object) -> list[float]:
    if not isinstance(value, list) or len(value) > MOST_CALLS:
        return []
    numbers = [float(v) for v in value if isinstance(v, int | float) and not isinstance(v, bool)]
    sound = all(math.isfinite(number) and number >= 0 for number in numbers)
    return numbers if sound and len(numbers) == len(value) else []


def _bars(counts: list[int]) -> Markup:
    most = max(counts)
    up = scale(0, most, AREA.bottom, AREA.top)
    whole = [each for each in ticks(0, most, 4) if each.is_integer()]
    parts = [y_axis(AREA, [(up(each), f"{each:,.0f}") for each in whole], "calls")]
    width = (AREA.right - AREA.left) / len(counts)
    for index, count in enumerate(counts):
        if count:
            x, y = AREA.left + index * width, up(count)
            parts.append(rectangle(x + 1, y, width - 2, AREA.bottom - y, "bar"))
    return Markup("").join(parts)


def _fits(figure: Figure, low: float, high: float) -> bool:
    return low <= figure.value <= high


def _mark(figure: Figure, index: int, x: float) -> Markup:
    text = f"{MARKED[figure.name]} {words.number(figure.value)} ms"
    y = AREA.top - 62 + index * 22  # one row each, so that near ones do not overlap
    end = x > (AREA.left + AREA.right) / 2
    return Markup("").join(
        [
            line(x, y - 10, x, AREA.bottom, "mark"),
            label(
                x - 6 if end else x + 6,
                y,
                text,
                class_="name",
                text_anchor="end" if end else "start",
            ),
        ]
    )


def _decades(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    candidates = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    return [tick for tick in candidates if low <= tick <= high]
