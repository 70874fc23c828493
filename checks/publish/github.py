"""The one edge to GitHub's API, through PyGithub. Called by `publisher`; decides nothing.

Each method is one request (a listing is one a page), with a deadline, no retries of its own, and
`PublishError`s raised from PyGithub's. Objects stay in here; what leaves is plain data.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import github as pygithub
import requests
from github import GithubException
from github.GithubObject import NotSet

from checks.publish import connection
from checks.publish.bodies import CommentView
from checks.publish.errors import (
    MissingError,
    NotPermittedError,
    PublishError,
    RejectedError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.publish.annotations import Annotation

DEADLINE_S = 15  # for a connection, and for each wait for bytes
_SECONDARY_LIMIT_S = 60.0  # GitHub's advice where a secondary limit names no time
_NO_COMMIT = f"{1:040d}"  # a SHA that nothing has
MOST_FILES = 3000  # of a pull request; GitHub lists no more


@dataclass(frozen=True)
class CheckRef:
    """A check run and the app that it belongs to: the one whose token we hold."""

    id: int
    app: str
    annotations: int = 0


class GitHub:
    """One repository, seen with one token."""

    def __init__(self, url: str, token: str, repository: str) -> None:
        connection.install()
        self._client = pygithub.Github(
            auth=pygithub.Auth.Token(token),
            base_url=url,
            timeout=DEADLINE_S,
            retry=None,
            per_page=100,
            lazy=True,
            seconds_between_requests=None,
            seconds_between_writes=0.1,
        )
        self._repository = self._client.get_repo(repository)

    def close(self) -> None:
        self._client.close()

    def login(self) -> str:
        """The login of the person whose token this is. An installation's token may not ask."""
        with _ours("ask whose token this is"):
            return self._client.get_user().login

    def head_of(self, number: int) -> str:
        """The SHA that the pull request's head is at now."""
        with _ours(f"read pull request {number}"):
            return self._repository.get_pull(number).head.sha

    def file_at(self, path: str, sha: str) -> bytes:
        """A file's content at a commit, up to GitHub's 1 MB for this way. Raises MissingError."""
        with _ours(f"read {path} at {sha[:12]}"):
            found = self._repository.get_contents(path, ref=sha)
            if isinstance(found, list):
                raise MissingError(f"{path} at {sha[:12]} is a folder")
            return found.decoded_content

    def changed_files(self, number: int) -> frozenset[str]:
        """The files that the pull request adds or changes, as far as GitHub lists them."""
        with _ours(f"list the files of pull request {number}"):
            files = self._repository.get_pull(number).get_files()
            return frozenset(each.filename for each in itertools.islice(files, MOST_FILES))

    def start_check(self, name: str, sha: str, external_id: str, page: str = "") -> CheckRef:
        """A check run in progress on `sha`; its details are on `page`."""
        with _ours(f"create the check run on {sha[:12]}"):
            run = self._repository.create_check_run(
                name,
                sha,
                details_url=page or NotSet,
                external_id=external_id,
                status="in_progress",
            )
            return CheckRef(run.id, run.app.slug)

    def set_status(self, name: str, sha: str, state: str, said: str, page: str = "") -> None:
        """A commit status: `state` is pending, success or failure, `said` has up to 140 letters."""
        with _ours(f"set the commit status of {sha[:12]}"):
            self._repository.get_commit(sha).create_status(
                state, target_url=page or NotSet, description=said, context=name
            )

    def try_check(self) -> None:
        """Asks for a check run on no commit: refused in any case."""
        with _ours("try to create a check run"):
            self._repository.create_check_run("holdpoint-none", _NO_COMMIT)

    def try_status(self) -> None:
        """Asks for a status of no commit: refused in any case."""
        with _ours("try to set a commit status"):
            self._repository.get_commit(_NO_COMMIT).create_status("error", context="holdpoint-none")

    def try_reference(self) -> None:
        """Asks for a branch at no commit: refused in any case."""
        with _ours("try to create a branch"):
            self._repository.create_git_ref("refs/heads/holdpoint-none", _NO_COMMIT)

    def find_check(self, name: str, sha: str, external_id: str) -> CheckRef | None:
        """The check run that `start_check` with these arguments made, if it did."""
        with _ours(f"list the check runs of {sha[:12]}"):
            runs = self._repository.get_commit(sha).get_check_runs(check_name=name, filter="all")
            for run in runs:
                if run.external_id == external_id:
                    return CheckRef(run.id, run.app.slug)
        return None

    def annotation_count(self, check: CheckRef) -> int:
        """How many annotations the check run has."""
        with _ours("read the check run"):
            return self._repository.get_check_run(check.id).output.annotations_count

    def annotate(self, check: CheckRef, output: dict[str, str], batch: list[Annotation]) -> int:
        """Appends at most 50 annotations, and returns how many there are; it stays in progress."""
        with _ours("add annotations to the check run"):
            run = self._repository.get_check_run(check.id)
            run.edit(output={**output, "annotations": [each.body() for each in batch]})
            return run.output.annotations_count

    def finish_check(
        self, check: CheckRef, conclusion: str, external_id: str, output: dict[str, str]
    ) -> None:
        """Completes the check run."""
        with _ours("complete the check run"):
            self._repository.get_check_run(check.id).edit(
                status="completed", conclusion=conclusion, external_id=external_id, output=output
            )

    def comments(self, number: int) -> list[CommentView]:
        """Every comment of the pull request's conversation."""
        with _ours(f"list the comments of pull request {number}"):
            found = self._repository.get_issue(number).get_comments()
            return [CommentView(each.id, each.user.login, each.body or "") for each in found]

    def create_comment(self, number: int, body: str) -> CommentView:
        with _ours(f"comment on pull request {number}"):
            made = self._repository.get_issue(number).create_comment(body)
            return CommentView(made.id, made.user.login, body)

    def edit_comment(self, number: int, comment: int, body: str) -> None:
        with _ours(f"edit our comment on pull request {number}"):
            self._repository.get_issue(number).get_comment(comment).edit(body)

    def delete_comment(self, number: int, comment: int) -> None:
        with _ours(f"delete our second comment on pull request {number}"):
            self._repository.get_issue(number).get_comment(comment).delete()


