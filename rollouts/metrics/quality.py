"""What a source counts besides requests and errors: latency, labels that arrived, scores.

    latency: prediction_latency_seconds         # a histogram, in seconds
    quality:
      labelled: prediction_labelled_total       # predictions whose true label has arrived
      wrong: prediction_wrong_total             # those of them that were wrong
      scores: {sum: prediction_score_sum, count: prediction_score_count}   # each between 0 and 1

Every name may also be `{metric, labels}`. `scores` holds whatever lies between 0 and 1: the
model's own score (its mean moves when the predictions do), or, with the predictions of one class as
`sum` and all predictions as `count`, that class's share. Read by the providers; pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollouts.analysis import AnalysisError, Increment, Measure, Scores
from rollouts.jsontypes import dig, dig_object
from rollouts.metrics.exposition import Selector
from rollouts.metrics.interface import MetricError, Trouble

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject


@dataclass(frozen=True)
class Wanted:
    """The selectors, None for what is not asked for."""

    latency: Selector | None = None
    labels: tuple[Selector, Selector] | None = None
    scores: tuple[Selector, Selector] | None = None

    @classmethod
    def of(cls, spec: JsonObject) -> Wanted:
        """From a provider's options. Raises MetricError (SPEC_INVALID)."""
        quality, latency = dig_object(spec, "quality"), spec.get("latency")
        return cls(
            latency=None if latency is None else Selector.of(latency),
            labels=_pair(quality, ("labelled",), ("wrong",)),
            scores=_pair(quality, ("scores", "count"), ("scores", "sum")),
        )

    @property
    def measured(self) -> frozenset[Measure]:
        """What the analysis may test."""
        given = {
            Measure.LATENCY: self.latency,
            Measure.LABELS: self.labels,
            Measure.SCORES: self.scores,
        }
        return frozenset(measure for measure, wanted in given.items() if wanted)


def _pair(
    quality: JsonObject, first: tuple[str, ...], second: tuple[str, ...]
) -> tuple[Selector, Selector] | None:
    found = [dig(quality, *path) for path in (first, second)]
    if found == [None, None]:
        return None
    if None in found:
        names = " and ".join(".".join(path) for path in (first, second))
        raise MetricError(
            Trouble.SPEC_INVALID, f"spec.analysis.metrics: quality needs {names}, or neither"
        )
    return Selector.of(found[0]), Selector.of(found[1])


def labels(labelled: int, wrong: int) -> Increment:
    """Raises MetricError where more were wrong than labelled."""
    try:
        return Increment(labelled, wrong)
    except AnalysisError as error:
        raise MetricError(Trouble.BAD_VALUE, f"labelled predictions: {error}") from error


def scores(count: int, total: float) -> Scores:
    """Raises MetricError where the scores cannot lie between 0 and 1."""
    try:
        return Scores(count, total)
    except AnalysisError as error:
        raise MetricError(Trouble.BAD_VALUE, f"scores: {error}") from error
