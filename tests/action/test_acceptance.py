"""The Action as a process against the fake GitHub: what a pull request gets to see."""

from __future__ import annotations

import hashlib
import json
import re
import time

import pytest

from checks import report_json
from checks.publish.bodies import MARKER
from tests.action.acting import EXAMPLE, REPO, TOKEN, Job, flat
from tests.fakes.github import FakeGitHub, Fault
from tests.patience import with_settings

STRICT = with_settings(
    (EXAMPLE / "holdpoint.yml").read_bytes(),
    b"  model_performance:\n    accuracy: 0.999\n    critical_below: 1.0\n",
).decode()


def test_first_push_then_second_push(github: FakeGitHub, job: Job) -> None:
    job.start(example=True)
    github.add_commit(REPO, job.checkout.base, branch="main")
    first = job.push({"notes.txt": "a first change"})
    theirs = github.add_comment(REPO, 7, f"{MARKER}\nReady, trust me", user="mallory")

    result = job.run()
    assert result.code == 0, result.out + result.err
    assert result.commands() == []
    (check,) = github.check_runs(REPO, first)
    assert (check.name, check.status, check.conclusion) == ("holdpoint", "completed", "success")
    payload = (job.root / "holdpoint-report.json").read_bytes()
    assert check.external_id == f"sha256:{hashlib.sha256(payload).hexdigest()}"
    record = report_json.record_from_text(check.text or "")
    assert (record.repository, record.commit, record.is_ready) == (REPO, first, True)
    model = hashlib.sha256((job.root / "model/model.joblib").read_bytes()).hexdigest()
    assert record.model_digests == (f"sha256:{model}",)
    mine = github.comments(REPO, 7)[1]
    assert mine.author.login == "github-actions[bot]"
    assert mine.body == f"{MARKER}\n{result.summary}"
    assert "accuracy is" in mine.body
    assert result.outputs == {
        "score": f"{record.overall_score:.4f}",
        "ready": "true",
        "conclusion": "success",
        "critical": "0",
        "report-json": "holdpoint-report.json",
        "report-html": "holdpoint-report.html",
    }
    assert "<html" in (job.root / "holdpoint-report.html").read_text()
    assert check.details_url == f"{github.url}/{REPO}/actions/runs/4711"

    second = job.push({"model/model.joblib": "not a model at all"})
    result = job.run()
    assert result.code != 0
    assert result.outputs["ready"] == "false"
    (check,) = github.check_runs(REPO, second)
    assert check.conclusion == "failure"
    assert [run.conclusion for run in github.check_runs(REPO, first)] == ["success"]
    assert [each.id for each in github.comments(REPO, 7)] == [theirs.id, mine.id]
    assert theirs.body.endswith("trust me")
    assert mine.body == f"{MARKER}\n{result.summary}"
    assert "accuracy is" not in mine.body  # nothing was measured this time


def test_a_pull_request_cannot_grade_itself(github: FakeGitHub, job: Job) -> None:
    job.start({"holdpoint.yml": STRICT}, example=True)
    head = job.push({"holdpoint.yml": (EXAMPLE / "holdpoint.yml").read_text()})
    result = job.run()
    assert result.code == 1, result.out + result.err
    assert [run.conclusion for run in github.check_runs(REPO, head)] == ["failure"]
    report = json.loads((job.root / "holdpoint-report.json").read_text())
    assert any("judged by the base branch's" in note for note in report["notes"])


LOST = ("deployment.strategy", "deployment.container", "deployment.rollback", "deployment.cicd")
WAIVED = "waivers:\n" + "".join(
    f"  - {{rule: {rule}, reason: r, owner: o, expires: 2999-01-01}}\n" for rule in LOST
)
DECLARED = "declarations: {deployment.strategy: {says: it is}, deployment.container: {says: so}}\n"


@pytest.mark.parametrize(
    "trick",
    [
        "",
        "checks:\n  deployment: {passed_at: 0.0, critical_below: 0.0}\n",
        f"{WAIVED}checks:\n",
        f"{DECLARED}checks:\n",
    ],
    ids=["none", "threshold", "waiver", "declaration"],
)
def test_nothing_that_a_change_says_about_itself_improves_its_verdict(
    github: FakeGitHub, job: Job, trick: str
) -> None:
    job.start(example=True)
    own = (job.root / "holdpoint.yml").read_text()
    for manifest in (job.root / "k8s").iterdir():
        manifest.unlink()
    (job.root / "Dockerfile").unlink()
    head = job.push({"holdpoint.yml": own.replace("checks:\n", trick, 1)} if trick else {})
    result = job.run()
    assert result.code == 1, result.out + result.err
    assert [run.conclusion for run in github.check_runs(REPO, head)] == ["failure"]
    report = json.loads((job.root / "holdpoint-report.json").read_text())
    deployment = next(c for c in report["checks"] if c["check_name"] == "deployment")
    assert (deployment["passed"], deployment["critical"]) == (False, True)
    assert bool(report["base"]["changes"]) == bool(trick)
    mine = github.comments(REPO, 7)[0].body
    assert re.search(r"\| 🔴 Deployment \| 0\.\d\d \| ▼ -0\.\d\d, now critical \|", mine)
    titles = re.findall(r"^\| . (.+?) \| \d", mine, re.MULTILINE)
    assert titles.index("Deployment") < titles.index("Model\u00a0performance"), "worse comes first"


