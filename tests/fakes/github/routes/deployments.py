"""Deployments and their statuses."""

from __future__ import annotations

from tests.fakes.github import bodies
from tests.fakes.github.routing import Answer, Call, RefusedError, page, route
from tests.fakes.github.state import Deployment, now


def _deployment(call: Call) -> Deployment:
    for each in call.repository.deployments:
        if str(each.id) == call.path["deployment_id"]:
            return each
    raise RefusedError(404, "Not Found")


@route("POST", "/repos/{owner}/{repo}/deployments", "deployments:write")
def create_deployment(call: Call) -> Answer:
    repo, ref = call.repository, call.body["ref"]
    commit = repo.find_commit(ref)
    if commit is None:
        raise RefusedError(422, f"No ref found for: {ref}")
    red = [run.name for run in repo.latest_checks(commit.sha) if run.conclusion != "success"]
    if red and call.body.get("required_contexts") != []:
        raise RefusedError(409, f"Conflict: Commit status checks failed for {ref}.")
    made = Deployment(
        next(call.state.ids), commit.sha, ref, call.body.get("environment", "production"),
        call.token.identity, now(),
    )  # fmt: skip
    repo.deployments.append(made)
    return Answer(201, bodies.deployment(repo, made, call.url))


@route("GET", "/repos/{owner}/{repo}/deployments", "deployments:read")
def list_deployments(call: Call) -> Answer:
    repo = call.repository
    sha = call.query.get("sha")
    found = [each for each in reversed(repo.deployments) if sha in {None, each.sha}]
    items, headers = page(call, found)
    return Answer(200, [bodies.deployment(repo, each, call.url) for each in items], headers)


@route("POST", "/repos/{owner}/{repo}/deployments/{deployment_id}/statuses", "deployments:write")
def create_deployment_status(call: Call) -> Answer:
    repo, found = call.repository, _deployment(call)
    place = bodies.deployment(repo, found, call.url)
    state = {
        "id": next(call.state.ids),
        "state": call.body["state"],
        "description": call.body.get("description", ""),
        "environment": found.environment,
        "creator": bodies.user(call.token.identity, call.url),
        "deployment_url": place["url"],
        "repository_url": place["repository_url"],
        "created_at": now(),
        "updated_at": now(),
    }
    found.states.append(state)
    return Answer(201, state)
