"""Repositories, branches and commits."""

from __future__ import annotations

from tests.fakes.github import bodies
from tests.fakes.github.routing import Answer, Call, RefusedError, route


@route("GET", "/repos/{owner}/{repo}", "metadata:read")
def get_repository(call: Call) -> Answer:
    return Answer(200, bodies.repository(call.repository, call.url))


@route("GET", "/repos/{owner}/{repo}/branches/{branch}", "contents:read")
def get_branch(call: Call) -> Answer:
    repo, name = call.repository, call.path["branch"]
    if name not in repo.branches:
        raise RefusedError(404, "Branch not found")
    commit = repo.commits[repo.branches[name]]
    return Answer(200, {"name": name, "commit": bodies.commit(repo, commit, call.url)})


@route("GET", "/repos/{owner}/{repo}/commits/{ref}", "contents:read")
def get_commit(call: Call) -> Answer:
    repo = call.repository
    found = repo.find_commit(call.path["ref"])
    if found is None:
        raise RefusedError(422, f"No commit found for SHA: {call.path['ref']}")
    return Answer(200, bodies.commit(repo, found, call.url))
