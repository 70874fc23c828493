"""The events on which the Action runs, and what each does to the commit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.action.acting import EXAMPLE, REPO, Job
from tests.patience import with_settings

if TYPE_CHECKING:
    from tests.fakes.github import FakeGitHub

LOWER = with_settings(
    (EXAMPLE / "holdpoint.yml").read_bytes(),
    b"  model_performance:\n    accuracy: 0.999\n    critical_below: 1.0\n",
).decode()


def test_a_merge_group_is_judged_by_the_base_and_not_commented(
    github: FakeGitHub, job: Job
) -> None:
    job.start({"holdpoint.yml": LOWER}, example=True)
    head = job.push({"holdpoint.yml": (EXAMPLE / "holdpoint.yml").read_text()})
    result = job.run("merge_group")
    assert result.code == 1, result.out + result.err
    assert [run.conclusion for run in github.check_runs(REPO, head)] == ["failure"]
    assert github.comments(REPO, 7) == []


def test_a_push_is_judged_by_its_own_rules_and_leaves_the_base_report(
    github: FakeGitHub, job: Job
) -> None:
    job.start({"holdpoint.yml": LOWER}, example=True)
    head = job.push({"holdpoint.yml": LOWER + "# nothing else\n"})
    result = job.run("push")
    assert result.code == 1, result.out + result.err
    report = json.loads((job.root / result.outputs["report-json"]).read_text())
    assert report["commit"] == head
    assert not any("base branch" in note for note in report["notes"])
    (check,) = github.check_runs(REPO, head)
    assert check.conclusion == "failure"
    assert "holdpoint-record" in (check.text or "")


def test_a_dispatch_judges_the_commit_it_was_started_on(github: FakeGitHub, job: Job) -> None:
    job.start()
    head = job.push({"notes.txt": "no model"})
    result = job.run("workflow_dispatch")
    assert result.code == 2
    assert [run.conclusion for run in github.check_runs(REPO, head)] == ["failure"]
    assert github.comments(REPO, 7) == []


def test_a8_a_push_during_the_run_leaves_the_new_commit_pending(
    github: FakeGitHub, job: Job
) -> None:
    job.start()
    github.require_check(REPO, "holdpoint", app="github-actions")
    head = job.push({"notes.txt": "a change"})
    with job.process() as process:
        while not github.check_runs(REPO, head):
            assert process.poll() is None
        newer = "d" * 40
        github.push(REPO, 7, newer)
        process.communicate(timeout=120)
    assert [run.head_sha for run in github.repository(REPO).check_runs] == [head]
    assert github.comments(REPO, 7) == []
    assert github.blockers(REPO, 7) == ["holdpoint: expected, waiting for it to be reported"]
