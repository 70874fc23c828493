"""Numbers on their way into a checkpoint and back: short, never more certain, and checked.

Used by `state` and the states inside it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rollouts.analysis.counts import Increment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollouts.analysis.eprocess import Logs
    from rollouts.jsontypes import Json

DECIMALS = 4  # of logs; 1e-4 is a hundredth of a per cent of the evidence
MOST_CERTAIN = 1e12  # a log beyond this was not written by us


def rounded_down(logs: Sequence[float]) -> list[float]:
    """Logs of evidence, so that a restored one is never more certain than the saved one."""
    scale = 10**DECIMALS
    # The millionth of a step lets a value that was rounded before stay what it is.
    return [math.floor(value * scale + 1e-6) / scale for value in logs]


def rounded(values: Sequence[float], decimals: int = 3) -> list[float]:
    """Numbers that are no evidence."""
    return [round(value, decimals) for value in values]


def pair(seen: Increment) -> list[int]:
    """Requests and errors."""
    return [seen.requests, seen.errors]


def increment(data: Json) -> Increment:
    """The reverse of `pair`. Raises TypeError or ValueError."""
    requests, errors = data
    return Increment(requests, errors)


def numbers(data: Json, count: int) -> Logs:
    """So many finite numbers. Raises TypeError or ValueError for anything else."""
    values = tuple(float(value) for value in data)
    if len(values) != count or not all(abs(value) < MOST_CERTAIN for value in values):
        raise ValueError(f"{count} finite numbers are expected, these are {data!r:.60}")
    return values
