"""The edge to GitHub: which commit, and which check runs it has.

Called by `bot.clearance`. Reads only. Every call has a deadline and few retries; what it returns
is judged by `bot.gate`, and errors leave as Refused with GitHubUnavailable or CommitNotFound.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import requests
from github import Auth, Github, GithubException

from bot.escape import code, escaped
from bot.gate import CheckRun
from bot.refusals import Refusal, Refused, refuse

if TYPE_CHECKING:
    from github.CheckRun import CheckRun as ApiCheckRun

    from bot.settings import Settings

TIMEOUT_S = 10
TRIES = 3
LONGEST_PAUSE_S = 3.0  # a longer Retry-After is told to the person instead
PER_PAGE, MOST_RUNS = 100, 1000
T = TypeVar("T")


class GitHub:
    """Reads commits and check runs with one token."""

    def __init__(self, settings: Settings, token: str) -> None:
        self._base_url = settings.github_api
        self._auth = Auth.Token(token)
        self._check = settings.github_check
        self._own = threading.local()

    def close(self) -> None:
        """Closes this thread's connection."""
        self._api.close()

    def resolve(self, repository: str, commit: str | None) -> str:
        """The full SHA of an abbreviated one, or of the default branch's head. Raises Refused.

        GitHub also resolves branches and tags here, so what comes back must begin with what was
        asked for: a tag that looks like a commit is not one.
        """
        if commit is None:
            sha = self._ask(repository, lambda: self._head(repository))
        else:
            # The client takes the name it was given for the SHA unless it is made to ask.
            asked = commit
            sha = self._ask(
                repository, lambda: self._api.get_repo(repository).get_commit(asked).complete().sha
            )
        if len(sha) not in (40, 64) or (commit is not None and not sha.startswith(commit)):
            raise _no_commit(repository, commit)
        return sha

    def check_runs(self, repository: str, sha: str) -> tuple[CheckRun, ...]:
        """The check runs of our name on a commit, whichever app made them. Raises Refused."""

        def read() -> tuple[CheckRun, ...]:
            commit = self._api.get_repo(repository).get_commit(sha)
            runs = commit.get_check_runs(check_name=self._check, filter="latest")
            return tuple(_run(run) for run in islice(runs, MOST_RUNS))

        found = self._ask(repository, read)
        if len(found) == MOST_RUNS:  # a newer verdict could hide behind that many
            raise _unavailable(f"names over {MOST_RUNS} check runs of that name")
        return found

    def authors(self, repository: str, sha: str) -> frozenset[str]:
        """Author and committer of a commit: logins in lower case; a merge by GitHub is nobody's.

        Where the author has no account at all, `?` stands for them. Raises Refused.
        """

        def read() -> frozenset[str]:
            commit = self._api.get_repo(repository).get_commit(sha).complete()
            people = (commit.author, commit.committer)
            logins = {str(getattr(person, "login", None) or "?").lower() for person in people}
            return frozenset(logins - {"web-flow"})

        return self._ask(repository, read)

    @property
    def _api(self) -> Github:
        """This thread's client: one of them keeps the request under way in its connection, so two
        threads that share it can be handed each other's answers.
        """
        api: Github | None = getattr(self._own, "api", None)
        if api is None:
            # Its own retries sleep until a rate limit ends, which may be an hour: ours do not.
            api = self._own.api = Github(
                auth=self._auth,
                base_url=self._base_url,
                timeout=TIMEOUT_S,
                retry=None,
                lazy=True,
                per_page=PER_PAGE,
                seconds_between_requests=None,
            )
        return api

    def _head(self, repository: str) -> str:
        repo = self._api.get_repo(repository)
        return repo.get_branch(repo.default_branch).commit.sha

    def _ask(self, repository: str, read: Callable[[], T]) -> T:
        attempt = 0
        while True:
            attempt += 1
            try:
                return read()
            except GithubException as error:
                if error.status in (404, 422):
                    raise _no_commit(repository, None) from error
                pause = _pause(error, attempt)
                if pause is None or attempt == TRIES:
                    raise _unavailable(f"answered {error.status}") from error
            except requests.RequestException as error:
                pause = 0.1 * 2**attempt
                if attempt == TRIES:
                    raise _unavailable(f"cannot be reached ({type(error).__name__})") from error
            time.sleep(pause)


def _run(run: ApiCheckRun) -> CheckRun:
    return CheckRun(
        id=run.id,
        app_id=_app_id(run.app),
        name=run.name,
        head_sha=run.head_sha,
        status=run.status,
        conclusion=run.conclusion,
        external_id=run.external_id or "",
        text=run.output.text or "",
        url=run.html_url or "",
        started=_text(run.started_at),
    )


def _app_id(app: object) -> int:
    """The app's id; 0 for a deleted one, whatever the client's types promise."""
    return int(getattr(app, "id", 0) or 0)


def _text(moment: object) -> str:
    return moment.isoformat() if isinstance(moment, datetime) else ""


def _pause(error: GithubException, attempt: int) -> float | None:
    """Seconds before the next try; None where another one is pointless."""
    asked = (error.headers or {}).get("retry-after", "")
    if asked:
        return float(asked) if asked.isdigit() and int(asked) <= LONGEST_PAUSE_S else None
    return 0.1 * 2**attempt if error.status >= 500 else None


def _unavailable(what: str) -> Refused:
    return refuse(
        Refusal.GITHUB_UNAVAILABLE,
        f"The readiness report cannot be looked up: GitHub {what}.",
        who="Nobody: without the report nothing is put in front of traffic.",
        then="Ask again in a minute. If it stays, the bot's operator checks the token and "
        "GitHub's status page.",
    )


def _no_commit(repository: str, commit: str | None) -> Refused:
    what = f"commit {code(commit)}" if commit else "such repository or commit"
    return refuse(
        Refusal.COMMIT_NOT_FOUND,
        f"{escaped(repository)} has no {what} that the bot can see.",
        who="The repository's owners, where the bot's token lacks access.",
        then="Give the commit's SHA (seven characters or more), or leave it out for the newest "
        "one of the default branch.",
    )
