"""The `Prometheus` provider: asks a Prometheus server what gateways, meshes or pods have counted.

    metrics:
      type: Prometheus
      prometheus:
        source: main              # which server: one that the operator has set up (see `sources`)
        preset: Traefik           # or Istio, NGINX, Linkerd
        staleSeconds: 60          # default; older samples are no samples

    # what the pods count, scraped by the server; names as for `Pods`, latency and quality too
        preset: Application
        requests: prediction_count_total
        errors: {metric: prediction_count_total, labels: {code: "5.."}}

    # own queries: each an expression over *cumulative* counters
        queries:
          requests: 'shop_requests_total{service="{{service}}"}'
          errors: 'shop_requests_total{service="{{service}}",code=~"5.."}'

Counters are asked for, never rates: the increments are made here, from one answer to the next, by
the same cursors as for pods, so that a reset, a gap or a restart of the controller counts nothing
twice and nothing is extrapolated. All figures of an arm come from one query at one moment. A
process is told by `instance` and `pod`; its first answer is where counting begins.

The server's clock is used on both sides of the age of a sample, so a skew does not matter. Found by
the catalogue; it deliberately asks nothing itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rollouts.analysis import Measure
from rollouts.jsontypes import dig_object
from rollouts.metrics import answer, quality
from rollouts.metrics.exposition import Selector, buckets
from rollouts.metrics.interface import Arm, MetricError, PodTarget, Sample, Trouble
from rollouts.metrics.presets import APPLICATION, PRESETS, fill
from rollouts.metrics.quality import Wanted

if TYPE_CHECKING:
    from rollouts.analysis import Increment, Scores
    from rollouts.jsontypes import JsonObject
    from rollouts.metrics.answer import Point

APPLICATION_PRESET = "Application"
DEFAULT_SOURCE, DEFAULT_STALE_S = "default", 60
LONGEST_QUERY = 4096
_WHAT = "holdpoint"  # the label that says which figure a series is
_KEY = "instance, pod"
_EXACT = 2**53


class Prometheus:
    """See the module."""

    type = "Prometheus"

    def check(self, metrics: JsonObject) -> None:
        """Raises MetricError (SPEC_INVALID) where a field is missing or cannot be meant."""
        self.source(metrics)
        _stale_s(dig_object(metrics, "prometheus"))
        self.query(metrics, Arm("namespace", "revision"))

    def measured(self, metrics: JsonObject) -> frozenset[Measure]:
        """Latency by a preset; what is named, by the pods' own metrics."""
        options = dig_object(metrics, "prometheus")
        if options.get("preset") == APPLICATION_PRESET:
            return Wanted.of(options).measured
        known = options.get("preset") in PRESETS and PRESETS[str(options["preset"])].latency
        return frozenset({Measure.LATENCY}) if known else frozenset()

    def source(self, metrics: JsonObject) -> str:
        """`source`, "default" where it is not said."""
        name = dig_object(metrics, "prometheus").get("source", DEFAULT_SOURCE)
        if not isinstance(name, str):
            raise _invalid(f"source must be a name, this is {name!r:.80}")
        return name

    def query(self, metrics: JsonObject, arm: Arm) -> str:
        """One query for all figures of an arm. Raises MetricError (SPEC_INVALID)."""
        names = {
            "namespace": arm.namespace,
            "service": arm.revision,
            "revision": arm.revision,
        }
        parts = _expressions(dig_object(metrics, "prometheus"))
        return " or ".join(_named(what, fill(part, names)) for what, part in parts.items())

    def samples(self, metrics: JsonObject, body: bytes) -> Mapping[PodTarget, Sample]:
        """One sample for each process. Raises MetricError: the answer is none, or too old."""
        options = dig_object(metrics, "prometheus")
        processes: dict[tuple[str, str], list[Point]] = {}
        for point in answer.vector(body):
            key = (point.labels.get("instance", ""), point.labels.get("pod", ""))
            processes.setdefault(key, []).append(point)
        stale_s, unit = _stale_s(options), _unit(options)
        found = {
            _target(*key): _sample(points, unit)
            for key, points in processes.items()
            if _age_s(points) <= stale_s
        }
        if processes and not found:
            raise MetricError(
                Trouble.STALE, f"the Prometheus server's samples are older than {stale_s} s"
            )
        return found


PROVIDER = Prometheus()


def _expressions(options: JsonObject) -> dict[str, str]:
    """The figures' names and their templates, each summed by process."""
    queries, preset = options.get("queries"), options.get("preset")
    if (queries is None) == (preset is None):
        raise _invalid(f"one of preset ({', '.join(_presets())}) and queries is needed")
    if preset is not None:
        return _application(options) if preset == APPLICATION_PRESET else _preset(preset)
    found = {what: _own(queries, what) for what in ("requests", "errors")}
    return {what: f"sum by ({_KEY}) (\n{query}\n)" for what, query in found.items()}


def _presets() -> list[str]:
    return [*PRESETS, APPLICATION_PRESET]


