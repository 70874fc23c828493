"""Would somebody notice when the model serves badly, and see why?

What it looks for
    Metrics that the code exports (prometheus_client, OpenTelemetry, instrumentation libraries,
    hand-written exposition text, by whatever names): time, number, errors, and the quality of the
    answers. What reads them: a scrape configuration, a ServiceMonitor or PodMonitor whose selector
    picks something that is here, annotations. Alert rules (Prometheus files, PrometheusRule) and
    Grafana dashboards whose expressions can be read and whose metrics exist in the code or come
    from well-known exporters. Logs written as data. Drift watched by a library, a job or a metric.
    Also, without points: log aggregation.

Why
    A model rarely crashes; it gets slower or wrong. An alert on a metric that nobody exports
    never fires, and looks like safety.

How it is scored
    Monitoring system 0.3, metrics 0.2 (latency, number, errors, quality: 0.05 each), alerts 0.2,
    dashboard 0.1, structured logs 0.1, drift 0.1. The four metrics are the golden signals that a
    request-serving system shows (Beyer et al., Site Reliability Engineering, 2016, chapter 6),
    with the model's quality in saturation's place (Breck et al., ML Test Score, 2017, Monitor 7).
    Each counts once, by the best that is found; a broken rule beside a good one is a finding. What
    is only declared is worth half. Passed at 0.7, critical below 0.5.

How to fix
    Every finding names the file. `examples/lending` shows metrics, a PodMonitor, alerts and a
    dashboard that belong together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.check import Needs
from checks.config import share
from checks.evidence import manifests, python_code, telemetry, watching
from checks.evidence.release import Defect
from checks.items import (
    Item,
    defect_finding,
    item_finding,
    missing,
    remark_finding,
    unreadable_finding,
)
from checks.report import Evidence, Location, Severity, State, Verdict
from checks.scoring import verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from checks.check import Context
    from checks.config import Config
    from checks.evidence.manifests import Manifests
    from checks.evidence.telemetry import Metric
    from checks.evidence.watching import Query, Watching

NAME = "monitoring"
EXPLAINS = {
    "scrape": "system.scrape",
    "alert": "alerts.rules",
    "dashboard": "dashboard.panels",
}
# What a metric is about, by the words of its name; the first that fits counts.
SIGNALS = {
    "errors": re.compile(r"error|fail|exception|reject|5xx", re.IGNORECASE),
    "latency": re.compile(
        r"latency|duration|seconds|milliseconds|_ms(?:_|$)|(?:^|_)time(?:_|$)", re.IGNORECASE
    ),
    "quality": re.compile(
        r"accuracy|precision|recall|f1|auc|rmse|mae|quality|confidence|calibration|drift|psi"
        r"|probability|score|feedback|label",
        re.IGNORECASE,
    ),
    "count": re.compile(r"count|total|request|prediction|call", re.IGNORECASE),
}
AGGREGATORS = re.compile(
    r"fluent-?(?:bit|d)|promtail|grafana/alloy|vector|logstash|filebeat|grafana/loki", re.IGNORECASE
)


@dataclass(frozen=True)
class Settings:
    """What can be set under `checks: {monitoring: ...}` in holdpoint.yml."""

    passed_at: float = share(0.7)
    critical_below: float = share(0.5)


ITEMS: Mapping[str, Item] = {
    "system.scrape": Item(
        "a monitoring system that reads the service's metrics",
        0.3,
        "k8s/podmonitor.yaml: add a PodMonitor (see examples/lending/k8s)",
    ),
    "metrics.latency": Item(
        "a metric of how long answers take", 0.05, "export a histogram such as prediction_latency"
    ),
    "metrics.count": Item(
        "a metric of how many answers are given", 0.05, "export a counter such as prediction_count"
    ),
    "metrics.errors": Item(
        "a metric of failed answers", 0.05, "export a counter such as prediction_errors"
    ),
    "metrics.quality": Item(
        "a metric of how good the answers are",
        0.05,
        "export a metric such as model_accuracy, or the distribution of the scores",
        Severity.MINOR,
    ),
    "alerts.rules": Item(
        "an alert rule whose metrics exist",
        0.2,
        "k8s/alerts.yaml: add alert rules on the metrics that the code exports",
    ),
    "dashboard.panels": Item(
        "a dashboard whose metrics exist",
        0.1,
        "monitoring/dashboard.json: add a Grafana dashboard of the exported metrics",
        Severity.MINOR,
    ),
    "logs.structured": Item(
        "structured logs", 0.1, "write the log as JSON lines (structlog, python-json-logger)",
        Severity.MINOR,
    ),
    "drift.watched": Item(
        "a watch on drift",
        0.1,
        "compare live inputs with the training data (Evidently, whylogs, a PSI job)",
        Severity.MINOR,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Gathered:
    """What was found for each item, what is wrong elsewhere, what could not be read."""

    found: Mapping[str, tuple[Evidence, ...]]
    defects: tuple[Defect, ...] = ()
    unreadable: tuple[Evidence, ...] = ()
    remarks: tuple[Evidence, ...] = ()


class Monitoring:
    """The check; see the module's text."""

    name = NAME
    title = "Monitoring"
    settings: type[Any] = Settings
    needs = Needs.TREE
    items: Mapping[str, float] = {
        "system": 0.3,
        "metrics": 0.2,
        "alerts": 0.2,
        "dashboard": 0.1,
        "logs": 0.1,
        "drift": 0.1,
    }
    rules = (*ITEMS, "defect.*", "aggregation", "unreadable")

    def collect(self, context: Context) -> Gathered:
        """Reads the code, manifests, rules and dashboards."""
        kubernetes = manifests.collect(context.repository)
        modules, unparsed = python_code.collect(context.repository)
        exported = telemetry.metrics(context.repository, modules)
        watched = watching.collect(context.repository, kubernetes)
        series = frozenset(name for metric in exported for name in metric.series)
        exists = watching.known(series, watched.records)
        return Gathered(
            found={
                "system.scrape": watched.scrapes,
                **_signals(exported),
                "alerts.rules": _working(watched.alerts, exists),
                "dashboard.panels": _working(watched.panels, exists),
                "logs.structured": telemetry.structured_logs(modules),
                "drift.watched": telemetry.drift(modules, exported),
            },
            defects=(*_scrape_defects(watched), *_query_defects(watched, exists)),
            unreadable=(*kubernetes.unreadable, *watched.unreadable, *unparsed),
            remarks=(_aggregation(kubernetes),),
        )

    def judge(self, evidence: Gathered, config: Config) -> Verdict:
        """Gives each item's points once, by the best that was found."""
        reasons = {
            EXPLAINS[defect.item]: defect
            for defect in reversed(evidence.defects)
            if not evidence.found.get(EXPLAINS[defect.item])
        }
        findings = [
            item_finding(
                f"{NAME}.{name}", item, evidence.found.get(name, ()), config,
                reasons.get(name),
            )
            for name, item in ITEMS.items()
        ]  # fmt: skip
        told = {id(defect) for defect in reasons.values()}
        findings += [defect_finding(NAME, d) for d in evidence.defects if id(d) not in told]
        findings += [remark_finding(NAME, remark) for remark in evidence.remarks]
        findings += [unreadable_finding(NAME, each) for each in evidence.unreadable]
        broken = f", {len(evidence.defects)} broken" if evidence.defects else ""
        message = f"{missing(findings, len(ITEMS))}{broken}"
        return verdict(NAME, findings, config.of(self), message)


