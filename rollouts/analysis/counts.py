"""What the analysis is fed: what each arm served, tick by tick, validated at the door.

Made by `rollouts.metrics` from counters, read by everything in this package. It deliberately holds
no rates and no times of day: a tick says how long it was, nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

T = TypeVar("T")


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
class Histogram:
    """Requests since the last tick by how long they took.

    `within[i]` of the `requests` ended within `bounds[i]` seconds: a Prometheus histogram's `le`
    buckets without +Inf, as increments. Raises AnalysisError unless bounds rise and counts agree.
    """

    bounds: tuple[float, ...]
    within: tuple[int, ...]
    requests: int

    def __post_init__(self) -> None:
        for count in (*self.within, self.requests):
            _require_count("a histogram's counts", count)
        rising = all(a < b for a, b in pairwise(self.bounds))
        if not (rising and all(map(math.isfinite, self.bounds))):
            raise AnalysisError(f"the bounds {self.bounds!r:.80} must be finite and rise")
        counts = (*self.within, self.requests)
        if len(self.bounds) != len(self.within) or any(a > b for a, b in pairwise(counts)):
            raise AnalysisError(
                f"{counts!r:.80} must be one count for each bound and all requests, none falling"
            )

    def beyond(self, bounds: tuple[float, ...]) -> tuple[int, ...] | None:
        """How many took longer than each of `bounds`; None where one of them is not counted."""
        if bounds == self.bounds:
            return tuple([self.requests - within for within in self.within])
        if not self.requests:
            return (0,) * len(bounds)
        known = dict(zip(self.bounds, self.within, strict=True))
        if any(bound not in known for bound in bounds):
            return None
        return tuple([self.requests - known[bound] for bound in bounds])


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores since the last tick, each between 0 and 1: how many, and their sum.

    Raises AnalysisError where the sum cannot be one of so many scores.
    """

    count: int
    total: float

    def __post_init__(self) -> None:
        _require_count("scores", self.count)
        slack = 1e-6 * (1 + self.count)  # sums are made of floats
        if not (math.isfinite(self.total) and -slack <= self.total <= self.count + slack):
            raise AnalysisError(
                f"{self.count} scores that add up to {self.total!r} cannot be; "
                "each must lie between 0 and 1"
            )

    @property
    def mean(self) -> float:
        """Between 0 and 1; 0 when there are none."""
        return min(1.0, max(0.0, self.total / self.count)) if self.count else 0.0


@dataclass(frozen=True, slots=True)
class Both(Generic[T]):
    """The same measure of both arms."""

    candidate: T
    stable: T


@dataclass(frozen=True, slots=True)
class Tick:
    """One step of the analysis: `seconds` since the last one and what each arm served in them.

    `concurrent` is False where stable gets no share of the traffic at all (the 100 % step, the bake
    after promotion): the candidate is then compared with a baseline frozen before the switch.
    `share`: the part of the requests that should reach the candidate, once the gateway has accepted
    it; None while that is being changed. `latency`, `labels` (labelled predictions and how many
    were wrong, as requests and errors) and `scores`: None where they are not measured.
    Raises AnalysisError unless `seconds` is finite and not negative and `share` is a part.
    """

    seconds: float
    candidate: Increment
    stable: Increment
    concurrent: bool = True
    share: float | None = None
    latency: Both[Histogram] | None = None
    labels: Both[Increment] | None = None
    scores: Both[Scores] | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.seconds) and self.seconds >= 0):
            raise AnalysisError(f"a tick of {self.seconds} seconds cannot be; it must be >= 0")
        if self.share is not None and not 0 <= self.share <= 1:
            raise AnalysisError(f"a share of {self.share!r} cannot be; it must lie in 0..1")