def _own(queries: object, what: str) -> str:
    query = queries.get(what) if isinstance(queries, dict) else None
    if not isinstance(query, str) or not query.strip() or len(query) > LONGEST_QUERY:
        raise _invalid(f"queries.{what} must be a query of at most {LONGEST_QUERY} characters")
    return query


def _preset(name: object) -> dict[str, str]:
    if not isinstance(name, str) or name not in PRESETS:
        raise _invalid(f"preset {name!r:.80} is unknown; known are {', '.join(_presets())}")
    preset = PRESETS[name]
    found = {"requests": _sum(*preset.requests), "errors": _sum(*preset.errors)}
    if preset.latency:
        found["latency"] = _sum(*preset.latency, more=", le")
    return {**found, "age": _age(*preset.requests)}


def _application(options: JsonObject) -> dict[str, str]:
    for field in ("requests", "errors"):
        if field not in options:
            raise _invalid(f"{field} is missing")
    requests, errors = Selector.of(options["requests"]), Selector.of(options["errors"])
    wanted = Wanted.of(options)
    found = {"requests": _sum(*_chosen(requests)), "errors": _sum(*_chosen(errors))}
    if wanted.latency:
        metric, labels = _chosen(wanted.latency)
        found["latency"] = _sum(f"{metric}_bucket", labels, more=", le")
    for what, pair in (("labels", wanted.labels), ("scores", wanted.scores)):
        if pair:
            found[f"{what}_count"], found[f"{what}_sum"] = (_sum(*_chosen(one)) for one in pair)
    return {**found, "age": _age(*_chosen(requests))}


def _chosen(selector: Selector) -> tuple[str, str]:
    """PromQL's patterns match whole values, as a Selector's do."""
    labels = [f'{name}=~"{_quoted(pattern)}"' for name, pattern in selector.labels.items()]
    return selector.metric, ",".join([APPLICATION, *labels])


def _quoted(pattern: str) -> str:
    return pattern.replace("\\", "\\\\").replace('"', '\\"')


def _sum(metric: str, labels: str, *, more: str = "") -> str:
    return f"sum by ({_KEY}{more}) ({metric}{{{labels}}})"


def _age(metric: str, labels: str) -> str:
    return f"min by ({_KEY}) (time() - timestamp({metric}{{{labels}}}))"


def _named(what: str, expression: str) -> str:
    return f'label_replace({expression}, "{_WHAT}", "{what}", "", "")'


def _target(instance: str, pod: str) -> PodTarget:
    """A process as the cursors know it; it is not asked itself."""
    return PodTarget(name=pod or instance, uid=f"{instance}/{pod}", ip="", port=0, path="")


def _age_s(points: list[Point]) -> float:
    return max((p.value for p in points if p.labels.get(_WHAT) == "age"), default=0.0)


def _sample(points: list[Point], unit: float) -> Sample:
    figures: dict[str, float] = {}
    by_bound: dict[float, int] = {}
    for point in points:
        what = point.labels.get(_WHAT, "")
        if what == "latency":
            by_bound[_bound(point.labels.get("le", ""))] = _whole("latency", point.value)
        else:
            figures[what] = point.value
    if "requests" not in figures:
        raise MetricError(Trouble.PARTIAL, "the Prometheus server has errors and no requests")
    return Sample(
        requests=_whole("requests", figures["requests"]),
        errors=_whole("errors", figures.get("errors", 0.0)),  # shown from the first error on
        latency=buckets("latency", by_bound, unit) if by_bound else None,
        labels=_labels(figures),
        scores=_scores(figures),
    )


def _labels(figures: Mapping[str, float]) -> Increment | None:
    if "labels_count" not in figures:
        return None
    counted = _whole("labelled", figures["labels_count"])
    return quality.labels(counted, _whole("wrong", figures.get("labels_sum", 0.0)))


def _scores(figures: Mapping[str, float]) -> Scores | None:
    if "scores_count" not in figures:
        return None
    counted = _whole("scores", figures["scores_count"])
    return quality.scores(counted, figures.get("scores_sum", 0.0))


def _bound(text: str) -> float:
    try:
        return math.inf if text == "+Inf" else float(text)
    except ValueError as error:
        raise MetricError(Trouble.BAD_VALUE, f"the bucket le={text!r:.40} is none") from error


def _whole(what: str, value: float) -> int:
    if not (0 <= value < _EXACT and value == int(value)):
        raise MetricError(
            Trouble.BAD_VALUE,
            f"{what} is {value!r}; a whole number >= 0 is expected: a counter, not a rate",
        )
    return int(value)


def _unit(options: JsonObject) -> float:
    preset = options.get("preset")
    return PRESETS[str(preset)].unit if preset in PRESETS else 1.0


def _stale_s(options: JsonObject) -> int:
    stale = options.get("staleSeconds", DEFAULT_STALE_S)
    if not isinstance(stale, int) or isinstance(stale, bool) or not 1 <= stale <= 3600:
        raise _invalid(f"staleSeconds must lie in 1..3600, this is {stale!r:.80}")
    return stale


def _invalid(sentence: str) -> MetricError:
    return MetricError(Trouble.SPEC_INVALID, f"spec.analysis.metrics.prometheus: {sentence}")
