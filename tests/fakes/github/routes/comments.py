"""Issue comments; a pull request is an issue here."""

from __future__ import annotations

from tests.fakes.github import bodies
from tests.fakes.github.routing import Answer, Call, RefusedError, page, route
from tests.fakes.github.state import Comment, now

LONGEST = 65_536
_READ = ("issues:read", "pull_requests:read")
_WRITE = ("issues:write", "pull_requests:write")


def _number(call: Call) -> int:
    number = int(call.path["issue_number"])
    if number not in call.repository.pulls:
        raise RefusedError(404, "Not Found")
    return number


def _comment(call: Call) -> Comment:
    wanted = int(call.path["comment_id"])
    for comment in call.repository.comments:
        if comment.id == wanted:
            return comment
    raise RefusedError(404, "Not Found")


def _text(call: Call) -> str:
    text = str(call.body["body"])
    if not text.strip() or len(text) > LONGEST:
        problem = "cannot be blank" if not text.strip() else f"is too long (maximum is {LONGEST})"
        error = {"resource": "IssueComment", "code": "unprocessable", "field": "data"}
        raise RefusedError(
            422, "Validation Failed", errors=[{**error, "message": f"Body {problem}"}]
        )
    return text


@route("GET", "/repos/{owner}/{repo}/issues/{issue_number}/comments", *_READ)
def list_comments(call: Call) -> Answer:
    number = _number(call)
    of_issue = [each for each in call.repository.comments if each.number == number]
    items, headers = page(call, of_issue)
    return Answer(200, [bodies.comment(call.repository, each, call.url) for each in items], headers)


@route("POST", "/repos/{owner}/{repo}/issues/{issue_number}/comments", *_WRITE)
def create_comment(call: Call) -> Answer:
    number, text, at = _number(call), _text(call), now()
    comment = Comment(next(call.state.ids), number, call.token.identity, text, at, at)
    call.repository.comments.append(comment)
    return Answer(201, bodies.comment(call.repository, comment, call.url))


@route("PATCH", "/repos/{owner}/{repo}/issues/comments/{comment_id}", *_WRITE)
def update_comment(call: Call) -> Answer:
    comment = _comment(call)
    comment.body, comment.updated_at = _text(call), now()
    return Answer(200, bodies.comment(call.repository, comment, call.url))


@route("DELETE", "/repos/{owner}/{repo}/issues/comments/{comment_id}", *_WRITE)
def delete_comment(call: Call) -> Answer:
    call.repository.comments.remove(_comment(call))
    return Answer(204)
