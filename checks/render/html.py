"""The report as one HTML page that needs nothing else: no network, no script, no font.

Called by the command line. The template escapes everything, and every string first loses control
and format characters (`plain`); a policy in the page refuses whatever is not its own style sheet.
It computes nothing about the model: figures are the report's, plots are of `checks.render.plots`.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup

from checks.render import against, plots, words
from checks.render.inert import plain
from checks.render.plots import score_bars
from checks.render.text import TWELVE, headline
from checks.report import Grade, Severity

if TYPE_CHECKING:
    from checks.report import Finding, Report, Verdict

MOST_FINDINGS = 500  # of one check; the JSON report has them all
FIRST_LINES = 6  # of what is critical and what to fix; the others are folded
MOST_LINES = 200  # of recommendations, notes and the like


def page(report: Report) -> str:
    """The whole page. Where the base was judged too, a column shows the changes."""
    verdicts = against.ordered(report)
    style = _environment().get_template("report.css.j2").render()
    return _environment().get_template("report.html.j2").render(
        report=report,
        against=against,
        headline=headline(report),
        tone="good" if report.is_ready else "bad",
        twelve=TWELVE,
        overview=score_bars.of_report(report.verdicts, "overview"),
        checks=[_check(index, each, report) for index, each in enumerate(verdicts, start=1)],
        words=words,
        first=FIRST_LINES,
        most=MOST_LINES,
        style=Markup(style),  # noqa: S704 - our own file, nothing of the report is in it
        policy=policy(style),
    )  # fmt: skip


def policy(style: str) -> str:
    """A Content Security Policy that lets nothing in but this style sheet."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("checks", "render"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _finalize(value: object) -> object:
    """Every string that the template shows, except markup made here, as one harmless line."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _check(index: int, verdict: Verdict, report: Report) -> dict[str, object]:
    findings = verdict.findings[:MOST_FINDINGS]
    return {
        "key": f"check-{index}",
        "verdict": verdict,
        "title": words.title(verdict.check_name),
        "state": words.state(verdict),
        "change": against.change(report, verdict),
        "problems": [each for each in findings if not _is_calm(each)],
        "calm": [each for each in findings if _is_calm(each)],
        "left_out": len(verdict.findings) - len(findings),
        "plots": plots.of_verdict(verdict, f"plot-{index}"),
    }


def _is_calm(finding: Finding) -> bool:
    """In order, or only worth knowing; what is missing is shown at once."""
    return finding.severity is Severity.INFO and finding.grade is not Grade.MISSING
