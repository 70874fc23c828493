"""The `Pods` provider: asks each pod's own /metrics, so that no Prometheus is needed.

    metrics:
      type: Pods
      pods:
        port: 8080                          # default: the container's first port
        path: /metrics                      # default
        requests: prediction_count_total    # all requests that ended
        errors: prediction_errors_total     # those that failed
        # or, with labels: {metric: http_requests_total, labels: {code: "5.."}}
        # and what is measured besides: latency, quality (see `quality`)

Requests a second apart are a second old; a scrape through Prometheus is 15 s old on average. What a
dead pod never served is not in its metrics: `losses` counts that. Found by the catalogue, used by
the controller. It deliberately fetches nothing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rollouts.jsontypes import dig, dig_list, dig_object, dig_text
from rollouts.metrics import quality
from rollouts.metrics.exposition import Page, Selector
from rollouts.metrics.interface import MetricError, PodTarget, Sample, Trouble
from rollouts.metrics.quality import Wanted

if TYPE_CHECKING:
    from rollouts.analysis import Measure
    from rollouts.jsontypes import JsonObject

DEFAULT_PATH = "/metrics"
DEFAULT_PORT = 8080
CONTAINER = "model"


class Pods:
    """See the module."""

    type = "Pods"

    def check(self, metrics: JsonObject) -> None:
        """Raises MetricError (SPEC_INVALID) where a field is missing or cannot be meant."""
        pods = dig_object(metrics, "pods")
        _selector(pods, "requests")
        _selector(pods, "errors")
        _path(pods)
        if "port" in pods:
            _port(pods["port"])
        Wanted.of(pods)

    def measured(self, metrics: JsonObject) -> frozenset[Measure]:
        """What `latency` and `quality` name."""
        return Wanted.of(dig_object(metrics, "pods")).measured

    def targets(self, metrics: JsonObject, pods: Sequence[JsonObject]) -> tuple[PodTarget, ...]:
        """Running pods with an address, ready or not: a pod that fails is often not ready."""
        wanted = dig_object(metrics, "pods")
        path = _path(wanted)
        return tuple(
            _target(pod, path, _port(wanted.get("port", _first_port(pod))))
            for pod in pods
            if dig_text(pod, "status", "phase") == "Running" and _is_address(pod)
        )

    def parse(self, metrics: JsonObject, body: bytes) -> Sample:
        """Everything that is asked for on one page. Raises MetricError."""
        pods = dig_object(metrics, "pods")
        page, wanted = Page.of(body), Wanted.of(pods)
        return Sample(
            requests=page.counter(_selector(pods, "requests")),
            errors=page.counter(_selector(pods, "errors")),
            started=page.gauge("process_start_time_seconds"),
            latency=page.histogram(wanted.latency) if wanted.latency else None,
            labels=wanted.labels and quality.labels(*map(page.counter, wanted.labels)),
            scores=wanted.scores
            and quality.scores(page.counter(wanted.scores[0]), page.total(wanted.scores[1])),
        )


PROVIDER = Pods()


def _selector(pods: JsonObject, field: str) -> Selector:
    if field not in pods:
        raise MetricError(Trouble.SPEC_INVALID, f"spec.analysis.metrics.pods.{field} is missing")
    return Selector.of(pods[field])


def _path(pods: JsonObject) -> str:
    path = pods.get("path", DEFAULT_PATH)
    if not isinstance(path, str) or not path.startswith("/") or not path.isascii():
        raise MetricError(Trouble.SPEC_INVALID, f"spec.analysis.metrics.pods.path is {path!r:.80}")
    if any(character <= " " or character == "\x7f" for character in path):
        raise MetricError(Trouble.SPEC_INVALID, "spec.analysis.metrics.pods.path holds white space")
    return path


def _port(port: object) -> int:
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        raise MetricError(Trouble.SPEC_INVALID, f"spec.analysis.metrics.pods.port is {port!r:.80}")
    return port


def _target(pod: JsonObject, path: str, port: int) -> PodTarget:
    return PodTarget(
        name=dig_text(pod, "metadata", "name"),
        uid=dig_text(pod, "metadata", "uid"),
        ip=dig_text(pod, "status", "podIP"),
        port=port,
        path=path,
        restarts=restarts(pod),
        created=dig_text(pod, "metadata", "creationTimestamp"),
    )


def restarts(pod: JsonObject) -> int:
    """restartCount of the model's container, of the first one where none has that name."""
    statuses = dig_list(pod, "status", "containerStatuses")
    named = [status for status in statuses if dig_text(status, "name") == CONTAINER]
    count = dig(named or statuses, 0, "restartCount")
    return count if isinstance(count, int) else 0


def _first_port(pod: JsonObject) -> int:
    port = dig(pod, "spec", "containers", 0, "ports", 0, "containerPort")
    return port if isinstance(port, int) else DEFAULT_PORT


def _is_address(pod: JsonObject) -> bool:
    try:
        ipaddress.ip_address(dig_text(pod, "status", "podIP"))
    except ValueError:
        return False
    return True
