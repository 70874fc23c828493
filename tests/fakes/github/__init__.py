"""A GitHub that remembers: a real HTTP server whose every exchange obeys GitHub's own description.

    with FakeGitHub() as github:                        # or .start() and .stop()
        github.add_repository("acme/lending")
        github.add_commit("acme/lending", sha, branch="main")
        github.open_pull("acme/lending", 7, head=sha2, base=sha)     # adds the commits it lacks
        github.add_token("ghs_x", app="holdpoint", permissions={"checks": "write", ...})
        github.add_token("ghp_y", user="ada", permissions={"contents": "read"})
        ... talk to github.url ...
        github.comments("acme/lending", 7)              # [Comment], oldest first
        github.check_runs("acme/lending", sha2)         # [CheckRun], oldest first
        github.requests                                 # [Request(method, path, ..., status)]
        github.faults.add(Fault("POST", "/comments$", reset=True, commit=True))
        github.add_check_run("acme/lending", sha, app="holdpoint", conclusion="success", text="...")
        github.app("holdpoint").id                      # the app id of that token's check runs
        github.require_check("acme/lending", "holdpoint", app="github-actions")     # a ruleset
        github.require_workflow("acme/lending", ".github/workflows/x.yml", ref="refs/heads/main")
        github.add_workflow_run("acme/lending", sha2, path=".github/workflows/x.yml")
        github.blockers("acme/lending", 7)              # why it cannot be merged; [] when it can
        github.serve_git("acme/lending", folder)        # `git fetch {github.url}/acme/lending.git`

A token holds only the permissions it was given; `metadata:read` always. A request or an answer that
breaks the description is answered with 500 and listed in `violations`; `stop()` raises
AssertionError for them, so no test can pass by talking to it wrongly. Routes live in `routes/`, one
file an area; to add one, write the function with `@route(...)` there.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self

from tests.fakes.github import description
from tests.fakes.github.faults import Fault, Faults
from tests.fakes.github.mergeability import blockers
from tests.fakes.github.routes import ROUTES
from tests.fakes.github.server import Exchange, Request, Server
from tests.fakes.github.state import (
    App,
    CheckRun,
    Comment,
    Commit,
    Pull,
    Repository,
    Ruleset,
    State,
    Status,
    Token,
    WorkflowRun,
    now,
)
from tests.fakes.github.validator import Validator

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["CheckRun", "Comment", "FakeGitHub", "Fault", "Pull", "Repository", "Request"]


class FakeGitHub:
    """See the module's docstring."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        document = description.load((route.method, route.template) for route in ROUTES)
        self.state = State()
        self.faults = Faults()
        self._exchange = Exchange(self.state, ROUTES, Validator(document), self.faults)
        self._server = Server(host, self._exchange)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Ends the server. Raises AssertionError when an exchange broke the description."""
        self._server.shutdown()
        self._thread.join(timeout=10)
        self._server.server_close()
        assert not self.violations, "\n".join(self.violations)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return self._exchange.url

    @property
    def requests(self) -> list[Request]:
        return self._exchange.requests

    @property
    def violations(self) -> list[str]:
        return self._exchange.violations

    def app(self, slug: str) -> App:
        return self.state.app(slug)

    def repository(self, name: str) -> Repository:
        return self.state.repositories[name.lower()]

    def add_repository(
        self, name: str, *, default_branch: str = "main", private: bool = True
    ) -> Repository:
        with self._exchange.lock:
            repo = Repository(next(self.state.ids), name, default_branch, private)
            self.state.repositories[name.lower()] = repo
        return repo

    def add_commit(
        self,
        repository: str,
        sha: str,
        *,
        branch: str | None = None,
        parents: tuple[str, ...] = (),
        message: str = "A commit",
        files: Mapping[str, bytes] | None = None,
        author: str = "",
    ) -> Commit:
        """Adds the commit, and moves `branch` to it."""
        with self._exchange.lock:
            repo = self.repository(repository)
            commit = repo.commits[sha] = Commit(sha, message, parents, dict(files or {}), author)
            if branch:
                repo.branches[branch] = sha
        return commit

    def open_pull(
        self,
        repository: str,
        number: int,
        *,
        head: str,
        base: str,
        title: str = "A pull request",
        head_ref: str = "change",
        author: str = "contributor",
        head_repository: str | None = None,
        files: tuple[dict[str, Any], ...] = (),
    ) -> Pull:
        with self._exchange.lock:
            repo = self.repository(repository)
            for sha in (base, head):
                repo.commits.setdefault(sha, Commit(sha))
            base_ref = next((ref for ref, sha in repo.branches.items() if sha == base), "main")
            repo.pulls[number] = Pull(
                number, head, base, head_ref, base_ref, title,
                self.state.identity(user=author), head_repository or repository, files=files,
            )  # fmt: skip
        return repo.pulls[number]

    def push(self, repository: str, number: int, sha: str) -> None:
        """Moves a pull request's head."""
        with self._exchange.lock:
            repo = self.repository(repository)
            repo.commits.setdefault(sha, Commit(sha))
            repo.pulls[number].head = sha

    def add_token(
        self,
        token: str,
        *,
        app: str | None = None,
        user: str | None = None,
        permissions: Mapping[str, str],
    ) -> Token:
        with self._exchange.lock:
            held = {"metadata": "read", **permissions}
            made = Token(token, self.state.identity(app=app, user=user), held)
            self.state.tokens[token] = made
        return made

    def add_comment(self, repository: str, number: int, body: str, *, user: str) -> Comment:
        """A comment that somebody else wrote."""
        with self._exchange.lock:
            author = self.state.identity(user=user)
            comment = Comment(next(self.state.ids), number, author, body, now(), now())
            self.repository(repository).comments.append(comment)
        return comment

    def add_check_run(
        self,
        repository: str,
        sha: str,
        *,
        app: str,
        name: str = "holdpoint",
        conclusion: str | None = "success",
        external_id: str = "",
        title: str = "Ready",
        summary: str = "",
        text: str | None = None,
    ) -> CheckRun:
        """A check run as that app would have left it; in progress where `conclusion` is None."""
        with self._exchange.lock:
            repo = self.repository(repository)
            repo.commits.setdefault(sha, Commit(sha))
            status, at = "completed" if conclusion else "in_progress", now()
            run = CheckRun(
                next(self.state.ids), self.app(app), sha, name, status, conclusion, external_id,
                "", at, at if conclusion else None, title, summary, text,
            )  # fmt: skip
            repo.check_runs.append(run)
        return run

    def require_check(self, repository: str, name: str, *, app: str | None = None) -> Ruleset:
        """A ruleset of the default branch: this check must be green, and be that app's."""
        check: dict[str, Any] = {"context": name}
        if app:
            check["integration_id"] = self.app(app).id
        parameters = {
            "required_status_checks": [check],
            "strict_required_status_checks_policy": False,
        }
        return self._rule(repository, "required_status_checks", parameters)

    def require_workflow(self, repository: str, path: str, *, ref: str) -> Ruleset:
        """A ruleset of the default branch: this workflow file must have run and passed."""
        repo = self.repository(repository)
        workflow = {"path": path, "ref": ref, "repository_id": repo.id}
        return self._rule(repository, "workflows", {"workflows": [workflow]})

    def _rule(self, repository: str, kind: str, parameters: dict[str, Any]) -> Ruleset:
        with self._exchange.lock:
            repo = self.repository(repository)
            rule = {"type": kind, "parameters": parameters}
            made = Ruleset(next(self.state.ids), kind, (repo.default_branch,), [rule])
            repo.rulesets.append(made)
        return made

    def add_workflow_run(
        self,
        repository: str,
        sha: str,
        *,
        path: str,
        ref: str = "refs/heads/main",
        event: str = "pull_request_target",
        conclusion: str | None = "success",
    ) -> WorkflowRun:
        """A run of the workflow file that `path` and `ref` name, for the commit `sha`."""
        with self._exchange.lock:
            status = "completed" if conclusion else "in_progress"
            run = WorkflowRun(
                next(self.state.ids), path, ref, event, sha, "change", status, conclusion
            )
            self.repository(repository).workflow_runs.append(run)
        return run

    def blockers(self, repository: str, number: int) -> list[str]:
        """Why the pull request cannot be merged, in sentences."""
        with self._exchange.lock:
            repo = self.repository(repository)
            return blockers(repo, repo.pulls[number])

    def close_pull(self, repository: str, number: int) -> None:
        with self._exchange.lock:
            self.repository(repository).pulls[number].state = "closed"

    def rename(self, repository: str, name: str) -> None:
        """The repository gets another name; the former one redirects."""
        with self._exchange.lock:
            repo = self.state.repositories.pop(repository.lower())
            repo.full_name = name
            self.state.repositories[name.lower()] = repo
            self.state.renamed[repository.lower()] = name

    def serve_git(self, repository: str, folder: Path) -> None:
        """Lets git fetch from the repository in this folder."""
        self._exchange.folders[repository.lower()] = folder

    def statuses(self, repository: str, sha: str) -> list[Status]:
        return [each for each in self.repository(repository).statuses if each.sha == sha]

    def comments(self, repository: str, number: int) -> list[Comment]:
        return [each for each in self.repository(repository).comments if each.number == number]

    def check_runs(self, repository: str, sha: str) -> list[CheckRun]:
        return [run for run in self.repository(repository).check_runs if run.head_sha == sha]
