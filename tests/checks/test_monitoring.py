"""The monitoring check: each item found, absent and broken; nothing missing ever helps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.catalog.monitoring import CHECK, signal_of
from checks.config import Config, Declaration
from checks.report import Grade
from tests.checks.conftest import LENDING
from tests.checks.trees import look, of, place, require_removal_never_helps, write

CODE = """\
import json
import sys
from prometheus_client import Counter, Histogram, Gauge as G

LATENCY = Histogram("prediction_latency_seconds", "Time")
COUNT = Counter("prediction_count", "Answers")
ERRORS = Counter("errors", "Failures", namespace="prediction")
QUALITY = G("model_accuracy", "Of yesterday's answers")


def log(message):
    print(json.dumps({"message": message}), file=sys.stderr)
"""
DRIFT = """\
import numpy as np


def population_stability_index(live, trained):
    a, b = np.histogram(live)[0], np.histogram(trained)[0]
    return ((a - b) * np.log(a / b)).sum()
"""
RULES = """\
groups:
  - name: model
    rules:
      - record: model:errors:ratio
        expr: rate(prediction_errors_total[5m]) / rate(prediction_count_total[5m])
      - alert: Errors
        expr: model:errors:ratio > 0.05
        annotations: {summary: "{{ $value }} of requests fail"}
"""
SCRAPE = """\
global: {scrape_interval: 15s}
scrape_configs:
  - job_name: model
    static_configs:
      - targets: ["model:8080"]
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: model, labels: {app: model}}
spec: {selector: {app: model}, ports: [{name: http, port: 80}]}
"""
MONITOR = """\
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: model}
spec:
  selector:
    matchExpressions: [{key: app, operator: In, values: [model]}]
  endpoints: [{port: http}]
