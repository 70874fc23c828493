"""The fake itself: it must refuse what GitHub refuses, or every test on it proves nothing."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.fakes.github import FakeGitHub, Fault

BASE, HEAD = "a" * 40, "b" * 40
REPO = "acme/lending"
RUNS = f"/repos/{REPO}/check-runs"


def ask(fake: FakeGitHub, method: str, path: str, body: Any = None, token: str = "t") -> Any:
    """The status and the parsed body of one request."""
    request = urllib.request.Request(
        fake.url + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "User-Agent": "test"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def install(fake: FakeGitHub, **permissions: str) -> None:
    fake.add_repository(REPO)
    fake.add_commit(REPO, BASE, branch="main")
    fake.open_pull(REPO, 7, head=HEAD, base=BASE)
    fake.add_token("t", app="holdpoint", permissions=permissions)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"name": "holdpoint"}, "'head_sha' is a required property"),
        ({"name": "x", "head_sha": HEAD, "status": "done"}, "'done' is not"),
        ({"name": "x", "head_sha": HEAD, "colour": "red"}, "unknown body field 'colour'"),
        (
            {"name": "x", "head_sha": HEAD, "output": {"title": "t", "summary": "s" * 65_536}},
            "is too long",
        ),
        (
            {
                "name": "x",
                "head_sha": HEAD,
                "output": {
                    "title": "t",
                    "summary": "s",
                    "annotations": [
                        {
                            "path": "f",
                            "start_line": 1,
                            "end_line": 1,
                            "annotation_level": "notice",
                            "message": "m",
                        }
                    ]
                    * 51,
                },
            },
            "is too long",
        ),
    ],
)
def test_request_outside_the_description_is_a_violation(
    body: dict[str, Any], complaint: str
) -> None:
    fake = FakeGitHub().start()
    install(fake, checks="write")
    status, answer = ask(fake, "POST", RUNS, body)
    assert status == 500
    assert complaint in answer["message"]
    assert fake.check_runs(REPO, HEAD) == []
    with pytest.raises(AssertionError, match="POST /repos"):
        fake.stop()


def test_unknown_query_parameter_and_unknown_route_are_violations() -> None:
    fake = FakeGitHub().start()
    install(fake, checks="read")
    assert ask(fake, "GET", f"/repos/{REPO}/commits/{HEAD}/check-runs?name=x")[0] == 500
    assert ask(fake, "GET", "/no/such/route")[0] == 500
    assert len(fake.violations) == 2
    with pytest.raises(AssertionError):
        fake.stop()


def test_token_holds_only_its_permissions(github: FakeGitHub) -> None:
    install(github, checks="read")
    github.add_token("person", user="ada", permissions={"checks": "write"})
    run = {"name": "holdpoint", "head_sha": HEAD}
    assert ask(github, "POST", RUNS, run)[0] == 403
    assert ask(github, "POST", RUNS, run, "person")[1]["message"].startswith("You must")
    assert ask(github, "POST", RUNS, run, "nobody")[0] == 401
    assert ask(github, "GET", f"/repos/{REPO}/issues/7/comments")[0] == 403
    assert github.check_runs(REPO, HEAD) == []


def test_check_runs_of_a_ref_are_the_latest_of_each_app(github: FakeGitHub) -> None:
    install(github, checks="write")
    github.add_check_run(REPO, HEAD, app="holdpoint", conclusion="failure")
    github.add_check_run(REPO, HEAD, app="holdpoint", conclusion="success")
    github.add_check_run(REPO, HEAD, app="stranger", conclusion="success")
    path = f"/repos/{REPO}/commits/{HEAD}/check-runs?check_name=holdpoint"
    latest = ask(github, "GET", path)[1]
    assert [(run["app"]["slug"], run["conclusion"]) for run in latest["check_runs"]] == [
        ("stranger", "success"),
        ("holdpoint", "success"),
    ]
    own = ask(github, "GET", f"{path}&app_id={github.app('holdpoint').id}&filter=all")[1]
    assert [run["conclusion"] for run in own["check_runs"]] == ["success", "failure"]


def test_fault_with_commit_takes_effect_without_an_answer(github: FakeGitHub) -> None:
    install(github, pull_requests="write")
    github.faults.add(Fault("POST", "/comments$", reset=True, commit=True))
    github.faults.add(Fault("POST", "/comments$", status=502, headers={"Retry-After": "3"}))
    path = f"/repos/{REPO}/issues/7/comments"
    with pytest.raises(OSError, match=r"."):
        ask(github, "POST", path, {"body": "first"})
    assert ask(github, "POST", path, {"body": "second"})[0] == 502
    assert [comment.body for comment in github.comments(REPO, 7)] == ["first"]
    assert [each.status for each in github.requests] == [0, 502]


def test_lists_come_in_pages_that_link_to_each_other(github: FakeGitHub) -> None:
    install(github, issues="read")
    for number in range(5):
        github.add_comment(REPO, 7, f"comment {number}", user="eve")
    url = f"{github.url}/repos/{REPO}/issues/7/comments?per_page=2&page=2"
    headers = {"Authorization": "Bearer t", "User-Agent": "test"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        bodies = [each["body"] for each in json.load(answer)]
        link = answer.headers["Link"]
    assert bodies == ["comment 2", "comment 3"]
    assert f'<{github.url}/repos/{REPO}/issues/7/comments?per_page=2&page=3>; rel="next"' in link
    assert 'rel="prev"' in link
