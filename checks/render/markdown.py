"""The comment of a pull request: verdict, what to fix first, the checks, details folded.

Called by the publisher and the command line. Everything that may quote the repository goes through
`inert`. When it is too long, details are cut from the end, never the verdict.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import jinja2

from checks.render import against, words
from checks.render.inert import code, inert
from checks.render.text import TWELVE, headline
from checks.report import Figure, Finding, Grade, Location, Report, Severity, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT = 65_000  # GitHub takes 65,536; the publisher adds a marker
NO_BREAK = "\u00a0"  # keeps a check's name in one line of its narrow column
FIRST_FIXES = 5  # more are not read in ten seconds; the others are folded
MOST_FIXES = 10
MOST_REMARKS = 20
_EXACT = re.compile(r"(?:sha256:)?[0-9a-f]{40,64}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
MOST_FINDINGS = 200  # of one check
_MARKS = {
    Severity.CRITICAL: "🔴",
    Severity.MAJOR: "🟠",
    Severity.MINOR: "🟡",
    Severity.INFO: "🟢",
}


def comment(report: Report) -> str:
    """The comment's Markdown, shorter than 65,536 characters."""
    verdicts = against.ordered(report)
    sections = [_section(verdict) for verdict in verdicts]
    notes = "\n\n".join(filter(None, (_more_fixes(report), _notes(report))))
    kept = len(sections)
    while True:
        shown = sections[:kept] + ([notes] if notes else [])
        names = ", ".join(_title(v.check_name) for v in verdicts[kept:])
        text = _fill(report, shown, f"the details of {names}" if names else "")
        if len(text) <= LIMIT or (kept == 0 and not notes):
            return text[:LIMIT]
        if kept:
            kept -= 1
        else:
            notes = ""


def _fill(report: Report, sections: Sequence[str], cut: str) -> str:
    fixes = [inert(fix) for fix in report.recommendations]
    text = _template().render(
        mark="✅" if report.is_ready else "❌",
        headline=headline(report),
        summary=_summary(report),
        critical=[inert(issue) for issue in report.critical_issues[:MOST_FIXES]],
        more_critical=max(0, len(report.critical_issues) - MOST_FIXES),
        fixes=fixes[:FIRST_FIXES],
        more_fixes=max(0, len(fixes) - FIRST_FIXES),
        change_header="change | " if report.base else "",
        change_rule="---: | " if report.base else "",
        rows=[_row(verdict, report) for verdict in against.ordered(report)],
        remarks=[inert(each) for each in against.remarks(report)[:MOST_REMARKS]],
        steps=[inert(step) for step in report.next_steps[:MOST_FIXES]],
        sections=sections,
        cut=cut,
        footer=_footer(report),
    )
    return text.strip() + "\n"


@cache
def _template() -> jinja2.Template:
    # Markdown is not HTML: autoescaping would miss what matters here, so `inert` does it all.
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("checks", "render"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - see above
    )
    return environment.get_template("comment.md.j2")


def _summary(report: Report) -> str:
    parts = [f"**{words.score(report.overall_score)}** overall"]
    if report.base is not None:
        parts.append(inert(against.overall(report)))
    parts.append(f"{len(report.verdicts)} of {TWELVE} checks")
    parts.append(words.count(len(report.critical_issues), "critical issue"))
    parts += [
        f"{code(m.path, 200)} ({inert(m.format)}, {m.size:,} bytes)" for m in report.models[:3]
    ]
    return " · ".join(parts)


def _row(verdict: Verdict, report: Report) -> dict[str, str]:
    change = f"{against.change(report, verdict)} | " if report.base else ""
    return {
        "title": f"{_mark(verdict)} {_title(verdict.check_name).replace(' ', NO_BREAK)}",
        "score": words.score(verdict.score),
        "change": change,
        "result": inert(verdict.message, 240),
    }


def _section(verdict: Verdict) -> str:
    findings = words.count(len(verdict.findings), "finding")
    summary = f"{_title(verdict.check_name)}: {words.score(verdict.score)}, {findings}"
    lines = [
        "<details>",
        f"<summary>{summary}</summary>",
        "",
        *_finding_table(verdict.findings),
        *_figure_table(verdict.figures),
        "</details>",
    ]
    return "\n".join(lines)


def _finding_table(findings: Sequence[Finding]) -> list[str]:
    if not findings:
        return []
    lines = ["| | finding | evidence | points |", "| --- | --- | --- | ---: |"]
    for finding in findings[:MOST_FINDINGS]:
        points = f"{finding.earned:.2f} of {finding.worth:.2f}" if finding.worth else ""
        evidence = _evidence(finding)
        lines.append(
            f"| {_finding_mark(finding)} | {inert(finding.message)} | {evidence} | {points} |"
        )
    if len(findings) > MOST_FINDINGS:
        lines.append(f"| | …and {len(findings) - MOST_FINDINGS} more | | |")
    return [*lines, ""]


def _figure_table(figures: Sequence[Figure]) -> list[str]:
    if not figures:
        return []
    lines = [
        "| figure | value | 95 % interval | asked for | n |",
        "| --- | ---: | --- | --- | ---: |",
    ]
    for figure in figures:
        unit = f" {inert(figure.unit)}" if figure.unit else ""
        count = f"{figure.samples:,}" if figure.samples is not None else ""
        value = f"{words.number(figure.value)}{unit}"
        cells = inert(figure.name), value, words.interval(figure), words.asked(figure), count
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def _more_fixes(report: Report) -> str:
    rest = report.recommendations[FIRST_FIXES : FIRST_FIXES + 100]
    if not rest:
        return ""
    summary = f"<summary>{words.count(len(rest), 'more thing')} to fix</summary>"
    # A list that goes on counting: Markdown takes the number of its first line.
    lines = [f"{n}. {inert(fix)}" for n, fix in enumerate(rest, start=FIRST_FIXES + 1)]
    return "\n".join(["<details>", summary, "", *lines, "", "</details>"])


def _notes(report: Report) -> str:
    if not report.notes:
        return ""
    lines = [f"- {inert(note)}" for note in report.notes[:100]]
    return "\n".join(["<details>", "<summary>Notes</summary>", "", *lines, "", "</details>"])


def _footer(report: Report) -> str:
    parts = []
    if report.commit:
        parts.append(f"commit {_exact(report.commit, 12)}")
    parts += [f"model {_exact(model.digest, 19)}" for model in report.models[:3]]
    if report.data_digest:
        parts.append(f"data {_exact(report.data_digest, 19)}")
    parts.append(_exact(report.timestamp, 20))
    return f"<sub>Holdpoint · {' · '.join(parts)}</sub>"


def _exact(value: str, length: int) -> str:
    """Digests, commits and times are shown as they are, to be copied; anything else is inert."""
    shown = value[:length]
    return f"<code>{shown}</code>" if _EXACT.fullmatch(value) else code(shown)


def _evidence(finding: Finding) -> str:
    place = _place(finding.where) if finding.where else ""
    return f"{finding.grade.value} {place}".strip()


def _place(where: Location) -> str:
    line = f":{where.line}" if where.line is not None else ""
    return code(f"{where.path}{line}", 200)


def _mark(verdict: Verdict) -> str:
    if not verdict.applicable:
        return "⚪"
    if verdict.critical:
        return "🔴"
    return "✅" if verdict.passed else "❌"


def _finding_mark(finding: Finding) -> str:
    if finding.severity is Severity.INFO and finding.grade is Grade.MISSING:
        return "⚪"
    return _MARKS[finding.severity]


def _title(name: str) -> str:
    return inert(words.title(name), 60)