"""


def dashboard(*expressions: str) -> str:
    """A Grafana dashboard with a panel for each."""
    panels = [{"title": f"panel {e}", "targets": [{"expr": e}]} for e in expressions]
    return json.dumps({"title": "model", "panels": panels}, indent=1)


WHOLE = {
    "serve.py": CODE,
    "jobs/drift.py": DRIFT,
    "prometheus/rules.yml": RULES,
    "prometheus/prometheus.yml": SCRAPE,
    "k8s/service.yaml": SERVICE,
    "k8s/monitor.yaml": MONITOR,
    "grafana/model.json": dashboard("rate(prediction_latency_seconds_bucket[5m])"),
}


def test_everything(tmp_path: Path) -> None:
    verdict = look(CHECK, write(tmp_path, WHOLE))
    assert verdict.score == 1.0
    assert verdict.passed
    places = {f.rule: place(f) for f in verdict.findings if f.worth}
    assert places == {
        "monitoring.system.scrape": ("prometheus/prometheus.yml", 3),
        "monitoring.metrics.latency": ("serve.py", 5),
        "monitoring.metrics.count": ("serve.py", 6),
        "monitoring.metrics.errors": ("serve.py", 7),
        "monitoring.metrics.quality": ("serve.py", 8),
        "monitoring.alerts.rules": ("prometheus/rules.yml", 7),
        "monitoring.dashboard.panels": ("grafana/model.json", 8),
        "monitoring.logs.structured": ("serve.py", 12),
        "monitoring.drift.watched": ("jobs/drift.py", 4),
    }


def test_nothing(tmp_path: Path) -> None:
    verdict = look(CHECK, tmp_path)
    assert (verdict.score, verdict.critical) == (0.0, True)
    assert {f.grade for f in verdict.findings} == {Grade.MISSING}
    assert all(f.recommendation for f in verdict.findings if f.worth)


def test_what_is_declared_is_half(tmp_path: Path) -> None:
    config = Config(declarations=(Declaration("monitoring.alerts", "in the other repository"),))
    verdict = look(CHECK, tmp_path, config)
    assert of(verdict, "alerts.rules").earned == pytest.approx(0.1)
    assert of(verdict, "alerts.rules").grade is Grade.DECLARED


@pytest.mark.parametrize(
    ("code", "series"),
    [
        ("import prometheus_client as p\np.Summary('a_seconds', '')", "a_seconds_count"),
        ("import prometheus_client as p\np.Counter(name='a_total', documentation='')", "a_total"),
        ("from prometheus_client.core import GaugeMetricFamily as F\nF('a', '')", "a"),
        ("meter.create_counter('a.b', unit='s')", "a_b_seconds_total"),
        ("meter.create_observable_gauge('a.b')", "a_b"),
        ("T = f'# HELP a x\\n# TYPE a histogram\\n{1}'", "a_bucket"),
        (
            "from prometheus_fastapi_instrumentator import Instrumentator\nInstrumentator()",
            "http_requests_total",
        ),
    ],
)
def test_an_alert_on_what_the_code_exports(tmp_path: Path, code: str, series: str) -> None:
    rules = f"groups: [{{name: g, rules: [{{alert: A, expr: {series} > 1}}]}}]"
    write(tmp_path, {"app.py": code, "rules.yml": rules})
    assert of(look(CHECK, tmp_path), "alerts.rules").grade is Grade.FOUND
    write(tmp_path, {"app.py": code.replace("a", "b") if series[0] == "a" else "# " + code})
    lost = of(look(CHECK, tmp_path), "alerts.rules")
    assert lost.earned == 0
    assert f"reads {series}, which nothing exports" in lost.message


@pytest.mark.parametrize(
    "code",
    [
        "from collections import Counter\nCounter('a_total')",
        "# TYPE a_total counter",
        "import prometheus_client\nprometheus_client.Counter(NAME, '')",
        "def broken(:",
    ],
)
def test_no_metric(tmp_path: Path, code: str) -> None:
    verdict = look(CHECK, write(tmp_path, {"app.py": code}))
    assert of(verdict, "metrics.count").grade is Grade.MISSING


@pytest.mark.parametrize(
    ("form", "grade"),
    [
        ('{"at": "%(asctime)s", "said": %(message)s}', Grade.FOUND),
        ("%(asctime)s %(message)s", Grade.MISSING),
        ("{asctime} {message}", Grade.MISSING),
    ],
)
def test_a_log_whose_format_is_json(tmp_path: Path, form: str, grade: Grade) -> None:
    code = f"import logging\nlogging.basicConfig(format={form!r})\n"
    assert of(look(CHECK, write(tmp_path, {"app.py": code})), "logs.structured").grade is grade


def test_a_metric_of_a_test_is_not_exported(tmp_path: Path) -> None:
    verdict = look(CHECK, write(tmp_path, {"tests/test_serve.py": CODE}))
    assert verdict.score == 0.0


def test_a_broken_alert_beside_a_good_one_is_a_finding(tmp_path: Path) -> None:
    rules = RULES + "      - alert: Torn\n        expr: rate(prediction_count_total[5m] >\n"
    rules += "      - alert: Renamed\n        expr: predictions_total == 0\n"
    verdict = look(CHECK, write(tmp_path, {**WHOLE, "prometheus/rules.yml": rules}))
    assert verdict.score == 1.0
    found = {place(f): f.message for f in verdict.findings if f.rule.endswith("defect.alert")}
    assert "Torn cannot be read" in found[("prometheus/rules.yml", 10)]
    assert "Renamed reads predictions_total" in found[("prometheus/rules.yml", 12)]


def test_a_recording_rule_of_nothing_records_nothing(tmp_path: Path) -> None:
    rules = RULES.replace("prediction_errors_total", "gone_total")
    verdict = look(CHECK, write(tmp_path, {**WHOLE, "prometheus/rules.yml": rules}))
    assert of(verdict, "alerts.rules").earned == 0
    assert "model:errors:ratio" in of(verdict, "alerts.rules").message


@pytest.mark.parametrize(
    ("changes", "sentence", "line"),
    [
        ({"k8s/monitor.yaml": MONITOR.replace("[model]", "[other]")}, "selects no Service", 5),
        ({"k8s/service.yaml": SERVICE.replace("labels: {app", "labels: {a")}, "no Service", 5),
        ({"k8s/monitor.yaml": MONITOR.replace("[{port: http}]", "[]")}, "names no endpoint", 5),
        ({"k8s/monitor.yaml": MONITOR.replace("Service", "Pod")}, "selects no pod", 5),
    ],
)
def test_a_monitor_of_nothing(
    tmp_path: Path, changes: dict[str, str], sentence: str, line: int
) -> None:
    files = {**WHOLE, **changes}
    del files["prometheus/prometheus.yml"]
    finding = of(look(CHECK, write(tmp_path, files)), "system.scrape")
    assert finding.earned == 0
    assert sentence in finding.message
    assert place(finding) == ("k8s/monitor.yaml", line)


def test_prometheus_that_only_looks_at_itself_is_no_scrape(tmp_path: Path) -> None:
    write(tmp_path, {"prometheus.yml": SCRAPE.replace("model:8080", "localhost:9090")})
    assert of(look(CHECK, tmp_path), "system.scrape").grade is Grade.MISSING


def test_annotations_and_configmaps_count(tmp_path: Path) -> None:
    body = "\n".join("    " + line for line in RULES.splitlines())
    config = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: r}}\ndata:\n  r.yml: |\n{body}\n"
    service = SERVICE.replace("labels: {", 'annotations: {prometheus.io/scrape: "true"}, labels: {')
    verdict = look(CHECK, write(tmp_path, {"serve.py": CODE, "a.yaml": config, "b.yaml": service}))
    assert place(of(verdict, "alerts.rules")) == ("a.yaml", 12)
    assert place(of(verdict, "system.scrape")) == ("b.yaml", 3)


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("chart/templates/rules.yaml", "apiVersion: v1\nkind: {{ .Kind }}", "needs helm"),
        ("rules.yml", "groups:\n- {{ range .Rules }}\n  expr: up", "a key that is itself a list"),
        ("dashboard.json", '{"panels": [', "Expecting value: line 1"),
        ("dashboard.json", '{"panels": ' + "[" * 200_000, "deep"),
    ],
)
def test_templates_and_torn_files_are_unreadable(
    tmp_path: Path, path: str, text: str, why: str
) -> None:
    finding = of(look(CHECK, write(tmp_path, {path: text})), "unreadable")
    assert why in finding.message
    assert (place(finding) or ("", None))[0] == path


def test_a_panel_of_another_source_is_not_ours(tmp_path: Path) -> None:
    panel = {"datasource": {"type": "loki"}, "expr": '{app="x"} |= "e"'}
    text = json.dumps({"panels": [{"title": "log", "targets": [panel]}]})
    verdict = look(CHECK, write(tmp_path, {"d.json": text}))
    assert of(verdict, "dashboard.panels").grade is Grade.MISSING


@pytest.mark.parametrize(
    ("name", "kind", "signal"),
    [
        ("prediction_latency", "histogram", "latency"),
        ("http_requests", "counter", "count"),
        ("prediction_errors_total", "counter", "errors"),
        ("model_accuracy", "gauge", "quality"),
        ("widgets", "counter", "count"),
        ("queue_depth", "gauge", None),
    ],
)
def test_signals(name: str, kind: str, signal: str | None) -> None:
    assert signal_of(name, kind) == signal


@given(st.sets(st.sampled_from(sorted(WHOLE))), st.sampled_from(sorted(WHOLE)))
@settings(max_examples=40)
def test_removing_any_file_never_raises_the_score(kept: set[str], removed: str) -> None:
    files = {name: WHOLE[name] for name in kept | {removed}}
    require_removal_never_helps(lambda root: look(CHECK, root), files, removed)


@pytest.mark.parametrize(
    "path", sorted(p for p in LENDING.rglob("*") if p.is_file()), ids=lambda p: p.name
)
def test_of_the_example_neither(path: Path, lending: Path) -> None:
    if "__pycache__" in path.parts:
        return
    before = look(CHECK, lending).score
    (lending / path.relative_to(LENDING)).unlink()
    after = look(CHECK, lending).score
    assert before == pytest.approx(0.85)
    assert before is not None
    assert after is not None
    assert after <= before
    if path.name in {"serve.py", "podmonitor.yaml", "alerts.yaml", "dashboard.json"}:
        assert after < before
