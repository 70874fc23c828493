"""What the readiness tests share: copies of the lending example, and judging one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from checks import run
from checks.base import objects, rules
from checks.report import Finding, Report, Verdict
from tests.checks.trees import require_known_rules
from tests.patience import patient

LENDING = Path(__file__).resolve().parents[2] / "examples" / "lending"
Judge = Callable[..., Report]


@pytest.fixture
def lending(tmp_path: Path) -> Path:
    """A copy of the example that a test may damage."""
    ignore = shutil.ignore_patterns("__pycache__")
    return shutil.copytree(LENDING, tmp_path / "lending", ignore=ignore)


def judge(root: Path, *only: str, base: str | None = None) -> Report:
    """Judges a repository as the command line does, but for the limits on this machine's speed."""
    if base is not None:
        found = rules.of_change(objects.find(root, base), run.find_config(root))
        options = run.Options(only=only, against=found.against, notes=found.notes)
        return conforming(run.run(root, config=found.config, options=options))
    payload, name = run.find_config(root) or (b"", "holdpoint.yml")
    config = run.load_config(patient(payload) if name.endswith(".yml") else payload, name)
    return conforming(run.run(root, config=config, options=run.Options(only=only)))


def conforming(report: Report) -> Report:
    """The same report, when every finding's rule is one that its check names."""
    for verdict in report.verdicts:
        require_known_rules(verdict)
    return report


def verdict_of(report: Report, name: str) -> Verdict:
    """The verdict of one check."""
    return next(verdict for verdict in report.verdicts if verdict.check_name == name)


def finding_of(report: Report, rule: str) -> Finding:
    """The first finding of a rule."""
    findings = [f for verdict in report.verdicts for f in verdict.findings]
    return next(finding for finding in findings if finding.rule == rule)
