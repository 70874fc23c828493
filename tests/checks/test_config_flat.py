"""The older, flat kind of configuration loads unchanged; what it declares counts half."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from checks import catalog, config, config_flat
from checks.errors import ConfigError

if TYPE_CHECKING:
    from checks.check import Check
    from checks.config import Config

FLAT = """\
performance_thresholds: {accuracy: 0.9, precision: 0.7, recall: 0.7, f1_score: 0.75}
latency_thresholds: {mean: 50, p95: 150, p99_ms: 400}
memory_threshold_mb: 64
preprocessing: {missing_value_handling: true, feature_scaling: true, saved: true}
data_validation: {schema: true}
data_versioning_enabled: true
protected_attributes: [gender, age]
fairness_threshold: 0.1
interpretability: {shap_enabled: true, lime_enabled: false, store_explanations: true,
  explanation_api: true}
horizontal_scaling_enabled: true
load_balancing_configured: true
caching: {enabled: true, ttl_seconds: 60, backend: redis}
batch_processing_enabled: true
auto_scaling_configured: true
distributed_inference_enabled: false
monitoring: {metrics: [prediction_latency], alerting_enabled: true, dashboard_configured: true,
  structured_logging: true, drift_detection_enabled: true}
deployment:
  containerized: true
  cicd_configured: true
  rollback_enabled: true
  advanced_deployment: false
  health_checks: true
model_documentation: true
api_documentation: docs/api.md
deployment_guide: true
troubleshooting_guide: true
monitoring_guide: true
onboarding_guide: true
testing: {unit_tests: true, integration_tests: true, performance_tests: true, model_tests: true,
  security_tests: true, coverage_reporting: true}
security: {authentication_enabled: true, authorization_enabled: true, input_validation: true,
  encryption_enabled: true, audit_logging: true, vulnerability_scanning: true}
"""


def load(text: str, name: str = "holdpoint.yml") -> Config:
    """The configuration with this version's checks."""
    return config.load(text.encode(), name, catalog.discover())


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_every_key_of_the_older_kind_loads(form: str) -> None:
    assert set(yaml.safe_load(FLAT)) == set(config_flat.TABLE)
    text = FLAT if form == "yaml" else json.dumps(yaml.safe_load(FLAT), indent="\t")
    found = load(text, f"holdpoint.{form}")
    performance = found.of(catalog.find("model_performance"))
    assert (performance.accuracy, performance.precision, performance.f1) == (0.9, 0.7, 0.75)
    speed = found.of(catalog.find("inference_performance"))
    assert (speed.mean_ms, speed.p95_ms, speed.p99_ms, speed.memory_growth_mb) == (50, 150, 400, 64)
    said = {each.item for each in found.declarations if each.item.startswith("deployment.")}
    assert said == {f"deployment.{i}" for i in ("container", "cicd", "rollback", "health")}


def test_what_was_declared_is_shown_as_declared_with_its_line() -> None:
    found = load(FLAT)
    declaration = found.declared("deployment.rollback")
    assert declaration is not None
    assert declaration.sentence == "deployment.rollback_enabled is set in holdpoint.yml"
    assert declaration.where is not None
    assert declaration.where.line == FLAT[: FLAT.index("rollback_enabled")].count("\n") + 1
    assert "deployment.rollback_enabled" in found.notes[0]
    assert "counts half" in found.notes[0]


def test_what_no_check_of_this_version_looks_at_is_kept_and_said() -> None:
    checks = (catalog.find("deployment"),)
    found = config.load(FLAT.encode(), "holdpoint.yml", checks)
    for key in ("fairness_threshold", "memory_threshold_mb", "performance_thresholds.accuracy"):
        assert any(f"{key} (line " in note and "changes nothing" in note for note in found.notes)
    assert not found.settings


@pytest.mark.parametrize("check", catalog.discover(), ids=lambda check: check.name)
def test_each_key_finds_its_place_in_the_checks_that_exist(check: Check) -> None:
    """A failure: add the item's or setting's name to the row of `checks.config_flat.TABLE`."""
    assert not [note for note in load(FLAT).notes if f"is kept for {check.name} " in note]


def test_both_kinds_in_one_file_and_never_the_same_twice() -> None:
    both = load("model: {path: m.pkl}\nperformance_thresholds: {accuracy: 0.9}\n")
    assert both.model.path == "m.pkl"
    assert both.origins["checks.model_performance.accuracy"] == 2
    text = "checks: {model_performance: {accuracy: 0.8}}\nperformance_thresholds: {accuracy: 0.9}"
    with pytest.raises(ConfigError, match=r":2: performance_thresholds.accuracy says the same as"):
        load(text)


@pytest.mark.parametrize(
    ("text", "declared"),
    [
        ("deployment: {rollback_enabled: false}", False),
        ("deployment: {rollback_enabled: }", False),
        ("deployment: {rollback_enabled: 0}", False),
        ("deployment: {rollback_enabled: 'no'}", False),
        ("deployment: {rollback_enabled: []}", False),
        ("deployment: {rollback_enabled: {enabled: false, path: x}}", False),
        ("deployment: {rollback_enabled: {enabled: true}}", True),
        ("deployment: {rollback_enabled: docs/rollback.md}", True),
        ("deployment: {rollback_enabled: true}", True),
    ],
)
def test_only_what_is_said_is_declared(text: str, declared: bool) -> None:
    assert (load(text).declared("deployment.rollback") is not None) is declared


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("deployment: {rolback_enabled: true}", "did you mean 'rollback_enabled'?"),
        ("performance_thresholds: {acuracy: 0.9}", "did you mean 'accuracy'?"),
        ("performance_thresholds: {accuracy: 90}", "performance_thresholds.accuracy is 90, expec"),
        ("latency_thresholds: [1]", "latency_thresholds is a list, expected a mapping"),
        ("fairnes_threshold: 0.1", "did you mean 'fairness_threshold'?"),
        ("security: true", "security is true or false, expected a mapping"),
    ],
)
def test_mistakes_are_named(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert expected in str(caught.value)
    assert str(caught.value).startswith("holdpoint.yml:1: ")
