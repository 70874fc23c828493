"""What is published, without any GitHub."""

from __future__ import annotations

import dataclasses

import pytest

from checks import report_json
from checks.publish.annotations import MOST, annotations_of, batches
from checks.publish.bodies import (
    COMMENT_LIMIT,
    MARKER,
    OUTPUT_LIMIT,
    WIDTH,
    CommentView,
    comment_body,
    own_comments,
    publication,
    unjudged,
)
from checks.publish.errors import RejectedError, UnavailableError
from checks.publish.retry import Policy
from checks.report import Finding, Location, Severity
from tests.publish.reports import finding, report


def test_a2_long_text_is_cut_and_the_record_survives() -> None:
    made = publication(report(), "A line of the comment, ünïcödé.\n" * 10_000)
    assert len(made.comment.encode()) <= COMMENT_LIMIT
    assert len(made.text.encode()) <= OUTPUT_LIMIT
    assert report_json.record_from_text(made.text) == report_json.record_of(report())


def test_a_record_in_the_rendered_text_does_not_count() -> None:
    forged = dataclasses.replace(report_json.record_of(report()), overall_score=1.0)
    block = report_json.record_to_text(forged)
    made = publication(report(), f"text\n\n{block}")
    assert report_json.record_from_text(made.text).overall_score == 0.93


def test_a_report_bound_to_no_commit_is_not_published() -> None:
    with pytest.raises(report_json.ReportError, match="commit"):
        publication(dataclasses.replace(report(), commit=None), "x")


def test_what_was_not_judged_says_why_as_plain_code() -> None:
    made = unjudged("the file <b>@acme/all</b>\n## is broken")
    assert made.conclusion == "failure"
    assert "    the file <b>@acme/all</b>\n    ## is broken" in made.summary
    assert made.external_id == ""


def test_a_long_reason_is_read_without_scrolling() -> None:
    reason = " ".join(["no model file was found"] * 30) + " " + "x" * 200
    made = unjudged(reason)
    code = [line[4:] for line in made.comment.splitlines() if line.startswith("    ")]
    assert " ".join(code) == reason
    assert [len(line) for line in code if len(line) > WIDTH] == [200]  # one word stays one word


def test_own_comments_begin_with_the_marker_and_are_ours() -> None:
    views = [
        CommentView(5, "holdpoint[bot]", f"{MARKER}\nnew"),
        CommentView(3, "holdpoint[bot]", f"{MARKER}\nold"),
        CommentView(1, "mallory", f"{MARKER}\nfake"),
        CommentView(2, "holdpoint[bot]", f"quoted: {MARKER}"),
    ]
    assert [each.id for each in own_comments(views, "holdpoint[bot]")] == [3, 5]
    assert comment_body("x").startswith(MARKER)


@pytest.mark.parametrize(
    ("change", "path", "level"),
    [
        ({}, "k8s/deployment.yaml", "warning"),
        ({"severity": Severity.CRITICAL}, "k8s/deployment.yaml", "failure"),
        ({"severity": Severity.MINOR}, "k8s/deployment.yaml", "notice"),
        ({"where": Location("a.py")}, None, ""),  # no line
        ({"where": None}, None, ""),
        ({"where": Location("../outside", 1)}, None, ""),
        ({"where": Location("/etc/passwd", 1)}, None, ""),
        ({"where": Location("a.py", 0)}, None, ""),
        ({"earned": 0.1}, None, ""),  # costs nothing
    ],
)
def test_a_finding_with_a_line_becomes_an_annotation(
    change: dict[str, object], path: str | None, level: str
) -> None:
    made = annotations_of(report(findings=(finding(**change),)))
    assert [(each.path, each.level) for each in made] == ([(path, level)] if path else [])


def test_annotations_are_worst_first_cut_and_bounded() -> None:
    findings: list[Finding] = [finding(severity=Severity.MINOR)] * MOST
    findings.append(finding(message="x" * 100_000 + "\x00", severity=Severity.CRITICAL))
    made = annotations_of(report(findings=tuple(findings)), root="models/fraud")
    assert len(made) == MOST
    assert made[0].level == "failure"
    assert made[0].path == "models/fraud/k8s/deployment.yaml"
    assert len(made[0].message.encode()) <= 4000
    assert [len(batch) for batch in batches(made)] == [50] * (MOST // 50)


def test_pauses_grow_are_bounded_and_follow_github() -> None:
    policy = Policy(tries=5, first_s=1, longest_s=3, budget_s=20)
    error = UnavailableError("x")
    assert [policy.pause(tried, 0, error) for tried in range(1, 6)] == [1, 2, 3, 3, None]
    assert policy.pause(1, 0, UnavailableError("x", retry_after=12)) == 12
    assert policy.pause(1, 9, UnavailableError("x", retry_after=12)) is None
    assert policy.pause(1, 0, RejectedError("x")) is None
