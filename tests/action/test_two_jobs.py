"""Judging and publishing as two jobs: what a stranger's pull request can and cannot do to them."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest

from checks.action_event import Event
from checks.action_result import FILE, LIMIT, ResultError, read
from tests.action.acting import READ_ONLY, REPO, TOKEN, WORKFLOW, Job, Result, flat

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fakes.github import FakeGitHub

READER = "ghs_reader"


def pull_request(github: FakeGitHub, job: Job, files: dict[str, str]) -> str:
    """A ready base branch and a change to it, both to be fetched; nothing is checked out."""
    job.start(example=True)
    head = job.push(files)
    github.serve_git(REPO, job.root)
    github.add_token(READER, app="github-actions", permissions=READ_ONLY)
    job.root = job.folder / "judging"
    job.root.mkdir()
    return head


def judge(job: Job, **inputs: str) -> Result:
    """The first job: a token that can only read, an empty workspace."""
    given = {"mode": "judge", "token": READER, "allow-write-token": "false", **inputs}
    return job.run("pull_request_target", **given)


def publish(job: Job) -> Result:
    """The second job, on another machine: it gets the folder and nothing else."""
    result = job.root / "holdpoint-result"
    job.root = job.folder / "publishing"
    job.root.mkdir()
    if result.exists():
        shutil.copytree(result, job.root / result.name)
    return job.run("pull_request_target", mode="publish", **{"allow-write-token": "false"})


def test_two_jobs_make_a_comment_and_a_check(github: FakeGitHub, job: Job) -> None:
    head = pull_request(github, job, {"notes.txt": "a change"})
    github.require_check(REPO, "holdpoint", app="github-actions")
    judged = judge(job)
    assert judged.code == 0, judged.out + judged.err
    assert judged.outputs["ready"] == "true"
    assert github.check_runs(REPO, head) == []
    assert github.comments(REPO, 7) == []
    asked = {(each.method, each.status) for each in github.requests}
    assert asked == {("POST", 403)}  # whether the token can write: it cannot
    assert github.blockers(REPO, 7) == ["holdpoint: expected, waiting for it to be reported"]
    assert READER not in "".join(p.read_text("latin-1") for p in (job.root / ".git").rglob("con*"))

    published = publish(job)
    assert published.code == 0, published.out + published.err
    (check,) = github.check_runs(REPO, head)
    assert check.conclusion == "success"
    assert published.outputs == judged.outputs
    (comment,) = github.comments(REPO, 7)
    assert "accuracy is" in comment.body
    assert github.blockers(REPO, 7) == []


def test_a_first_job_that_left_nothing_is_a_failure(github: FakeGitHub, job: Job) -> None:
    head = pull_request(github, job, {"notes.txt": "a change"})
    result = publish(job)
    assert result.code == 2
    (check,) = github.check_runs(REPO, head)
    assert check.conclusion == "failure"
    assert "left no result" in flat(check.summary)


def test_what_could_not_be_judged_is_told_by_the_second_job(github: FakeGitHub, job: Job) -> None:
    head = pull_request(github, job, {"holdpoint.yml": "x: 1", "k8s/a.yaml": "a: 1"})
    (job.root / "something").touch()  # so that nothing is fetched
    assert judge(job).code == 2
    assert publish(job).code == 2
    (check,) = github.check_runs(REPO, head)
    assert "there is no git checkout" in flat(check.summary)


@pytest.mark.parametrize("permission", ["checks", "statuses", "contents"])
def test_no_model_runs_beside_a_token_that_can_write(
    github: FakeGitHub, job: Job, permission: str
) -> None:
    pull_request(github, job, {"notes.txt": "a change"})
    github.add_token(
        READER, app="github-actions", permissions={"contents": "read", permission: "write"}
    )
    before = set(github.repository(REPO).branches)
    result = judge(job)
    assert result.code == 2
    assert f"can write to the repository ({permission}: write)" in flat(result.summary)
    assert list(job.root.iterdir()) == [job.root / "holdpoint-result"]  # not even fetched
    assert set(github.repository(REPO).branches) == before
    assert github.repository(REPO).statuses == []
    assert github.repository(REPO).check_runs == []


def test_one_job_refuses_unless_it_is_told_otherwise(github: FakeGitHub, job: Job) -> None:
    job.start(example=True)
    head = job.push({"notes.txt": "a change"})
    result = job.run(allow_write_token="false")
    assert result.code == 2
    (check,) = github.check_runs(REPO, head)
    assert "examples/workflows/fork-safe.yml" in flat(check.summary)
    assert check.conclusion == "failure"


def test_credentials_that_the_checkout_left_are_a_reason_too(github: FakeGitHub, job: Job) -> None:
    job.start(example=True)
    job.push({"notes.txt": "a change"})
    github.add_token(TOKEN, app="github-actions", permissions=READ_ONLY)
    job.checkout.git("config", "http.https://github.com/.extraheader", "AUTHORIZATION: basic x")
    result = job.run(allow_write_token="false")
    assert "the credentials that the checkout left" in flat(result.summary)


HEAD, OTHER = "b" * 40, "c" * 40
EVENT = Event("pull_request_target", REPO, 7, HEAD, "a" * 40)


def envelope(**more: object) -> dict[str, Any]:
    """A result that would be believed: nothing was judged."""
    return {
        "format": "holdpoint-result", "version": 1, "repository": REPO, "number": 7,
        "commit": HEAD, "report": None, "problem": "no model was found", **more,
    }  # fmt: skip


def put(workspace: Path, data: object) -> None:
    folder = workspace / "holdpoint-result"
    folder.mkdir()
    (folder / FILE).write_text(json.dumps(data))


def believed(workspace: Path) -> Any:
    return read(workspace, PurePosixPath("holdpoint-result"), EVENT)


def test_a_sound_result_is_believed(tmp_path: Path) -> None:
    put(tmp_path, envelope())
    assert believed(tmp_path).problem == "no model was found"


@pytest.mark.parametrize(
    "change",
    [
        {"number": 8},
        {"number": True},
        {"number": None},
        {"commit": OTHER},
        {"repository": "mallory/lending"},
        {"version": 2},
        {"version": True},
        {"format": "other"},
        {"more": 1},
        {"problem": "x" * 100_000},
        {"problem": ["x"]},
        {"report": []},
        {"report": {"schema_version": 1}},
        {"report": {"schema_version": 1, "is_ready": True, "overall_score": 10**400}},
    ],
)
def test_a6_a_forged_result_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    put(tmp_path, envelope(**change))
    with pytest.raises(ResultError, match="refused"):
        believed(tmp_path)


def _link(folder: Path) -> None:
    (folder / FILE).symlink_to("/etc/hostname")


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / FILE)


def _large(folder: Path) -> None:
    with (folder / FILE).open("wb") as file:
        file.truncate(1 << 30)


def _more(folder: Path) -> None:
    (folder / FILE).write_text(json.dumps(envelope()))
    (folder / "action.yml").touch()


def _nested(folder: Path) -> None:
    (folder / FILE).write_text("[" * LIMIT)


def _folder(folder: Path) -> None:
    (folder / FILE).mkdir()


@pytest.mark.parametrize("make", [_link, _pipe, _large, _more, _nested, _folder])
def test_a6_only_one_plain_file_of_bounded_size_is_read(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    (tmp_path / "holdpoint-result").mkdir()
    make(tmp_path / "holdpoint-result")
    with pytest.raises(ResultError):
        believed(tmp_path)


def test_a6_a_folder_that_is_a_link_is_not_entered(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    put(tmp_path / "elsewhere", envelope())
    (tmp_path / "holdpoint-result").symlink_to("elsewhere/holdpoint-result")
    with pytest.raises(ResultError):
        believed(tmp_path)


def _ready(report: dict[str, Any]) -> None:
    report["is_ready"] = True


def _higher(report: dict[str, Any]) -> None:
    report["overall_score"] = 1.0


def _fewer(report: dict[str, Any]) -> None:
    report["checks"] = report["checks"][:1]


def _twice(report: dict[str, Any]) -> None:
    report["checks"].append(report["checks"][0])


def _beyond(report: dict[str, Any]) -> None:
    report["checks"][0]["score"] = 40.0


def _elsewhere(report: dict[str, Any]) -> None:
    report["commit"] = OTHER


def _named(report: dict[str, Any]) -> None:
    report["checks"][0]["check_name"] = "<script>"


def test_a6_a_forged_verdict_is_refused(github: FakeGitHub, job: Job) -> None:
    head = pull_request(github, job, {"model/model.joblib": "not a model at all"})
    assert judge(job).code == 1
    path = job.root / "holdpoint-result" / FILE
    sound = path.read_text()
    event = Event("pull_request_target", REPO, 7, head, None)
    folder = PurePosixPath("holdpoint-result")
    assert read(job.root, folder, event).report is not None
    for forge in (_ready, _higher, _fewer, _twice, _beyond, _elsewhere, _named):
        data = json.loads(sound)
        forge(data["report"])
        path.write_text(json.dumps(data))
        with pytest.raises(ResultError, match="refused"):
            read(job.root, folder, event)
    result = publish(job)  # the last of them, by the real entry point
    assert result.code == 2
    assert [run.conclusion for run in github.check_runs(REPO, head)] == ["failure"]


FORK_SAFE, MAIN = ".github/workflows/holdpoint.yml", "refs/heads/main"


def test_a7_skipping_the_job_leaves_the_check_open(github: FakeGitHub, job: Job) -> None:
    head = pull_request(github, job, {".github/workflows/holdpoint.yml": "on: []"})
    github.require_check(REPO, "holdpoint", app="github-actions")
    github.add_workflow_run(REPO, head, path=FORK_SAFE, conclusion="skipped")
    github.add_check_run(REPO, head, app="github-actions", name="judge", conclusion="skipped")
    assert github.blockers(REPO, 7) == ["holdpoint: expected, waiting for it to be reported"]


def test_a7_a_check_from_an_edited_workflow_is_not_enough(github: FakeGitHub, job: Job) -> None:
    head = pull_request(github, job, {FORK_SAFE: "on: pull_request  # and writes its own check"})
    github.require_check(REPO, "holdpoint", app="github-actions")
    github.require_workflow(REPO, FORK_SAFE, ref=MAIN)
    # The author's own workflow writes a green check with the same app...
    github.add_check_run(REPO, head, app="github-actions", conclusion="success")
    github.add_workflow_run(
        REPO, head, path=FORK_SAFE, ref="refs/pull/7/merge", event="pull_request"
    )
    assert github.blockers(REPO, 7) == [f"{FORK_SAFE}: the required workflow has not passed"]
    # ...and the base branch's has still to agree.
    github.add_workflow_run(REPO, head, path=FORK_SAFE, ref=MAIN)
    assert github.blockers(REPO, 7) == []


def test_h4_another_apps_green_check_counts_for_nothing(github: FakeGitHub, job: Job) -> None:
    job.start()
    head = job.push({"notes.txt": "no model here"})
    github.require_check(REPO, "holdpoint", app="github-actions")
    theirs = github.add_check_run(REPO, head, app="stranger", conclusion="success")
    assert len(github.blockers(REPO, 7)) == 1
    assert job.run().code == 2
    assert github.blockers(REPO, 7) == ["holdpoint: failure"]
    assert (theirs.conclusion, theirs.external_id) == ("success", "")


def test_a_fork_without_rights_cannot_publish(github: FakeGitHub, job: Job) -> None:
    assert WORKFLOW["checks"] == "write"
    head = pull_request(github, job, {"notes.txt": "a change"})
    judge(job)
    github.add_token(TOKEN, app="github-actions", permissions=READ_ONLY)
    result = publish(job)
    assert result.commands() == ["warning", "warning"]
    assert result.outputs["ready"] == "true"
    assert github.check_runs(REPO, head) == []
