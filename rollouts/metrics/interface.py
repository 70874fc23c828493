"""What a metric provider is: the Protocol every provider file implements, and its data types.

The controller asks a provider for `targets`, fetches them over `http`, has the provider `parse`
each body, and hands the samples to `cursor.advance`. Providers are sans-I/O: they deliberately
neither fetch nor remember anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
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
    """

    requests: int
    errors: int
    started: float | None = None


class Provider(Protocol):
    """One source of metrics. A provider file holds one as `PROVIDER`."""

    @property
    def type(self) -> str:
        """The name in `spec.analysis.metrics.type`."""

    def check(self, metrics: JsonObject) -> None:
        """Raises MetricError (SPEC_INVALID) when `spec.analysis.metrics` cannot be used."""

    def targets(self, metrics: JsonObject, pods: Sequence[JsonObject]) -> tuple[PodTarget, ...]:
        """The pods of one arm that can be asked now: those with an address that are running."""

    def parse(self, metrics: JsonObject, body: bytes) -> Sample:
        """Reads one answer. Raises MetricError for whatever is not plainly a sample."""
