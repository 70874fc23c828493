"""The few words and numbers that every report writes the same way.

Used by the comment, the page and the terminal's text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checks.report import Figure, Verdict


def state(verdict: Verdict) -> str:
    """`critical`, `passed`, `failed` or `n/a`."""
    if not verdict.applicable:
        return "n/a"
    if verdict.critical:
        return "critical"
    return "passed" if verdict.passed else "failed"


def title(name: str) -> str:
    """A check's name as a title: `model_performance` is `Model performance`."""
    return name.replace("_", " ").capitalize()


def score(value: float | None) -> str:
    """A score with two digits, or that there is none."""
    return "not judged" if value is None else f"{value:.2f}"


def count(number: int, noun: str) -> str:
    """`no issues`, `1 issue`, `2 issues`."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def number(value: float) -> str:
    """Four significant digits, or whole from a thousand on."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def interval(figure: Figure) -> str:
    """The bounds of a figure's 95 % interval, or nothing."""
    if figure.low is None or figure.high is None:
        return ""
    return f"{number(figure.low)} to {number(figure.high)}"


def asked(figure: Figure) -> str:
    """A figure's threshold, on which side it has to be, and whether it is met; or nothing."""
    if figure.threshold is None:
        return ""
    side = ""
    if figure.met is not None and figure.value != figure.threshold:
        side = "≥ " if (figure.value > figure.threshold) == figure.met else "≤ "
    mark = {True: "✓", False: "✗", None: "(cannot tell)"}[figure.met]
    return f"{side}{number(figure.threshold)} {mark}"