@contextlib.contextmanager
def _ours(what: str) -> Iterator[None]:
    """PyGithub's and requests' errors as `PublishError`s that say `what` was tried."""
    try:
        yield
    except GithubException as error:
        raise _translated(what, error) from error
    except requests.RequestException as error:
        raise UnavailableError(
            f"could not {what}: no answer from GitHub ({type(error).__name__})"
        ) from error
    except (AssertionError, RuntimeError, TypeError, ValueError, KeyError) as error:
        # PyGithub asserts addresses and types: a redirect, or an answer of another shape.
        raise RejectedError(f"could not {what}: GitHub's answer was not understood") from error


def _translated(what: str, error: GithubException) -> PublishError:
    said = str(error.message or "").split("\n", 1)[0][:200]
    sentence = f"could not {what}: GitHub answered {error.status}" + (f" ({said})" if said else "")
    headers = error.headers or {}
    limited = isinstance(error, pygithub.RateLimitExceededException) or "retry-after" in headers
    if error.status == 429 or (error.status == 403 and limited):
        wait = _retry_after(headers) or _SECONDARY_LIMIT_S
        return UnavailableError(sentence, retry_after=wait)
    if error.status >= 500:
        return UnavailableError(sentence, retry_after=_retry_after(headers))
    if error.status in {401, 403}:
        return NotPermittedError(sentence)
    if error.status in {404, 410}:
        return MissingError(sentence)
    return RejectedError(sentence)


def _retry_after(headers: dict[str, str]) -> float | None:
    """Seconds to wait; `x-ratelimit-reset` (epoch seconds) counts where nothing remains."""
    with contextlib.suppress(ValueError):
        if "retry-after" in headers:
            return max(float(headers["retry-after"]), 0.0)
        if headers.get("x-ratelimit-remaining") == "0":
            return max(float(headers["x-ratelimit-reset"]) - time.time(), 0.0)
    return None
