"""The publisher against the fake: one comment, one check, whatever GitHub does on the way."""

from __future__ import annotations

import dataclasses
import time

import pytest

from checks import report_json
from checks.publish.annotations import Annotation
from checks.publish.bodies import MARKER, Publication, publication, unjudged
from checks.publish.connection import LARGEST
from checks.publish.github import GitHub
from checks.publish.publisher import MOST_REFUSED, Publisher, Target
from checks.publish.retry import Policy, Retrier
from tests.fakes.github import FakeGitHub, Fault
from tests.publish.reports import BASE, HEAD, REPO, report

PAGE = "https://github.example/acme/lending/actions/runs/1"
EVERYTHING = {"checks": "write", "pull_requests": "write", "contents": "read"}


def install(fake: FakeGitHub, **permissions: str) -> None:
    fake.add_repository(REPO)
    fake.add_commit(REPO, BASE, branch="main")
    fake.open_pull(REPO, 7, head=HEAD, base=BASE)
    fake.add_token("ghs_x", app="github-actions", permissions=permissions or EVERYTHING)


class Waits:
    """Stands for time.sleep and keeps what was waited for."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def publisher(
    fake: FakeGitHub,
    *,
    sha: str = HEAD,
    token: str = "ghs_x",
    key: str = "run",
    waits: Waits | None = None,
    changed_only: int | None = None,
) -> Publisher:
    edge = GitHub(fake.url, token, REPO)
    retrier = Retrier(Policy(), waits or Waits())
    target = Target(sha=sha, number=7, key=key, page=PAGE, changed_only=changed_only)
    return Publisher(edge, retrier, target)


def publish(
    fake: FakeGitHub,
    what: Publication | None = None,
    *,
    sha: str = HEAD,
    token: str = "ghs_x",
    key: str = "run",
) -> Publisher:
    made = publisher(fake, sha=sha, token=token, key=key)
    made.begin()
    made.finish(what or publication(report(), "### Ready\n\nall is well"))
    return made


def test_check_is_pending_until_it_is_finished(github: FakeGitHub) -> None:
    install(github)
    github.add_check_run(REPO, HEAD, app="github-actions", conclusion="success")  # an earlier run
    made = publisher(github)
    made.begin()
    (latest,) = github.repository(REPO).latest_checks(HEAD)
    assert (latest.status, latest.conclusion) == ("in_progress", None)
    made.finish(publication(report(ready=False), "### Not ready"))
    (latest,) = github.repository(REPO).latest_checks(HEAD)
    assert (latest.status, latest.conclusion) == ("completed", "failure")


def test_check_run_carries_the_record(github: FakeGitHub) -> None:
    install(github)
    publish(github)
    (run,) = github.check_runs(REPO, HEAD)
    assert (run.name, run.conclusion) == ("holdpoint", "success")
    assert run.external_id == report_json.digest_of(report())
    record = report_json.record_from_text(run.text or "")
    assert record == report_json.record_of(report())
    assert "all is well" in (run.text or "")
    assert run.title == "Ready: score 0.93"


def test_second_push_edits_the_comment_and_checks_the_new_commit(github: FakeGitHub) -> None:
    install(github)
    publish(github)
    second = "c" * 40
    github.push(REPO, 7, second)
    what = publication(dataclasses.replace(report(ready=False), commit=second), "### Not ready")
    assert publish(github, what, sha=second, key="run2").problems == []
    (comment,) = github.comments(REPO, 7)
    assert comment.body == f"{MARKER}\n### Not ready"
    assert [run.conclusion for run in github.check_runs(REPO, HEAD)] == ["success"]
    assert [run.conclusion for run in github.check_runs(REPO, second)] == ["failure"]


def test_a3_comments_of_others_are_left_alone(github: FakeGitHub) -> None:
    install(github)
    theirs = f"{MARKER}\n### Ready, trust me"
    github.add_comment(REPO, 7, theirs, user="mallory")
    for number in range(120):  # ours is beyond the first page of a hundred
        github.add_comment(REPO, 7, f"chat {number}", user="eve")
    publish(github)
    publish(github, publication(report(), "second"), key="run2")
    bodies = [each.body for each in github.comments(REPO, 7)]
    assert bodies[0] == theirs
    assert bodies[-1] == f"{MARKER}\nsecond"
    assert len(bodies) == 122


def test_a_quotation_of_the_marker_by_the_same_author_is_not_ours(github: FakeGitHub) -> None:
    install(github)
    github.state.identities["github-actions[bot]"] = github.state.tokens["ghs_x"].identity
    quoting = f"> somebody wrote {MARKER}"
    comment = github.add_comment(REPO, 7, quoting, user="eve")
    comment.author = github.state.tokens["ghs_x"].identity
    publish(github)
    assert github.comments(REPO, 7)[0].body == quoting
    assert len(github.comments(REPO, 7)) == 2


def test_two_comments_of_ours_become_one(github: FakeGitHub) -> None:
    install(github)
    publish(github)
    extra = github.add_comment(REPO, 7, f"{MARKER}\nstale", user="eve")
    extra.author = github.state.tokens["ghs_x"].identity
    publish(github, publication(report(), "third"), key="run2")
    assert [each.body for each in github.comments(REPO, 7)] == [f"{MARKER}\nthird"]


@pytest.mark.parametrize("status", [500, 502, 503, 429])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/check-runs$"),
        ("PATCH", "/check-runs/"),
        ("GET", "/pulls/7$"),
        ("GET", "/comments$"),
        ("POST", "/comments$"),
    ],
)
def test_h1_errors_that_pass_are_tried_again(
    github: FakeGitHub, method: str, path: str, status: int
) -> None:
    install(github)
    github.faults.add(Fault(method, path, status=status, times=2))
    assert publish(github).problems == []
    assert len(github.comments(REPO, 7)) == 1
    assert [run.conclusion for run in github.check_runs(REPO, HEAD)] == ["success"]


@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/check-runs$"),
        ("PATCH", "/check-runs/"),
        ("GET", "/comments$"),
        ("POST", "/comments$"),
    ],
)
def test_h1_a_lost_answer_doubles_nothing(
    github: FakeGitHub, method: str, path: str, *, commit: bool
) -> None:
    install(github)
    github.faults.add(Fault(method, path, reset=True, commit=commit))
    assert publish(github).problems == []
    assert len(github.comments(REPO, 7)) == 1
    assert [run.conclusion for run in github.check_runs(REPO, HEAD)] == ["success"]


def test_h1_retry_after_is_honoured(github: FakeGitHub) -> None:
    install(github)
    limit = "You have exceeded a secondary rate limit"
    github.faults.add(
        Fault("POST", "/comments$", status=403, message=limit, headers={"Retry-After": "7"})
    )
    waits = Waits()
    made = publisher(github, waits=waits)
    made.begin()
    made.finish(publication(report(), "x"))
    assert made.problems == []
    assert waits.seconds == [7.0]


def test_h1_a_wait_beyond_the_budget_is_not_begun(github: FakeGitHub) -> None:
    install(github)
    github.faults.add(Fault("POST", "/comments$", status=429, headers={"Retry-After": "3600"}))
    waits = Waits()
    made = publisher(github, waits=waits)
    made.begin()
    made.finish(publication(report(), "x"))
    assert waits.seconds == []
    (problem,) = made.problems
    assert "429" in problem.sentence
    assert not problem.permission


def test_h1_the_check_is_never_green_when_it_cannot_be_finished(github: FakeGitHub) -> None:
    install(github)
    github.faults.add(Fault("PATCH", "/check-runs/", status=502, times=Policy().tries))
    made = publish(github)
    assert len(made.problems) == 1
    assert [run.status for run in github.check_runs(REPO, HEAD)] == ["in_progress"]
    assert len(github.comments(REPO, 7)) == 1


def test_a9_a_token_that_may_only_read_is_told_what_it_needs(github: FakeGitHub) -> None:
    install(github, contents="read", pull_requests="read", checks="read")
    made = publish(github)
    said = " ".join(problem.sentence for problem in made.problems)
    assert all(problem.permission for problem in made.problems)
    assert "`checks: write`" in said
    assert "`pull-requests: write`" in said
    assert github.comments(REPO, 7) == []
    assert github.check_runs(REPO, HEAD) == []


def test_a_persons_token_comments_as_that_person(github: FakeGitHub) -> None:
    install(github)
    github.add_token("ghp_y", user="ada", permissions={"pull_requests": "write"})
    for key in ("one", "two"):
        made = publish(github, token="ghp_y", key=key)
        assert len(made.problems) == 1  # only apps may write checks
    (comment,) = github.comments(REPO, 7)
    assert comment.author.login == "ada"


def test_a8_the_comment_is_left_to_a_newer_push(github: FakeGitHub) -> None:
    install(github)
    made = publisher(github)
    made.begin()
    github.push(REPO, 7, "c" * 40)
    made.finish(publication(report(), "x"))
    assert github.comments(REPO, 7) == []
    assert [run.conclusion for run in github.check_runs(REPO, HEAD)] == ["success"]
    assert github.check_runs(REPO, "c" * 40) == []
    assert "moved on" in made.notes[0]


def annotated(count: int) -> Publication:
    found = tuple(
        Annotation("train.py", line, "warning", "a rule", f"finding {line}")
        for line in range(1, count + 1)
    )
    return dataclasses.replace(publication(report(), "x"), annotations=found)


@pytest.mark.parametrize("count", [0, 1, 50, 51, 150])
def test_annotations_come_in_batches_of_fifty(github: FakeGitHub, count: int) -> None:
    install(github)
    publish(github, annotated(count))
    (run,) = github.check_runs(REPO, HEAD)
    lines = [each["start_line"] for each in run.annotations]
    assert lines == list(range(1, count + 1))
    assert run.conclusion == "success"


def test_a_batch_whose_answer_was_lost_is_not_sent_twice(github: FakeGitHub) -> None:
    install(github)
    github.faults.add(Fault("PATCH", "/check-runs/", reset=True, commit=True))
    publish(github, annotated(51))
    (run,) = github.check_runs(REPO, HEAD)
    assert len(run.annotations) == 51


def test_h2_annotations_that_github_refuses_do_not_cost_the_verdict(github: FakeGitHub) -> None:
    install(github)
    github.faults.add(
        Fault("PATCH", "/check-runs/", status=422, message="Validation Failed", times=MOST_REFUSED)
    )
    made = publish(github, annotated(150))
    assert all("422" in problem.sentence for problem in made.problems)
    assert made.problems
    assert [run.conclusion for run in github.check_runs(REPO, HEAD)] == ["success"]
    assert len(github.comments(REPO, 7)) == 1


def test_h2_one_annotation_that_github_refuses_costs_only_itself(github: FakeGitHub) -> None:
    install(github)
    what = annotated(60)
    unfit = dataclasses.replace(what.annotations[13], title="t" * 256)
    found = (*what.annotations[:13], unfit, *what.annotations[14:])
    made = publish(github, dataclasses.replace(what, annotations=found))
    (problem,) = made.problems
    assert "422" in problem.sentence
    (run,) = github.check_runs(REPO, HEAD)
    lines = [each["start_line"] for each in run.annotations]
    assert lines == [line for line in range(1, 61) if line != 14]
    assert run.conclusion == "success"


def test_what_could_not_be_judged_is_a_failure_without_a_record(github: FakeGitHub) -> None:
    install(github)
    publish(github, unjudged("no model was found"))
    (run,) = github.check_runs(REPO, HEAD)
    assert run.conclusion == "failure"
    assert run.text is None
    assert "no model was found" in github.comments(REPO, 7)[0].body


def test_without_checks_a_commit_status_tells_the_verdict(github: FakeGitHub) -> None:
    install(github, statuses="write", pull_requests="write")
    github.require_check(REPO, "holdpoint", app="github-actions")
    made = publisher(github)
    made.begin()
    assert github.blockers(REPO, 7) == ["holdpoint: pending"]
    made.finish(publication(report(ready=False), "### Not ready"))
    assert made.problems == []
    assert "commit status" in made.notes[0]
    assert github.blockers(REPO, 7) == ["holdpoint: failure"]
    latest = github.statuses(REPO, HEAD)[-1]
    assert (latest.context, latest.target_url) == ("holdpoint", PAGE)
    publish(github, key="again")
    assert github.blockers(REPO, 7) == []


def test_a_check_that_could_not_be_begun_is_made_at_the_end(github: FakeGitHub) -> None:
    install(github)
    github.add_check_run(REPO, HEAD, app="github-actions", conclusion="success")  # an earlier run
    github.faults.add(Fault("POST", "/check-runs$", status=502, times=Policy().tries))
    made = publish(github, publication(report(ready=False), "x"))
    assert made.problems == []
    (latest,) = github.repository(REPO).latest_checks(HEAD)
    assert latest.conclusion == "failure"


def test_annotations_only_on_files_of_the_pull_request(github: FakeGitHub) -> None:
    install(github)
    entry = {"sha": "f" * 40, "status": "modified", "additions": 1, "deletions": 0, "changes": 1}
    github.repository(REPO).pulls[7].files = ({"filename": "train.py", **entry},)
    what = annotated(2)
    other = Annotation("serve.py", 1, "warning", "a rule", "elsewhere")
    what = dataclasses.replace(what, annotations=(*what.annotations, other))
    made = publisher(github, changed_only=7)
    made.begin()
    made.finish(what)
    (run,) = github.check_runs(REPO, HEAD)
    assert [each["path"] for each in run.annotations] == ["train.py", "train.py"]


@pytest.mark.parametrize("limit", [403, 429])
def test_h1_the_primary_limit_is_waited_for(github: FakeGitHub, limit: int) -> None:
    install(github)
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 30)}
    github.faults.add(
        Fault("POST", "/comments$", status=limit, message="API rate limit exceeded",
              headers=headers)
    )  # fmt: skip
    waits = Waits()
    made = publisher(github, waits=waits)
    made.begin()
    made.finish(publication(report(), "x"))
    assert made.problems == []
    assert len(waits.seconds) == 1
    assert 20 < waits.seconds[0] <= 30


def test_h1_an_answer_without_end_is_not_read_to_its_end(github: FakeGitHub) -> None:
    install(github)
    github.faults.add(Fault("GET", "/comments$", message="x" * (LARGEST + 1)))
    made = publish(github)
    assert "was not understood" in made.problems[0].sentence
    assert [run.conclusion for run in github.check_runs(REPO, HEAD)] == ["success"]


def test_h3_a_closed_pull_request_still_gets_its_verdict(github: FakeGitHub) -> None:
    install(github)
    made = publisher(github)
    made.begin()
    github.close_pull(REPO, 7)
    made.finish(publication(report(), "x"))
    assert made.problems == []
    assert len(github.comments(REPO, 7)) == 1


def test_h3_a_renamed_repository_is_followed(github: FakeGitHub) -> None:
    install(github)
    made = publisher(github)
    made.begin()
    github.rename(REPO, "acme/credit")
    made.finish(annotated(60))
    assert made.problems == []
    (run,) = github.check_runs("acme/credit", HEAD)
    assert (run.conclusion, len(run.annotations)) == ("success", 60)
    assert len(github.comments("acme/credit", 7)) == 1
