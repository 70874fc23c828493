"""How the reports for people show a change against the base: one way for all of them. Pure.

A check that got worse comes first, the worst of them on top. What could not be judged counts as
nothing, as in the overall score.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checks.report import BaseCheck, Report, Verdict

SAME = 0.005  # a difference that two digits do not show


def ordered(report: Report) -> tuple[Verdict, ...]:
    """The verdicts: those that got worse first, by how much; the others as they were."""
    worse = [verdict for verdict in report.verdicts if got_worse(report, verdict)]
    worse.sort(key=lambda verdict: _difference(verdict, before(report, verdict)))
    return (*worse, *(verdict for verdict in report.verdicts if verdict not in worse))


def got_worse(report: Report, verdict: Verdict) -> bool:
    """Whether the score fell, or the check is critical and was not."""
    base = before(report, verdict)
    if base is None or not verdict.applicable:
        return False
    return _difference(verdict, base) <= -SAME or (verdict.critical and not base.critical)


def change(report: Report, verdict: Verdict) -> str:
    """The change of one check's score with an arrow; empty where nothing is compared."""
    if report.base is None:
        return ""
    base = before(report, verdict)
    if base is None:
        return "not compared" if report.base.models else "new"
    if verdict.applicable != base.applicable:
        return "applies now" if verdict.applicable else "n/a now"
    difference = _difference(verdict, base)
    if verdict.critical and not base.critical:
        return f"▼ {difference:+.2f}, now critical"
    return shown(difference)


def overall(report: Report) -> str:
    """The change of the overall score in words; empty where nothing is compared."""
    if report.base is None:
        return ""
    before_it = report.base.overall_score
    if before_it is None or report.overall_score is None:
        return f"compared with {report.base.ref} in parts"
    difference = shown(report.overall_score - before_it)
    return f"{'same as' if difference == '=' else difference + ' against'} {report.base.ref}"


def shown(difference: float) -> str:
    """A difference with its arrow."""
    if abs(difference) < SAME:
        return "="
    return f"{'▲' if difference > 0 else '▼'} {difference:+.2f}"


def remarks(report: Report) -> tuple[str, ...]:
    """What was not compared and why, and what the change edits in its own rules and rows."""
    return () if report.base is None else (*report.base.why, *report.base.changes)


def before(report: Report, verdict: Verdict) -> BaseCheck | None:
    """What the same check said of the base."""
    checks = report.base.checks if report.base else ()
    return next((each for each in checks if each.check_name == verdict.check_name), None)


def _difference(verdict: Verdict, base: BaseCheck | None) -> float:
    return (verdict.score or 0.0) - ((base.score if base else None) or 0.0)
