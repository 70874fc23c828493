"""The scores of all checks as bars, with the line from which a report can be ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from checks.render import words
from checks.render.svg import Box, Plot, drawing, label, line, rectangle, scale, x_axis
from checks.report import READY_AT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from checks.report import Verdict

TITLE = "Score by check"
STEP = 26
MOST_CHECKS = 30
_FILLS = {"critical": "bad", "failed": "poor", "passed": "good", "n/a": "axis"}


def of_report(verdicts: Sequence[Verdict], key: str) -> Plot | None:
    """One bar a check; None when there is no check."""
    shown = verdicts[:MOST_CHECKS]
    if not shown:
        return None
    box = Box(190, 26, 500, 34 + STEP * len(shown))
    along = scale(0, 1, box.left, box.right)
    ready = along(READY_AT)
    parts = [_bar(each, box.top + 8 + STEP * index, box) for index, each in enumerate(shown)]
    parts += [
        line(ready, box.top - 6, ready, box.bottom, "mark"),
        label(ready, box.top - 10, f"ready from {READY_AT:g} overall", text_anchor="middle"),
        x_axis(box, [(along(n / 5), f"{n / 5:g}") for n in range(6)], "score (0 to 1)"),
    ]
    note = f"n = {words.count(len(verdicts), 'check')}."
    if len(shown) < len(verdicts):
        note += f" Cut: the first {len(shown)} are drawn."
    scores = "; ".join(
        f"{words.title(v.check_name)} {words.score(v.score)}, {words.state(v)}" for v in shown
    )
    svg = drawing(key, TITLE, f"{note} {scores}.", box.bottom + 54, *parts)
    return Plot(TITLE, svg, note)


def _bar(verdict: Verdict, y: float, box: Box) -> Markup:
    share = min(1.0, max(0.0, verdict.score or 0.0))
    state = words.state(verdict)
    result = f"{words.score(verdict.score)} {state}" if verdict.score is not None else state
    width = share * (box.right - box.left)
    return Markup("").join(
        [
            label(box.left - 8, y + 13, words.title(verdict.check_name), 26, text_anchor="end"),
            rectangle(box.left, y, box.right - box.left, 17, "track"),
            rectangle(box.left, y, width, 17, _FILLS[state]),
            label(box.right + 10, y + 13, result, class_="name"),
        ]
    )
