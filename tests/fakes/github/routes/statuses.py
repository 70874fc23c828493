"""Commit statuses, and branches made by hand."""

from __future__ import annotations

from tests.fakes.github import bodies
from tests.fakes.github.routing import Answer, Call, RefusedError, page, route
from tests.fakes.github.state import Commit, Status, now

LONGEST = 140


def _commit(call: Call, name: str) -> Commit:
    found = call.repository.find_commit(call.path[name])
    if found is None:
        raise RefusedError(422, f"No commit found for SHA: {call.path[name]}")
    return found


@route("POST", "/repos/{owner}/{repo}/statuses/{sha}", "statuses:write")
def create_status(call: Call) -> Answer:
    commit, said = _commit(call, "sha"), call.body.get("description") or ""
    if len(said) > LONGEST:
        raise RefusedError(422, f"description is too long (maximum is {LONGEST} characters)")
    made = Status(
        next(call.state.ids), commit.sha, call.body.get("context", "default"), call.body["state"],
        call.token.identity, said, call.body.get("target_url") or "", now(),
    )  # fmt: skip
    call.repository.statuses.append(made)
    return Answer(201, bodies.status(call.repository, made, call.url))


@route("GET", "/repos/{owner}/{repo}/commits/{ref}/statuses", "statuses:read")
def list_statuses(call: Call) -> Answer:
    repo, commit = call.repository, _commit(call, "ref")
    newest_first = [each for each in reversed(repo.statuses) if each.sha == commit.sha]
    items, headers = page(call, newest_first)
    return Answer(200, [bodies.status(repo, each, call.url) for each in items], headers)


@route("POST", "/repos/{owner}/{repo}/git/refs", "contents:write")
def create_reference(call: Call) -> Answer:
    repo, ref, sha = call.repository, call.body["ref"], call.body["sha"]
    name = ref.removeprefix("refs/heads/")
    if sha not in repo.commits:
        raise RefusedError(422, "Object does not exist")
    if name == ref or name in repo.branches:
        raise RefusedError(422, "Reference already exists" if name != ref else "Invalid reference")
    repo.branches[name] = sha
    place = f"{call.url}/repos/{repo.full_name}/git"
    target = {"type": "commit", "sha": sha, "url": f"{place}/commits/{sha}"}
    return Answer(201, {"ref": ref, "node_id": "x", "url": f"{place}/{ref}", "object": target})
