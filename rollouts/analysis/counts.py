"""What the analysis is fed: requests and errors of each arm, tick by tick, validated at the door.

Made by `rollouts.metrics` from counters, read by everything in this package. It deliberately holds
no rates and no times of day: a tick says how long it was, nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


class AnalysisError(ValueError):
    """Input or saved state that the analysis refuses; the message is a sentence for people."""


def _require_count(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise AnalysisError(f"{name} must be a whole number >= 0, this is {value!r}")


@dataclass(frozen=True, slots=True)
class Increment:
    """Requests that ended since the last tick, and how many of them failed.

    Raises AnalysisError unless both are whole numbers with 0 <= errors <= requests.
    """

    requests: int = 0
    errors: int = 0

    def __post_init__(self) -> None:
        _require_count("requests", self.requests)
        _require_count("errors", self.errors)
        if self.errors > self.requests:
            raise AnalysisError(
                f"{self.errors} errors in {self.requests} requests cannot be; "
                "errors must be a part of the requests"
            )

    def __add__(self, other: Increment) -> Increment:
        return Increment(self.requests + other.requests, self.errors + other.errors)

    @property
    def rate(self) -> float:
        """Share of the requests that failed; 0 when there were none."""
        return self.errors / self.requests if self.requests else 0.0


NOTHING = Increment()


@dataclass(frozen=True, slots=True)
class Tick:
    """One step of the analysis: `seconds` since the last one and what each arm served in them.

    `concurrent` is False where stable gets no share of the traffic at all (the 100 % step, the bake
    after promotion): the candidate is then compared with a baseline frozen before the switch.
    Raises AnalysisError unless `seconds` is finite and not negative.
    """

    seconds: float
    candidate: Increment
    stable: Increment
    concurrent: bool = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.seconds) and self.seconds >= 0):
            raise AnalysisError(f"a tick of {self.seconds} seconds cannot be; it must be >= 0")