def test_the_base_is_asked_of_github_where_the_checkout_lacks_it(
    github: FakeGitHub, job: Job
) -> None:
    base = job.start({"holdpoint.yml": STRICT}, example=True)
    files = {"holdpoint.yml": STRICT.encode()}
    job.push({"holdpoint.yml": (EXAMPLE / "holdpoint.yml").read_text()})
    # A clone of depth one, as actions/checkout makes it: the base's objects are not there.
    job.checkout.git("checkout", "-q", "main")
    merge = job.checkout.merge("main", "change")
    job.checkout.git("clone", "-q", "--depth=1", job.root.as_uri(), str(job.folder / "shallow"))
    job.root = job.folder / "shallow"
    github.add_commit(REPO, base, branch="main", files=files)
    result = job.run()
    assert result.code == 1, result.out + result.err
    report = json.loads((job.root / "holdpoint-report.json").read_text())
    assert any(merge[:12] in note for note in report["notes"])
    assert report["commit"] == job.pushed


def test_a9_a_read_only_token_still_tells_the_verdict(github: FakeGitHub, job: Job) -> None:
    job.start(example=True)
    head = job.push({"notes.txt": "a change"})
    github.add_token(TOKEN, app="github-actions", permissions={"contents": "read"})
    result = job.run()
    assert result.code == 0, result.out + result.err
    assert result.commands() == ["warning", "warning"]
    assert "`checks: write`" in result.out
    assert "`pull-requests: write`" in result.out
    assert "accuracy" in result.summary
    assert result.outputs["ready"] == "true"
    assert github.check_runs(REPO, head) == []
    assert github.comments(REPO, 7) == []


def test_no_model_fails_closed(github: FakeGitHub, job: Job) -> None:
    job.start()
    head = job.push({"notes.txt": "a change"})
    result = job.run()
    assert result.code == 2
    (check,) = github.check_runs(REPO, head)
    assert (check.conclusion, check.title) == ("failure", "Could not be judged")
    assert "no model file was found" in github.comments(REPO, 7)[0].body
    assert "no model file was found" in result.summary
    assert result.outputs == {
        "score": "", "ready": "false", "conclusion": "failure", "critical": "",
        "report-json": "", "report-html": "",
    }  # fmt: skip


def test_h1_faults_leave_one_comment_and_one_check(github: FakeGitHub, job: Job) -> None:
    job.start()
    head = job.push({"notes.txt": "a change"})
    github.faults.add(Fault("POST", "/check-runs$", status=502))
    github.faults.add(Fault("PATCH", "/check-runs/", reset=True, commit=True))
    github.faults.add(Fault("POST", "/comments$", reset=True, commit=True))
    result = job.run()
    assert result.code == 2  # there is no model
    assert result.commands() == ["error"]
    assert len(github.comments(REPO, 7)) == 1
    assert [run.conclusion for run in github.check_runs(REPO, head)] == ["failure"]


def test_a_ready_model_that_could_not_be_published_is_no_success(
    github: FakeGitHub, job: Job
) -> None:
    job.start(example=True)
    head = job.push({"notes.txt": "a change"})
    hour = {"Retry-After": "3600"}
    github.faults.add(Fault("PATCH", "/check-runs/", status=503, headers=hour))
    result = job.run()
    assert result.code == 2, result.out + result.err
    assert [run.status for run in github.check_runs(REPO, head)] == ["in_progress"]


def test_a8_a_checkout_of_another_commit_is_refused(github: FakeGitHub, job: Job) -> None:
    job.start()
    head = job.push({"notes.txt": "a change"})
    job.checkout.commit({"notes.txt": "pushed during the run"}, "newer")
    result = job.run()
    assert result.code == 2
    (check,) = github.check_runs(REPO, head)
    assert check.conclusion == "failure"
    assert f"the event is about {head[:12]}" in flat(check.summary)


def test_a_run_that_is_killed_leaves_the_check_pending(github: FakeGitHub, job: Job) -> None:
    job.start(example=True)
    head = job.push({"notes.txt": "a change"})
    github.add_check_run(REPO, head, app="github-actions", conclusion="success")  # an earlier run
    with job.process() as process:
        deadline = time.monotonic() + 60
        while len(github.check_runs(REPO, head)) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
        process.communicate()
    (latest,) = github.repository(REPO).latest_checks(head)
    assert (latest.status, latest.conclusion) == ("in_progress", None)
