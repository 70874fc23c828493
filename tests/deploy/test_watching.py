"""Alert rules and dashboard: what they name exists, and the alerts that page do."""

from __future__ import annotations

import inspect
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollouts.model import decision
from rollouts.reasons import Reason
from tests.deploy.generate import DEPLOY, ROOT
from tests.rollouts.test_process import exported

Json = dict[str, Any]
RULES_FILE = DEPLOY / "prometheus/holdpoint.rules.yaml"
RULES: list[Json] = yaml.safe_load(RULES_FILE.read_text())["groups"][0]["rules"]
DASHBOARD: Json = json.loads((DEPLOY / "grafana/holdpoint.dashboard.json").read_text())
OF_THE_PROCESS = {"process_resident_memory_bytes", "process_cpu_seconds_total"}
RUNBOOK = (ROOT / "docs/how-to/runbook.md").read_text()


def expressions() -> list[str]:
    panels = [t["expr"] for panel in DASHBOARD["panels"] for t in panel["targets"]]
    return [*(rule["expr"] for rule in RULES), *panels]


def names_in(expression: str) -> set[str]:
    found = set(re.findall(r"\b(?:holdpoint|process)_\w+", expression))
    return {re.sub(r"(_seconds)_(bucket|sum|count)$", r"\1", name) for name in found}


@pytest.mark.parametrize("expression", expressions())
def test_every_metric_that_is_named_is_exported(expression: str) -> None:
    named = names_in(expression)
    assert named
    assert named <= exported() | OF_THE_PROCESS


def test_every_decision_that_is_named_exists() -> None:
    text = " ".join(expressions())
    decisions = set(re.findall(r'decision="(\w+)"', text))
    assert decisions
    assert decisions <= {name for name, _ in inspect.getmembers(decision, inspect.isclass)}


def test_the_runbook_names_codes_that_exist() -> None:
    named = set(re.findall(r"^\| `(\w+)` \|", RUNBOOK, flags=re.MULTILINE))
    assert len(named) > 10
    assert named <= {reason.value for reason in Reason}


def test_what_must_wake_somebody_does() -> None:
    paging = {rule["alert"] for rule in RULES if rule["labels"]["severity"] == "page"}
    needed = {"AbortNotConfirmed", "NoLeader", "MetricsUnreadable", "RollbackBlocked"}
    assert {f"Holdpoint{name}" for name in needed} <= paging


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_has_words_and_a_place_in_the_runbook(rule: Json) -> None:
    assert set(rule["annotations"]) == {"summary", "description"}
    assert f"### {rule['alert']}\n" in RUNBOOK


def test_the_dashboards_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not taken & cells, panel["title"]
        taken |= cells
    assert max(x for x, _ in taken) < 24
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)


def promtool(*arguments: str) -> None:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool comes with Debian's package `prometheus`")
    done = subprocess.run([found, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_rules() -> None:
    promtool("check", "rules", str(RULES_FILE))


def test_the_alerts_fire_when_they_should_and_only_then() -> None:
    promtool("test", "rules", str(Path(__file__).with_name("holdpoint.rules.test.yaml")))


def test_prometheus_understands_the_dashboards_queries(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": written.replace("$__rate_interval", "1m")}
        for number, written in enumerate(expressions())
    ]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", str(file))
