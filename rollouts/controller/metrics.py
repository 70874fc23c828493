"""The controller's own Prometheus metrics. Names are a promise: dashboards and alerts use them.

Served by `serving`; docs/reference/controller-metrics.md lists them, and a test compares. Labels
are names of objects and codes of ours, never people.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Standing:
    """Where one rollout stands: `weight` in per cent, read back; whether one is `under_way`;
    whether its end cannot be confirmed; whether its figures cannot be read; whether it cannot go
    back because nothing of stable is ready."""

    weight: int = 0
    under_way: bool = False
    unconfirmed: bool = False
    unreadable: bool = False
    blocked: bool = False


class Metrics:
    """One registry of its own for each controller, so that two in one process do not meet."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        Gauge(
            "holdpoint_build_info", "1, labelled with the version.", ["version"], registry=registry
        ).labels(_version()).set(1)
        self._writes = Counter(
            "holdpoint_writes_total",
            "Writes to the API server by outcome.",
            ["verb", "kind", "outcome"],
            registry=registry,
        )
        self._decisions = Counter(
            "holdpoint_decisions_total",
            "Decisions of the engine that were carried out.",
            ["decision", "reason"],
            registry=registry,
        )
        self._rounds = Histogram(
            "holdpoint_reconcile_seconds",
            "Time for one round of observe, advance, apply.",
            buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10),
            registry=registry,
        )
        self._failures = Counter(
            "holdpoint_reconcile_failures_total",
            "Rounds that ended in an error and will be repeated.",
            ["error"],
            registry=registry,
        )
        self._weight = Gauge(
            "holdpoint_candidate_weight_percent",
            "Share of the traffic that the candidate has, read back.",
            ["namespace", "name"],
            registry=registry,
        )
        self._unconfirmed = Gauge(
            "holdpoint_abort_unconfirmed",
            "1 while a rollback cannot be confirmed: page somebody.",
            ["namespace", "name"],
            registry=registry,
        )
        self._under_way = Gauge(
            "holdpoint_rollout_under_way",
            "1 while a candidate is being tried, or watched after its promotion.",
            ["namespace", "name"],
            registry=registry,
        )
        self._unreadable = Gauge(
            "holdpoint_analysis_unreadable",
            "1 while a candidate has traffic and its figures cannot be read: nothing is judged.",
            ["namespace", "name"],
            registry=registry,
        )
        self._blocked = Gauge(
            "holdpoint_rollback_blocked",
            "1 while a candidate has traffic and no pod of stable is ready to take it back.",
            ["namespace", "name"],
            registry=registry,
        )
        self._of_targets = (
            self._weight,
            self._under_way,
            self._unconfirmed,
            self._unreadable,
            self._blocked,
        )
        self._silence = Gauge(
            "holdpoint_informer_silence_seconds",
            "Time since the API server was last heard about a kind.",
            ["kind"],
            registry=registry,
        )
        self._waiting = Gauge(
            "holdpoint_queue_depth", "ModelDeployments that wait for a worker.", registry=registry
        )
        self._leader = Gauge(
            "holdpoint_leader", "1 while this process may write.", registry=registry
        )
        self._unread = Counter(
            "holdpoint_scrape_failures_total",
            "Pods whose metrics could not be read in a tick.",
            ["trouble"],
            registry=registry,
        )

    def wrote(self, verb: str, kind: str, outcome: str) -> None:
        """One write."""
        self._writes.labels(verb, kind, outcome).inc()

    def decided(self, decision: str, reason: str) -> None:
        """One decision that was carried out."""
        self._decisions.labels(decision, reason).inc()

    def took(self, seconds: float) -> None:
        """One round."""
        self._rounds.observe(seconds)

    def failed(self, error: str) -> None:
        """One round that is to be repeated."""
        self._failures.labels(error).inc()

    def shows(self, namespace: str, name: str, standing: Standing) -> None:
        """Where a rollout stands."""
        self._weight.labels(namespace, name).set(standing.weight)
        self._under_way.labels(namespace, name).set(int(standing.under_way))
        self._unconfirmed.labels(namespace, name).set(int(standing.unconfirmed))
        self._unreadable.labels(namespace, name).set(int(standing.unreadable))
        self._blocked.labels(namespace, name).set(int(standing.blocked))

    def forget(self, namespace: str, name: str) -> None:
        """A ModelDeployment is gone."""
        for gauge in self._of_targets:
            try:
                gauge.remove(namespace, name)
            except KeyError:
                continue

    def hears(self, kind: str, silence_s: Callable[[], float]) -> None:
        """How long a kind has been silent is asked for when somebody scrapes."""
        self._silence.labels(kind).set_function(silence_s)

    def waits(self, depth: Callable[[], int]) -> None:
        """How many keys wait is asked for when somebody scrapes."""
        self._waiting.set_function(depth)

    def leads(self, leading: bool) -> None:
        """Whether this process may write."""
        self._leader.set(int(leading))

    def unread(self, trouble: str) -> None:
        """One pod without a sample in one tick."""
        self._unread.labels(trouble).inc()

    def page(self) -> bytes:
        """The text for /metrics."""
        return generate_latest(self._registry)


def _version() -> str:
    try:
        return metadata.version("holdpoint")
    except metadata.PackageNotFoundError:
        return "unknown"
