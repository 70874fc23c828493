"""Check runs. Only apps may write them, and only the app that made one may change it."""

from __future__ import annotations

from tests.fakes.github import bodies
from tests.fakes.github.routing import Answer, Call, RefusedError, page, route
from tests.fakes.github.state import App, CheckRun, now

_PLAIN = ("name", "external_id", "details_url", "started_at")
_OUTPUT = ("title", "summary", "text")
# Of an annotation, in the words of the API's description of each; the schema has no numbers.
LONGEST = {"title": (255, "characters"), "message": (64 << 10, "bytes")}


def _app(call: Call) -> App:
    if call.token.identity.app is None:
        raise RefusedError(403, "You must authenticate via a GitHub App.")
    return call.token.identity.app


def _run(call: Call) -> CheckRun:
    wanted = int(call.path["check_run_id"])
    for run in call.repository.check_runs:
        if run.id == wanted:
            return run
    raise RefusedError(404, "Not Found")


def _refuse_too_long(annotations: list[dict[str, object]]) -> None:
    for number, annotation in enumerate(annotations):
        for name, (limit, unit) in LONGEST.items():
            text = str(annotation.get(name, ""))
            if len(text.encode() if unit == "bytes" else text) > limit:
                said = f"annotations[{number}].{name} is too long (maximum is {limit} {unit})"
                raise RefusedError(422, f"Invalid request. {said}")


def _change(run: CheckRun, body: dict[str, object]) -> None:
    output = body.get("output")
    if isinstance(output, dict):
        _refuse_too_long(output.get("annotations", []))
    for name in _PLAIN:
        if name in body:
            setattr(run, name, body[name])
    run.status = str(body.get("status", run.status))
    if "conclusion" in body:
        run.status, run.conclusion = "completed", str(body["conclusion"])
    if run.status == "completed":
        run.completed_at = str(body.get("completed_at") or now())
    else:
        run.conclusion = run.completed_at = None
    if isinstance(output, dict):
        for name in _OUTPUT:
            setattr(run, name, output.get(name, getattr(run, name)))
        run.annotations += output.get("annotations", [])  # GitHub appends; it never replaces


@route("POST", "/repos/{owner}/{repo}/check-runs", "checks:write")
def create_check_run(call: Call) -> Answer:
    app = _app(call)
    sha = call.body["head_sha"]
    if sha not in call.repository.commits:
        raise RefusedError(422, f"No commit found for SHA: {sha}")
    run = CheckRun(next(call.state.ids), app, sha, call.body["name"], started_at=now())
    _change(run, call.body)
    call.repository.check_runs.append(run)
    return Answer(201, bodies.check_run(call.repository, run, call.url))


@route("GET", "/repos/{owner}/{repo}/check-runs/{check_run_id}", "checks:read")
def get_check_run(call: Call) -> Answer:
    return Answer(200, bodies.check_run(call.repository, _run(call), call.url))


@route("PATCH", "/repos/{owner}/{repo}/check-runs/{check_run_id}", "checks:write")
def update_check_run(call: Call) -> Answer:
    run = _run(call)
    if run.app != _app(call):
        raise RefusedError(
            403, f"Invalid app_id `{run.app.id}` - check run can only be modified by it."
        )
    _change(run, call.body)
    return Answer(200, bodies.check_run(call.repository, run, call.url))


@route("GET", "/repos/{owner}/{repo}/commits/{ref}/check-runs", "checks:read")
def list_check_runs(call: Call) -> Answer:
    repo = call.repository
    commit = repo.find_commit(call.path["ref"])
    if commit is None:
        raise RefusedError(422, f"No commit found for SHA: {call.path['ref']}")
    every = [run for run in reversed(repo.check_runs) if run.head_sha == commit.sha]
    runs = every if call.query.get("filter") == "all" else repo.latest_checks(commit.sha)
    runs = [run for run in runs if _wanted(run, call.query)]
    items, headers = page(call, runs)
    listed = [bodies.check_run(repo, run, call.url) for run in items]
    return Answer(200, {"total_count": len(runs), "check_runs": listed}, headers)


def _wanted(run: CheckRun, query: dict[str, str]) -> bool:
    return (
        query.get("check_name", run.name) == run.name
        and query.get("status", run.status) == run.status
        and query.get("app_id", str(run.app.id)) == str(run.app.id)
    )
