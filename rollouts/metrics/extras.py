"""Differences and sums of latency, labels and scores: from cumulative figures to increments.

Used by `cursor`. A difference that cannot be (a counter fell, buckets that are others, a page that
was written while it was read) is None: nothing is counted, and the figures wait for the next
sample. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from rollouts.analysis import AnalysisError, Histogram, Increment, Scores

if TYPE_CHECKING:
    from rollouts.jsontypes import Json
    from rollouts.metrics.interface import Sample

WARM_UP = 20  # requests of a process before its latency counts: caches fill, code is loaded


@dataclass(frozen=True, slots=True)
class Extras:
    """Latency, labels and scores: of one process, or what was added since; None where unknown."""

    latency: Histogram | None = None
    labels: Increment | None = None
    scores: Scores | None = None

    @classmethod
    def of(cls, sample: Sample) -> Extras:
        """The cumulative figures of a sample."""
        return cls(sample.latency, sample.labels, sample.scores)

    def to_json(self) -> Json:
        """Plain JSON."""
        latency, labels, scores = self.latency, self.labels, self.scores
        return [
            latency and [list(latency.bounds), list(latency.within), latency.requests],
            labels and [labels.requests, labels.errors],
            scores and [scores.count, scores.total],
        ]

    @classmethod
    def from_json(cls, data: Json) -> Extras:
        """The reverse. Raises TypeError or ValueError (AnalysisError is one)."""
        latency, labels, scores = data
        return cls(
            latency and Histogram(tuple(latency[0]), tuple(latency[1]), latency[2]),
            labels and Increment(*labels),
            scores and Scores(*scores),
        )


NONE = Extras()


def step(mark: Extras, now: Extras, *, fresh: bool) -> tuple[Extras, Extras]:
    """What was added since the mark, and the new mark.

    `fresh`: the process is counted from its start, so what was never marked was zero; latency is
    marked for the first time when the warm-up is over.
    """
    latency, seen = _latency(mark.latency, now.latency)
    empty = (Increment(), Scores(0, 0.0)) if fresh else (now.labels, now.scores)
    labels = _labels(mark.labels or empty[0], now.labels)
    scores = _scores(mark.scores or empty[1], now.scores)
    return Extras(latency, labels, scores), Extras(
        seen,
        now.labels if labels or mark.labels is None else mark.labels,
        now.scores if scores or mark.scores is None else mark.scores,
    )


def summed(parts: Iterable[Extras]) -> Extras:
    """Of all processes of an arm."""
    return reduce(_add, parts, NONE)


def _latency(
    mark: Histogram | None, now: Histogram | None
) -> tuple[Histogram | None, Histogram | None]:
    if now is None:
        return None, mark
    if mark is None or mark.bounds != now.bounds:
        return None, now if now.requests >= WARM_UP else None
    within = tuple(n - m for n, m in zip(now.within, mark.within, strict=True))
    try:
        return Histogram(now.bounds, within, now.requests - mark.requests), now
    except AnalysisError:
        return None, mark


def _labels(mark: Increment | None, now: Increment | None) -> Increment | None:
    if mark is None or now is None:
        return None
    try:
        return Increment(now.requests - mark.requests, now.errors - mark.errors)
    except AnalysisError:
        return None


def _scores(mark: Scores | None, now: Scores | None) -> Scores | None:
    if mark is None or now is None:
        return None
    try:
        return Scores(now.count - mark.count, now.total - mark.total)
    except AnalysisError:
        return None


def _add(one: Extras, other: Extras) -> Extras:
    return Extras(
        _merged(one.latency, other.latency),
        _either(one.labels, other.labels),
        _both_scores(one.scores, other.scores),
    )


def _merged(one: Histogram | None, other: Histogram | None) -> Histogram | None:
    """Over the bounds that both have."""
    if one is None or other is None:
        return one or other
    left = dict(zip(one.bounds, one.within, strict=True))
    right = dict(zip(other.bounds, other.within, strict=True))
    bounds = tuple(bound for bound in one.bounds if bound in right)
    within = tuple(left[bound] + right[bound] for bound in bounds)
    return Histogram(bounds, within, one.requests + other.requests)


def _either(one: Increment | None, other: Increment | None) -> Increment | None:
    return one + other if one and other else one or other


def _both_scores(one: Scores | None, other: Scores | None) -> Scores | None:
    if one is None or other is None:
        return one or other
    return Scores(one.count + other.count, one.total + other.total)
