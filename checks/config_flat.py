"""The older, flat kind of configuration, read as it is: thresholds and booleans at the top level.

Called by `checks.config`. A threshold becomes the setting of the check that it belongs to; a
boolean becomes a declaration, which is worth half and is shown as declared. What belongs to a check
that this version does not have is kept and said, never lost in silence. It judges nothing.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_type_hints

from checks.config_reader import is_empty

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.check import Check
    from checks.config_reader import Reader
    from checks.yaml_nodes import Node

ANY = "*"  # a section whose keys are the repository's own
_NO = frozenset({"", "no", "none", "false", "off", "disabled"})


@dataclass(frozen=True)
class Target:
    """Where a flat key belongs: a check and the names its setting or item may have there."""

    check: str
    names: tuple[str, ...]
    declares: bool = True


def _item(check: str, *names: str) -> Target:
    return Target(check, names)


def _setting(check: str, *names: str) -> Target:
    return Target(check, names, declares=False)


def _metric(name: str, *aliases: str) -> dict[str, Target]:
    return dict.fromkeys((name, *aliases), _setting("model_performance", name))


def _latency(name: str, *aliases: str) -> dict[str, Target]:
    keys = [f"{each}{end}" for each in (name, *aliases) for end in ("", "_ms", "_latency_ms")]
    return dict.fromkeys(keys, _setting("inference_performance", f"{name}_ms"))


# The item of each boolean of these sections; every other key of them is the last row's.
PREPROCESSING = {
    "missing": _item("data_quality", "missing", "missing_values"),
    "imput": _item("data_quality", "missing", "missing_values"),
    "scal": _item("data_quality", "scaling", "feature_scaling"),
    "normal": _item("data_quality", "scaling", "feature_scaling"),
    "outlier": _item("data_quality", "outliers"),
    ANY: _item("data_quality", "preprocessing"),
}
TABLE: Mapping[str, Target | Mapping[str, Target]] = {
    "performance_thresholds": {
        **_metric("accuracy"),
        **_metric("precision"),
        **_metric("recall"),
        **_metric("f1", "f1_score"),
        **_metric("roc_auc", "auc", "auc_roc"),
        **_metric("log_loss"),
        **_metric("ece"),
        **_metric("r2", "r2_score"),
        **_metric("mae"),
        **_metric("rmse"),
    },
    "latency_thresholds": {
        **_latency("mean", "avg", "average"),
        **_latency("p95"),
        **_latency("p99"),
    },
    "memory_threshold_mb": _setting("inference_performance", "memory_growth_mb"),
    "preprocessing": PREPROCESSING,
    "data_validation": {ANY: _item("data_quality", "validation")},
    "data_versioning_enabled": _item("data_quality", "versioning"),
    "protected_attributes": _setting("model_fairness", "protected_attributes", "protected"),
    "fairness_threshold": _setting(
        "model_fairness", "threshold", "demographic_parity", "demographic_parity_difference"
    ),
    "interpretability": {
        "shap_enabled": _item("model_interpretability", "shap", "shap_or_lime", "explainers"),
        "lime_enabled": _item("model_interpretability", "shap", "shap_or_lime", "explainers"),
        "store_explanations": _item("model_interpretability", "stored"),
        "explanation_api": _item("model_interpretability", "served"),
    },
    "horizontal_scaling_enabled": _item("scalability", "horizontal"),
    "load_balancing_configured": _item("scalability", "load_balancing", "balancing"),
    "caching": {ANY: _item("scalability", "caching")},
    "batch_processing_enabled": _item("scalability", "batching"),
    "auto_scaling_configured": _item("scalability", "autoscaling"),
    "distributed_inference_enabled": _item("scalability", "distributed"),
    "monitoring": {
        "metrics": _item("monitoring", "metrics"),
        "alerting_enabled": _item("monitoring", "alerts", "alerting"),
        "dashboard_configured": _item("monitoring", "dashboard", "dashboards"),
        "structured_logging": _item("monitoring", "logs", "structured_logs", "logging"),
        "drift_detection_enabled": _item("monitoring", "drift"),
    },
    "deployment": {
        "containerized": _item("deployment", "container"),
        "cicd_configured": _item("deployment", "cicd"),
        "rollback_enabled": _item("deployment", "rollback"),
        "advanced_deployment": _item("deployment", "advanced"),
        "health_checks": _item("deployment", "health"),
    },
    "model_documentation": _item("documentation", "model"),
    "api_documentation": _item("documentation", "api"),
    "deployment_guide": _item("documentation", "deployment"),
    "troubleshooting_guide": _item("documentation", "troubleshooting"),
    "monitoring_guide": _item("documentation", "monitoring"),
    "onboarding_guide": _item("documentation", "onboarding"),
    "testing": {
        "unit_tests": _item("testing", "unit"),
        "integration_tests": _item("testing", "integration"),
        "performance_tests": _item("testing", "performance"),
        "model_tests": _item("testing", "model"),
        "security_tests": _item("testing", "security"),
        "coverage_reporting": _item("testing", "coverage"),
    },
    "security": {
        "authentication_enabled": _item("security", "authentication"),
        "authorization_enabled": _item("security", "authorisation", "authorization"),
        "input_validation": _item("security", "input_validation", "validation"),
        "encryption_enabled": _item("security", "encryption"),
        "audit_logging": _item("security", "audit_log", "audit", "audit_logging"),
        "vulnerability_scanning": _item("security", "scanning"),
    },
}


@dataclass(frozen=True)
class Said:
    """One thing that is declared: "<check>.<item>", the key that says so, and its line."""

    item: str
    key: str
    line: int
    link: str | None = None


@dataclass
class Flat:
    """What the flat keys said: settings by check, declarations, and what is kept for later."""

    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    kept: list[tuple[str, int, str]] = field(default_factory=list)  # key, line, check
    denied: set[str] = field(default_factory=set)  # items that some key of theirs denies


def read(root: Node, reader: Reader, checks: tuple[Check, ...]) -> Flat:
    """The flat keys of a configuration. Raises ConfigError."""
    reading = _Reading(reader, {check.name: check for check in checks})
    for key, node in root.items():
        entry = TABLE.get(key)
        if entry is None or is_empty(node):
            continue
        if isinstance(entry, Target):
            reading.one(key, node, entry)
        elif ANY in entry:
            reading.open_section(key, node, entry)
        else:
            reader.known_keys(node, key, entry)
            for name, child in node.items():
                if not is_empty(child):
                    reading.one(f"{key}.{name}", child, entry[name])
    flat = reading.flat
    flat.said = [each for each in flat.said if each.item not in flat.denied]
    return flat


def notes(flat: Flat, source: str) -> tuple[str, ...]:
    """What a reader of the report should know about the flat keys, in sentences."""
    found = []
    if flat.said:
        declared = ", ".join(dict.fromkeys(each.key for each in flat.said))
        found.append(
            f"{source} declares {declared}: without evidence in the repository that counts half."
        )
    by_check: dict[str, list[str]] = {}
    for key, line, check in flat.kept:
        by_check.setdefault(check, []).append(f"{key} (line {line})")
    for check, keys in by_check.items():
        found.append(
            f"{source}: {', '.join(keys)} is kept for {check} and changes nothing: "
            "this version looks at nothing of that name."
        )
    return tuple(found)


@dataclass(frozen=True)
class _Reading:
    """One pass over the flat keys."""

    reader: Reader
    checks: Mapping[str, Check]
    flat: Flat = field(default_factory=Flat)

    def one(self, key: str, node: Node, target: Target) -> None:
        """A key that belongs to one setting or item; without such a check it is kept."""
        check = self.checks.get(target.check)
        name = _name_in(check, target)
        if check is None or name is None:
            self.flat.kept.append((key, node.line, target.check))
        elif target.declares:
            self._declare(key, node, f"{check.name}.{name}")
        else:
            self._set(key, node, check, name)

    def open_section(self, key: str, node: Node, entries: Mapping[str, Target]) -> None:
        """A section whose keys are free: one that is false denies the item that it belongs to."""
        if node.mapping is None:
            self.one(key, node, entries[ANY])
            return
        self.reader.known_keys(node, key, node.mapping)
        for name, child in node.items():
            target = entries[next((part for part in entries if part in name.lower()), ANY)]
            if not is_empty(child):
                self.one(f"{key}.{name}", child, target)
            if child.scalar is False:
                self.flat.denied |= {f"{target.check}.{item}" for item in target.names}

    def _set(self, key: str, node: Node, check: Check, name: str) -> None:
        path = f"checks.{check.name}.{name}"
        if path in self.reader.origins:
            line = self.reader.origins[path]
            raise self.reader.error(node, key, f"says the same as line {line}; keep one of them")
        self.reader.origins[path] = node.line
        hint = get_type_hints(check.settings)[name]
        (about,) = (f.metadata for f in dataclasses.fields(check.settings) if f.name == name)
        value = self.reader.value(node, key, hint, about)
        self.flat.settings.setdefault(check.name, {})[name] = value

    def _declare(self, key: str, node: Node, item: str) -> None:
        """True, a text or a list that is not empty says that it is there; false says nothing."""
        link = node.scalar if isinstance(node.scalar, str) else None
        states = [child.scalar for child in (node.mapping or {}).values()]
        if link is not None:
            said = link.strip().lower() not in _NO
        elif node.mapping is not None:
            said = True in states and False not in states
        else:
            said = node.scalar is True or bool(node.sequence)
        if said:
            self.flat.said.append(Said(item, key, node.line, link))


def _name_in(check: Check | None, target: Target) -> str | None:
    """The setting's or item's name in this version of the check."""
    if check is None:
        return None
    known = set(check.items)
    if not target.declares:
        known = {each.name for each in dataclasses.fields(check.settings)}
    return next((each for each in target.names if each in known), None)
