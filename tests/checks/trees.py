"""Small repositories made of texts, and one check's verdict on them without running a model."""

from __future__ import annotations

import tempfile
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from checks import catalog
from checks.check import Context
from checks.config import Config, waivable
from checks.evidence import repository

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from checks.report import Finding, Verdict


def write(root: Path, files: Mapping[str, str]) -> Path:
    """Writes the files, whose names are paths below `root`."""
    for name, text in files.items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return root


def look(check: Any, root: Path, config: Config | None = None) -> Verdict:
    """The verdict of a check that only reads the tree."""
    config = config or Config()
    context = Context(repository.scan(root), config, cast("Any", None))
    return require_known_rules(check.judge(check.collect(context), config))


def require_known_rules(verdict: Verdict) -> Verdict:
    """The same verdict, when a waiver may name the rule of each of its findings."""
    check = catalog.find(verdict.check_name)
    known = (*waivable(check), f"{check.name}.budget")  # the last is of the run, not of a check
    odd = {f.rule for f in verdict.findings if not any(fnmatchcase(f.rule, k) for k in known)}
    assert not odd, f"not among the rules of {check.name}: {sorted(odd)}"
    return verdict


def of(verdict: Verdict, rule: str) -> Finding:
    """The first finding of a rule, given without the check's name."""
    return next(f for f in verdict.findings if f.rule == f"{verdict.check_name}.{rule}")


def place(finding: Finding) -> tuple[str, int | None] | None:
    """Where a finding points."""
    return (finding.where.path, finding.where.line) if finding.where else None


def require_not_better(less: Verdict, more: Verdict) -> None:
    """That the verdict on less evidence has no higher score than the one on more."""
    assert less.score is not None
    assert more.score is not None
    assert less.score <= more.score


def require_removal_never_helps(
    judged: Callable[[Path], Verdict], files: Mapping[str, str], removed: str
) -> None:
    """That a tree of these files does not score higher without one of them."""
    with tempfile.TemporaryDirectory() as folder:
        root = write(Path(folder), files)
        more = judged(root)
        (root / removed).unlink()
        require_not_better(judged(root), more)
