"""What the comment and the check run say, and which comment is ours. Pure; used by `publisher`."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks import report_json
from checks.publish.annotations import Annotation, annotations_of
from checks.publish.text import clean, cut, cut_markdown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from checks.report import Report

MARKER = "<!-- holdpoint:comment:v1 -->"
CHECK_NAME = "holdpoint"
COMMENT_LIMIT = 65_535
OUTPUT_LIMIT = 65_535  # for each field of a check run's output
WIDTH = 96  # letters of code that a comment shows without scrolling
_CUT = "*The rest did not fit here; the whole report is in the job's summary and report file.*"


@dataclass(frozen=True)
class CommentView:
    """A comment as far as it matters whose it is."""

    id: int
    author: str
    body: str


@dataclass(frozen=True)
class Publication:
    """Everything that is to appear on the pull request. `conclusion`: success or failure."""

    conclusion: str
    external_id: str
    title: str
    summary: str
    text: str
    annotations: tuple[Annotation, ...]
    comment: str

    def output(self) -> dict[str, str]:
        """The check run's `output` without annotations."""
        fields = {"title": self.title, "summary": self.summary, "text": self.text}
        return {name: value for name, value in fields.items() if value}


def publication(
    report: Report, markdown: str, *, root: str = "", annotated: bool = True, page: str = ""
) -> Publication:
    """A judged report, rendered as `markdown`. Raises ReportError when it is bound to no commit.

    `root` is the judged folder relative to the repository's, `page` the workflow run's address.
    """
    record = report_json.record_of(report)
    block = report_json.record_to_text(record)
    people = cut_markdown(clean(markdown), OUTPUT_LIMIT - len(block.encode()) - 2, _CUT)
    return Publication(
        conclusion="success" if report.is_ready else "failure",
        external_id=record.report_digest,
        title=headline(report),
        summary=_summary(report, page),
        text=f"{people}\n\n{block}",
        annotations=annotations_of(report, root=root) if annotated else (),
        comment=comment_body(markdown),
    )


def unjudged(sentence: str) -> Publication:
    """No verdict: a failure that says why, with no record that anything could rely on."""
    why = cut(clean(sentence), 4000)
    quoted = "\n".join(f"    {line}" for line in _wrapped(why))  # code: nothing in it is live
    said = f"The model could not be judged, so it is not ready:\n\n{quoted}\n"
    return Publication(
        conclusion="failure",
        external_id="",
        title="Could not be judged",
        summary=said,
        text="",
        annotations=(),
        comment=comment_body(f"## ❌ Could not be judged\n\n{said}"),
    )


def _wrapped(text: str) -> list[str]:
    """Lines that fit a comment's width: GitHub folds no line of code, a reader would scroll."""
    wrap = textwrap.TextWrapper(WIDTH, break_long_words=False, break_on_hyphens=False)
    return [piece for line in text.splitlines() for piece in wrap.wrap(line) or [""]]


def headline(report: Report) -> str:
    """One line: the verdict, the score, the critical issues."""
    score = "no score" if report.overall_score is None else f"score {report.overall_score:.2f}"
    count = len(report.critical_issues)
    issues = f", {count} critical issue{'s' * (count != 1)}" if count else ""
    return f"{'Ready' if report.is_ready else 'Not ready'}: {score}{issues}"


def _summary(report: Report, page: str) -> str:
    """What was judged, and where: the title above it and the text below it tell the verdict."""
    models = ", ".join(f"`{model.digest}`" for model in report.models) or "none"
    lines = [
        f"- commit `{report.commit}`",
        f"- model {models}",
        *([f"- judged by the workflow run {page}"] if page else []),
    ]
    return cut_markdown(clean("\n".join(lines)) + "\n", OUTPUT_LIMIT, _CUT)


def comment_body(markdown: str) -> str:
    """The comment: our marker first, then the text, within GitHub's limit."""
    room = COMMENT_LIMIT - len(MARKER) - 1
    return f"{MARKER}\n{cut_markdown(clean(markdown), room, _CUT)}"


def own_comments(comments: Iterable[CommentView], author: str) -> list[CommentView]:
    """Ours, oldest first: written by `author` and *beginning* with the marker.

    A marker further in is a quotation: other workflows write with the same author.
    """
    ours = (each for each in comments if each.author == author and each.body.startswith(MARKER))
    return sorted(ours, key=lambda each: each.id)
