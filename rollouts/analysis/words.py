"""Verdicts in words and figures that a tired person understands.

Called by `judge`. It only words what it is given and deliberately compares nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollouts.analysis.counts import Increment


def arms(candidate: Increment, stable: Increment, *, frozen: bool = False) -> str:
    """ "candidate 41 of 503 requests failed (8.2 %), stable 9 of 1 530 (0.6 %)"."""
    left = f"candidate {failed(candidate, ' requests failed')}"
    if not stable.requests:
        return f"{left}, nothing to compare with from stable"
    label = "stable before it was switched off" if frozen else "stable"
    return f"{left}, {label} {failed(stable)}"


def failed(seen: Increment, what: str = "") -> str:
    """ "9 of 1 530 (0.6 %)"."""
    return f"{whole(seen.errors)} of {whole(seen.requests)}{what} ({per_cent(seen.rate)})"


def whole(value: int) -> str:
    """A count with its thousands set apart."""
    return f"{value:,}".replace(",", " ")


def per_cent(rate: float) -> str:
    """One decimal, two below 0.1 %, none from 10 % on where it is whole."""
    points = 100 * rate
    if 0 < points < 0.1:
        return f"{points:.2g} %" if points >= 0.01 else "under 0.01 %"
    return f"{points:.1f} %".replace(".0 %", " %") if points else "0 %"


def plain(value: float) -> str:
    """A setting as somebody would write it: 1.5, 2, 0.01."""
    return f"{value:g}"


def odds(log_e: float) -> str:
    """Evidence as "140 to 1"."""
    if log_e > math.log(1e6):
        return "over 1 000 000 to 1"
    value = math.exp(log_e)
    return f"{whole(round(value))} to 1" if value >= 10 else f"{value:.1f} to 1"


def duration(seconds: float) -> str:
    """ "40 s", "3 min", "2.5 h": enough to decide whether to wait for it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h".replace(".0 h", " h")


def seconds(value: float) -> str:
    """A boundary: "50 ms", "2.5 s"."""
    return f"{value * 1000:g} ms" if value < 1 else f"{value:g} s"
