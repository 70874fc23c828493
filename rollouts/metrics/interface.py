"""What a metric provider is: the Protocol every provider file implements, and its data types.

The controller asks a provider for `targets`, fetches them over `http`, has the provider `parse`
each body, and hands the samples to `cursor.advance`. Providers are sans-I/O: they deliberately
neither fetch nor remember anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from rollouts.analysis import Histogram, Increment, Measure, Scores
    from rollouts.jsontypes import JsonObject


class Trouble(StrEnum):
    """Why there is no sample. None of them is ever evidence for or against a candidate."""

    SPEC_INVALID = "spec_invalid"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    STATUS = "status"  # an answer other than 200, redirects too
    TOO_LARGE = "too_large"
    PARTIAL = "partial"
    NOT_METRICS = "not_metrics"  # HTML, compressed, not UTF-8
    SERIES_MISSING = "series_missing"
    STALE = "stale"  # older than it may be
    BAD_VALUE = "bad_value"  # NaN, infinite, negative, no whole number, given twice


class MetricError(Exception):
    """No sample: a kind for machines and a sentence for people."""

    def __init__(self, trouble: Trouble, sentence: str) -> None:
        super().__init__(sentence)
        self.trouble = trouble
        self.sentence = sentence


@dataclass(frozen=True)
class PodTarget:
    """A pod to scrape, and which process in it this is. Also the key of its body and sample.

    `restarts` is the container's restartCount, `created` the pod's creationTimestamp (RFC 3339 as
    the API server writes it, so that it compares as text): together with `uid` they tell a counter
    that went on from one that began anew.
    """

    name: str
    uid: str
    ip: str
    port: int
    path: str
    restarts: int = 0
    created: str = ""


@dataclass(frozen=True)
class Sample:
    """Cumulative counters of one process at one moment: whole numbers >= 0.

    `started` is the process's start in seconds since the epoch where it tells, else None.
    `latency`, `labels` (labelled predictions, and how many of them were wrong, as requests and
    errors) and `scores`: None where they are not measured; cumulative too.
    """

    requests: int
    errors: int
    started: float | None = None
    latency: Histogram | None = None
    labels: Increment | None = None
    scores: Scores | None = None


@dataclass(frozen=True)
class Served:
    """What one arm served since the last call; None for what no pod has a figure of."""

    increment: Increment
    latency: Histogram | None = None
    labels: Increment | None = None
    scores: Scores | None = None


@dataclass(frozen=True)
class Arm:
    """One side of a comparison: a revision by name, which is also its Service's, and its pods."""

    namespace: str
    revision: str
    pods: Sequence[JsonObject] = ()


class Provider(Protocol):
    """One source of metrics. A provider file holds one as `PROVIDER`; it is a PodProvider or a
    QueryProvider."""

    @property
    def type(self) -> str:
        """The name in `spec.analysis.metrics.type`."""

    def check(self, metrics: JsonObject) -> None:
        """Raises MetricError (SPEC_INVALID) when `spec.analysis.metrics` cannot be used."""

    def measured(self, metrics: JsonObject) -> frozenset[Measure]:
        """What is counted besides requests and errors. Raises MetricError (SPEC_INVALID)."""


@runtime_checkable
class PodProvider(Provider, Protocol):
    """Asks every pod itself."""

    def targets(self, metrics: JsonObject, pods: Sequence[JsonObject]) -> tuple[PodTarget, ...]:
        """The pods of one arm that can be asked now: those with an address that are running."""

    def parse(self, metrics: JsonObject, body: bytes) -> Sample:
        """Reads one answer. Raises MetricError for whatever is not plainly a sample."""


@runtime_checkable
class QueryProvider(Provider, Protocol):
    """Asks one server about an arm."""

    def source(self, metrics: JsonObject) -> str:
        """The name of the server among those that the operator has set up (`sources`)."""

    def query(self, metrics: JsonObject, arm: Arm) -> str:
        """The question about one arm. Raises MetricError (SPEC_INVALID)."""

    def samples(self, metrics: JsonObject, body: bytes) -> Mapping[PodTarget, Sample]:
        """Reads the answer: a sample for each process that counted. Raises MetricError."""
