"""What the fake GitHub remembers. Plain data and lookups; no HTTP here.

Tests read it freely. Routes change it under the server's lock. Times are the server's clock, and
numbers that GitHub hands out (ids) rise and are never used twice.
"""

from __future__ import annotations

import datetime
import itertools
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


def now() -> str:
    """The time as GitHub writes it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class App:
    """A GitHub App; the Actions token belongs to one too (slug `github-actions`)."""

    id: int
    slug: str


@dataclass(frozen=True)
class Identity:
    """Who acts: a person, or an app through its bot user."""

    id: int
    login: str
    app: App | None = None

    @property
    def kind(self) -> str:
        return "Bot" if self.app else "User"


@dataclass(frozen=True)
class Token:
    """`permissions`, e.g. {"checks": "write"}: what is not named is not held."""

    value: str
    identity: Identity
    permissions: dict[str, str]

    def allows(self, scope: str, level: str) -> bool:
        return self.permissions.get(scope, "none") in {"write", level}


@dataclass
class Commit:
    sha: str
    message: str = "A commit"
    parents: tuple[str, ...] = ()
    files: dict[str, bytes] = field(default_factory=dict)
    author: str = ""  # a login; "" where GitHub knows no account for the address


@dataclass
class Pull:
    number: int
    head: str
    base: str
    head_ref: str
    base_ref: str
    title: str
    author: Identity
    head_repository: str
    state: str = "open"
    files: tuple[Json, ...] = ()


@dataclass
class Comment:
    id: int
    number: int
    author: Identity
    body: str
    created_at: str
    updated_at: str


@dataclass
class CheckRun:
    id: int
    app: App
    head_sha: str
    name: str
    status: str = "queued"
    conclusion: str | None = None
    external_id: str = ""
    details_url: str = ""
    started_at: str = ""
    completed_at: str | None = None
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: list[Json] = field(default_factory=list)


@dataclass
class Status:
    """A commit status: the older way to say what a check run says."""

    id: int
    sha: str
    context: str
    state: str
    creator: Identity
    description: str = ""
    target_url: str = ""
    created_at: str = ""


@dataclass
class WorkflowRun:
    """`path` and `ref` say where the workflow's file came from: the base's, or the author's own."""

    id: int
    path: str
    ref: str
    event: str
    head_sha: str
    head_branch: str
    status: str = "completed"
    conclusion: str | None = "success"


@dataclass
class Ruleset:
    """Rules as GitHub's API writes them, for the branches named."""

    id: int
    name: str
    branches: tuple[str, ...]
    rules: list[Json]


@dataclass
class Deployment:
    id: int
    sha: str
    ref: str
    environment: str
    creator: Identity
    created_at: str
    states: list[Json] = field(default_factory=list)


@dataclass
class Repository:
    id: int
    full_name: str
    default_branch: str = "main"
    private: bool = True
    branches: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    pulls: dict[int, Pull] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)
    check_runs: list[CheckRun] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    workflow_runs: list[WorkflowRun] = field(default_factory=list)
    rulesets: list[Ruleset] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)

    def find_commit(self, ref: str) -> Commit | None:
        """By SHA (also shortened to seven or more), branch, `heads/x` or `refs/heads/x`."""
        name = ref.removeprefix("refs/").removeprefix("heads/")
        if name in self.branches:
            return self.commits[self.branches[name]]
        if len(ref) >= 7:
            return next((each for sha, each in self.commits.items() if sha.startswith(ref)), None)
        return None

    def latest_checks(self, sha: str) -> list[CheckRun]:
        """The newest run for each app and name, as GitHub's filter `latest` gives them."""
        newest = {(run.app.id, run.name): run for run in self.check_runs if run.head_sha == sha}
        return sorted(newest.values(), key=lambda run: run.id, reverse=True)

    def latest_statuses(self, sha: str) -> list[Status]:
        """The newest status of each context."""
        return list({each.context: each for each in self.statuses if each.sha == sha}.values())


class State:
    """Everything on one server."""

    def __init__(self) -> None:
        self.ids = itertools.count(1001)
        self.repositories: dict[str, Repository] = {}
        self.tokens: dict[str, Token] = {}
        self.apps: dict[str, App] = {"github-actions": App(15368, "github-actions")}
        self.identities: dict[str, Identity] = {}
        self.renamed: dict[str, str] = {}  # from a former name, in lower case

    def app(self, slug: str) -> App:
        return self.apps.setdefault(slug, App(next(self.ids), slug))

    def identity(self, *, app: str | None = None, user: str | None = None) -> Identity:
        """The one identity of that app's bot, or of that person."""
        if (app is None) == (user is None):
            raise ValueError("an identity is either an app's or a user's")
        login = f"{app}[bot]" if app else str(user)
        owner = self.app(app) if app else None
        return self.identities.setdefault(login, Identity(next(self.ids), login, owner))
