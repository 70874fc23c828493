"""The unready example: the report says what its hand-written list says, no more and no less."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from checks import catalog
from checks.report import Report, Severity
from tests.checks.conftest import judge
from tests.checks.histories import EXAMPLES, copy_of

UNREADY = EXAMPLES / "unready"
Line = tuple[str, str, str]  # rule, where, severity
OF_THE_MACHINE = "inference_performance.samples"  # said where it is too busy for every call


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The example in a history where the model is newer than its pages."""
    return judge(copy_of("unready", tmp_path_factory.mktemp("cases") / "unready", "model"))


def written() -> dict[str, Any]:
    """The list, by check and rule."""
    found: dict[str, Any] = yaml.safe_load((UNREADY / "findings.yml").read_text())
    return found


def expected() -> Iterator[Line]:
    """One for each line of the list."""
    for check, rules in written().items():
        for rule, said in rules.items():
            for where, severity, why in said if isinstance(said[0], list) else [said]:
                assert why, f"{check}.{rule} says why"
                yield f"{check}.{rule}", where, severity


def seen(report: Report) -> Iterator[Line]:
    """One for each finding."""
    for finding in (each for verdict in report.verdicts for each in verdict.findings):
        if finding.rule == OF_THE_MACHINE:
            continue
        where = "-"
        if finding.where is not None:
            line = f":{finding.where.line}" if finding.where.line is not None else ""
            where = f"{finding.where.path}{line}"
        yield finding.rule, where, finding.severity.value


def test_every_finding_is_one_that_was_written_down(report: Report) -> None:
    wanted, found = Counter(expected()), Counter(seen(report))
    assert sorted((found - wanted).elements()) == [], "nobody wrote these down"
    assert sorted((wanted - found).elements()) == [], "these were not found"


def test_the_list_is_about_every_check(report: Report) -> None:
    assert list(written()) == [check.name for check in catalog.discover()]


def test_it_is_not_ready_and_no_check_passes_by_mistake(report: Report) -> None:
    assert not report.is_ready
    assert report.overall_score is not None
    assert report.overall_score < 0.25
    assert [verdict.check_name for verdict in report.verdicts if verdict.passed] == []


def test_the_most_dangerous_is_said_first(report: Report) -> None:
    first = report.recommendations[:3]
    assert any("config/settings.yml: revoke" in each for each in first)
    assert any("encoder.pkl: do not load it" in each for each in first)
    critical = [f for v in report.verdicts for f in v.findings if f.severity is Severity.CRITICAL]
    assert len(report.critical_issues) >= len(critical)


def test_an_expired_waiver_lifts_nothing_and_is_shown(report: Report) -> None:
    assert any("security.secret" in note and "2024-02-01" in note for note in report.notes)
    assert any("settings.yml holds" in issue for issue in report.critical_issues)


def test_the_committed_files_are_what_the_scripts_make(tmp_path: Path) -> None:
    copy = copy_of("unready", tmp_path / "unready")
    made = ["data/training.csv", "data/evaluation.csv", "model/approval.pkl"]
    made.append("artifacts/encoder.pkl")
    before = {name: (copy / name).read_bytes() for name in made}
    for name in made:
        (copy / name).unlink()
    for script in ("prepare.py", "train.py"):
        subprocess.run([sys.executable, script], cwd=copy, check=True, capture_output=True)
    assert {name: (copy / name).read_bytes() for name in made} == before
