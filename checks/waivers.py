"""What a waiver changes in a verdict: one finding no longer makes the check critical. Pure.

Called by `checks.run` after every check has been judged. The points stay as they are: what is
missing is still missing, so a waiver can raise no score, and a check whose score is too low stays
critical. A check that could not be judged cannot be waived. The day is an argument: the report's.
"""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING

from checks.report import Finding, Severity, Verdict
from checks.scoring import recommendations, sort

if TYPE_CHECKING:
    import datetime
    from collections.abc import Sequence

    from checks.config import Waiver
    from checks.scoring import Limits

_WAIVED = frozenset({Severity.CRITICAL, Severity.MAJOR})


def apply(
    verdict: Verdict, waivers: Sequence[Waiver], day: datetime.date, limits: Limits
) -> Verdict:
    """The verdict with the waivers that count on that day; the same one when none does."""
    if verdict.score is None:
        return verdict
    findings = [_waived(finding, waivers, day) for finding in verdict.findings]
    if findings == list(verdict.findings):
        return verdict
    before, after = _criticals(verdict.findings), _criticals(findings)
    # What made it critical by other means than a finding still does.
    lifted = before > 0 and after == 0 and verdict.score >= limits.critical_below
    critical = verdict.critical and not lifted
    ordered = sort(findings)
    return replace(
        verdict,
        findings=ordered,
        critical=critical,
        passed=verdict.passed or (lifted and verdict.score >= limits.passed_at),
        recommendations=recommendations(ordered),
    )


def notes(
    waivers: Sequence[Waiver], verdicts: Sequence[Verdict], day: datetime.date
) -> tuple[str, ...]:
    """One sentence for each waiver whose check was judged: what it says, and whether it counts."""
    return tuple(
        _note(waiver, verdict, day)
        for waiver in waivers
        for verdict in verdicts
        if verdict.check_name == waiver.rule.partition(".")[0]
    )


def _criticals(findings: Sequence[Finding]) -> int:
    return sum(finding.severity is Severity.CRITICAL for finding in findings)


def _waived(finding: Finding, waivers: Sequence[Waiver], day: datetime.date) -> Finding:
    waiver = next((each for each in waivers if each.holds(finding.rule, day)), None)
    if waiver is None or finding.severity not in _WAIVED:
        return finding
    message = f"{finding.message} [waived until {waiver.expires} by {waiver.owner}]"
    return replace(finding, severity=Severity.MINOR, message=message, recommendation=None)


def _note(waiver: Waiver, verdict: Verdict, day: datetime.date) -> str:
    place = f"{waiver.where.path}:{waiver.where.line}: " if waiver.where else ""
    lead = f"{place}{waiver.rule} is waived until {waiver.expires} by {waiver.owner}"
    said = f"{lead}: {waiver.reason}"
    if not waiver.holds(waiver.rule, day):
        return f"{said}. That day has come, so it counts no longer; mend it or decide anew."
    rules = [finding.rule for finding in verdict.findings]
    if waiver.rule not in rules:
        nearest = difflib.get_close_matches(waiver.rule, rules, n=1)
        hint = f" (the nearest is {nearest[0]})" if nearest else ""
        return f"{said}. No finding has this rule now{hint}, so it can go."
    if verdict.score is None:
        return f"{said}. It changes nothing: what could not be judged cannot be waived."
    return f"{said}. Points stay lost."