CHECK = Monitoring()


def signal_of(name: str, kind: str) -> str | None:
    """What a metric is about, None when its name does not say; any counter counts something."""
    found = next((each for each, words in SIGNALS.items() if words.search(name)), None)
    return found or ("count" if kind == "counter" else None)


def _signals(exported: Sequence[Metric]) -> dict[str, tuple[Evidence, ...]]:
    found: dict[str, list[Evidence]] = {}
    for metric in exported:
        signal = signal_of(metric.name, metric.kind)
        if signal is not None:
            evidence = Evidence(signal, State.FOUND, metric.name, metric.where)
            found.setdefault(f"metrics.{signal}", []).append(evidence)
    return {name: tuple(each) for name, each in found.items()}


def _working(queries: Sequence[Query], exists: Callable[[str], bool]) -> tuple[Evidence, ...]:
    """Those that read something, and nothing that does not exist."""
    return tuple(
        Evidence("query", State.FOUND, f"{each.owner} reads {min(each.metrics)}", each.where)
        for each in queries
        if not each.error and each.metrics and all(map(exists, each.metrics))
    )


def _scrape_defects(watched: Watching) -> Iterator[Defect]:
    for each in watched.broken_scrapes:
        fix = f"{each.where.path if each.where else ''}: select labels that exist"
        yield Defect("scrape", Severity.MAJOR, each.why, each.where, fix)


def _query_defects(watched: Watching, exists: Callable[[str], bool]) -> Iterator[Defect]:
    rules = [("alert", "the alert", Severity.MAJOR, each) for each in watched.alerts]
    rules += [("alert", "the recording rule", Severity.MAJOR, each) for each in watched.records]
    panels = [("dashboard", "the panel", Severity.MINOR, each) for each in watched.panels]
    for item, what, severity, each in rules + panels:
        missing = sorted(name for name in each.metrics if not exists(name))
        if each.error:
            said = f"{what} {each.owner} cannot be read: {each.error}"
            yield _defect(item, severity, said, each.where, "correct the expression")
        elif missing:
            said = f"{what} {each.owner} reads {', '.join(missing[:5])}, which nothing exports"
            yield _defect(item, severity, said, each.where, "name a metric that the code exports")


def _defect(item: str, severity: Severity, said: str, where: Location, fix: str) -> Defect:
    return Defect(item, severity, said, where, f"{where.path}: {fix}")


def _aggregation(kubernetes: Manifests) -> Evidence:
    for workload in kubernetes.workloads:
        for image, line in workload.images:
            if AGGREGATORS.search(image):
                why = f"log aggregation: {workload.name}"
                return Evidence("aggregation", State.FOUND, why, workload.at(line))
    return Evidence("aggregation", State.ABSENT, "not found: log aggregation")
