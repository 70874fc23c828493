"""From findings to one check's verdict: the arithmetic that all checks share. Pure.

Used by the checks' `judge`. A finding's `worth` is its share of the score and `earned` what it
brought; the score is what was earned of what could be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from checks.report import Finding, Grade, Severity, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from checks.config import Declaration

DECLARED_WORTH = 0.5  # a declaration without evidence is worth half
_ORDER = (Severity.CRITICAL, Severity.MAJOR, Severity.MINOR, Severity.INFO)


class Limits(Protocol):
    """The part of every check's settings that turns a score into passed and critical."""

    @property
    def passed_at(self) -> float:
        """The least score that passes."""

    @property
    def critical_below(self) -> float:
        """Below this score the check is critical by itself."""


def score_of(findings: Iterable[Finding]) -> float:
    """What was earned of what could be earned, from 0 to 1; 0 when nothing gives points."""
    pairs = [(finding.earned, finding.worth) for finding in findings]
    worth = sum(worth for _, worth in pairs)
    return round(min(1.0, sum(earned for earned, _ in pairs) / worth), 6) if worth > 0 else 0.0


def verdict(
    name: str,
    findings: Sequence[Finding],
    limits: Limits,
    message: str,
    score: float | None = None,
) -> Verdict:
    """The verdict on findings; `score` overrides the plain sum where a check scores otherwise."""
    value = score_of(findings) if score is None else round(score, 6)
    unread = sum(finding.rule == f"{name}.unreadable" for finding in findings)
    if unread:  # said first: what is missing may well stand there
        message += f"; {unread} file{'s' if unread > 1 else ''} could not be read"
    ordered = sort(findings)
    critical = value < limits.critical_below or any(
        finding.severity is Severity.CRITICAL for finding in findings
    )
    return Verdict(
        check_name=name,
        passed=value >= limits.passed_at and not critical,
        score=value,
        message=message,
        critical=critical,
        recommendations=recommendations(ordered),
        findings=ordered,
    )


def unjudged(name: str, rule: str, why: str, fix: str) -> Verdict:
    """The verdict of a critical check that could not be judged: it fails closed."""
    finding = Finding(rule, Grade.MISSING, Severity.CRITICAL, why, 1.0, 0.0, None, fix)
    return Verdict(
        check_name=name,
        passed=False,
        score=None,
        message=why,
        critical=True,
        recommendations=(fix,),
        findings=(finding,),
    )


def declared(rule: str, worth: float, declaration: Declaration) -> Finding:
    """The finding of an item that is only declared: half its worth, and said so."""
    return Finding(
        rule,
        Grade.DECLARED,
        Severity.MINOR,
        f"declared, not found: {declaration.sentence}",
        worth,
        worth * DECLARED_WORTH,
        declaration.where,
        None,
    )


def sort(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Most severe first, then by what is lost, otherwise as given."""
    return tuple(sorted(findings, key=lambda f: (_ORDER.index(f.severity), f.earned - f.worth)))


def recommendations(findings: Iterable[Finding]) -> tuple[str, ...]:
    """What to do, once each, in the order of the findings."""
    return tuple(dict.fromkeys(f.recommendation for f in findings if f.recommendation))
