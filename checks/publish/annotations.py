"""Findings as a check run's annotations, in batches that GitHub takes. Pure."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from checks.publish.text import clean, cut
from checks.report import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from checks.report import Finding, Report

BATCH = 50  # annotations a request; GitHub's limit
MOST = 200  # what a person may still read through; the comment holds the rest
_LEVELS = {Severity.CRITICAL: "failure", Severity.MAJOR: "warning"}
_ORDER = [Severity.CRITICAL, Severity.MAJOR, Severity.MINOR, Severity.INFO]


@dataclass(frozen=True)
class Annotation:
    """`level`: notice, warning or failure; `path` relative to the repository's root."""

    path: str
    line: int
    level: str
    title: str
    message: str

    def body(self) -> dict[str, str | int]:
        """As the checks API takes it."""
        return {
            "path": self.path,
            "start_line": self.line,
            "end_line": self.line,
            "annotation_level": self.level,
            "title": self.title,
            "message": self.message,
        }


def annotations_of(report: Report, *, root: str = "") -> tuple[Annotation, ...]:
    """The findings that cost something and have a line, worst first, at most `MOST`.

    `root` is the judged folder relative to the repository's root.
    """
    findings = [finding for verdict in report.verdicts for finding in verdict.findings]
    worst_first = sorted(findings, key=lambda finding: _ORDER.index(finding.severity))
    found = (_annotation(finding, root) for finding in worst_first if _costs(finding))
    return tuple(itertools.islice((each for each in found if each), MOST))


def batches(annotations: Iterable[Annotation]) -> Iterator[list[Annotation]]:
    """The annotations in lists of at most `BATCH`."""
    rest = iter(annotations)
    while batch := list(itertools.islice(rest, BATCH)):
        yield batch


def _costs(finding: Finding) -> bool:
    return finding.earned < finding.worth or finding.severity is Severity.CRITICAL


def _annotation(finding: Finding, root: str) -> Annotation | None:
    where = finding.where
    if where is None or where.line is None or where.line < 1:
        return None
    path = PurePosixPath(root) / clean(where.path)
    if path.is_absolute() or ".." in path.parts:
        return None
    advice = f"\n{finding.recommendation}" if finding.recommendation else ""
    return Annotation(
        path=str(path),
        line=where.line,
        level=_LEVELS.get(finding.severity, "notice"),
        title=cut(clean(finding.rule), 250),
        message=cut(clean(finding.message + advice), 4000) or finding.rule,
    )
