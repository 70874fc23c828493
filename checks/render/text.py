"""The report for a terminal: the same order as the comment, without its details.

Called by the command line. Control characters are taken out of everything, so that no file name can
move the cursor or change the window's title.
"""

from __future__ import annotations

import textwrap

from checks.render import against, words
from checks.render.inert import plain
from checks.report import READY_AT, Grade, Report, Severity, Verdict

WIDTH = 96
TWELVE = 12
MOST_FINDINGS = 8
_SHOWN = (Severity.CRITICAL, Severity.MAJOR, Severity.MINOR)


def text(report: Report) -> str:
    """The report as plain text that ends with a newline."""
    verdict = headline(report).upper()
    score = "not judged" if report.overall_score is None else f"{report.overall_score:.2f}"
    models = ", ".join(plain(model.path) for model in report.models)
    judged = f"{len(report.verdicts)} of {TWELVE} checks"
    lines = [f"{verdict}  {score}  {models}  ({judged})", ""]
    if report.base is not None:
        lines[1:1] = [plain(against.overall(report))]
    for each in against.ordered(report):
        lines += _check(each, against.change(report, each))
    lines += _list("Critical", report.critical_issues, numbered=False)
    lines += _list("What to fix first", report.recommendations[:10], numbered=True)
    lines += _list("Against the base", against.remarks(report), numbered=False)
    lines += _list("Next", report.next_steps, numbered=False)
    lines += _list("Notes", report.notes, numbered=False)
    return "\n".join(lines).rstrip() + "\n"


def headline(report: Report) -> str:
    """The verdict in a few words."""
    if report.is_ready:
        return "Ready"
    good = report.overall_score is not None and report.overall_score >= READY_AT
    # Enough points, nothing critical and yet not ready: only some checks were asked for.
    return "Partly judged" if good and not report.critical_issues else "Not ready"


def _check(verdict: Verdict, change: str) -> list[str]:
    score = " -- " if verdict.score is None else f"{verdict.score:.2f}"
    state = words.state(verdict)
    name = plain(verdict.check_name.replace("_", " "), 40)
    lead = f"  {state:<8}  {score}  {name:<22}  "
    lines = _wrap(f"{change}: {verdict.message}" if change else verdict.message, lead)
    shown = [finding for finding in verdict.findings if finding.severity in _SHOWN]
    for finding in shown[:MOST_FINDINGS]:
        place = ""
        if finding.where is not None and finding.grade is not Grade.MEASURED:
            line = f":{finding.where.line}" if finding.where.line is not None else ""
            place = f"{finding.where.path}{line}: "
        lines += _wrap(f"{place}{finding.message}", " " * 18 + "- ")
    if len(shown) > MOST_FINDINGS:
        lines.append(" " * 18 + f"- and {len(shown) - MOST_FINDINGS} more")
    return lines


def _list(title: str, entries: tuple[str, ...], *, numbered: bool) -> list[str]:
    if not entries:
        return []
    lines = ["", title]
    for number, entry in enumerate(entries, start=1):
        lines += _wrap(entry, f"  {number}. " if numbered else "  - ")
    return lines


def _wrap(entry: str, lead: str) -> list[str]:
    indent = " " * len(lead)
    return textwrap.wrap(plain(entry), WIDTH, initial_indent=lead, subsequent_indent=indent) or [
        lead.rstrip()
    ]
