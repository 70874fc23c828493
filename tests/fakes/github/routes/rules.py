"""Rulesets, and the workflow runs that some of them ask for."""

from __future__ import annotations

from tests.fakes.github import bodies
from tests.fakes.github.routing import Answer, Call, RefusedError, page, route


@route("GET", "/repos/{owner}/{repo}/rulesets", "metadata:read")
def list_rulesets(call: Call) -> Answer:
    repo = call.repository
    items, headers = page(call, repo.rulesets)
    return Answer(200, [bodies.ruleset(repo, each) for each in items], headers)


@route("GET", "/repos/{owner}/{repo}/rules/branches/{branch}", "metadata:read")
def list_rules(call: Call) -> Answer:
    repo, branch = call.repository, call.path["branch"]
    where = {"ruleset_source_type": "Repository", "ruleset_source": repo.full_name}
    rules = [
        {**rule, **where, "ruleset_id": ruleset.id}
        for ruleset in repo.rulesets
        if branch in ruleset.branches
        for rule in ruleset.rules
    ]
    items, headers = page(call, rules)
    return Answer(200, items, headers)


@route("GET", "/repos/{owner}/{repo}/actions/runs", "actions:read")
def list_workflow_runs(call: Call) -> Answer:
    repo, sha = call.repository, call.query.get("head_sha")
    runs = [run for run in reversed(repo.workflow_runs) if sha in {None, run.head_sha}]
    items, headers = page(call, runs)
    listed = [bodies.workflow_run(repo, run, call.url) for run in items]
    return Answer(200, {"total_count": len(runs), "workflow_runs": listed}, headers)


@route("GET", "/repos/{owner}/{repo}/actions/runs/{run_id}", "actions:read")
def get_workflow_run(call: Call) -> Answer:
    for run in call.repository.workflow_runs:
        if str(run.id) == call.path["run_id"]:
            return Answer(200, bodies.workflow_run(call.repository, run, call.url))
    raise RefusedError(404, "Not Found")
