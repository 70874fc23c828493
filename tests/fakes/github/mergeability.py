"""May a pull request be merged? By the rules of its base branch, as GitHub applies them. Pure.

Called by the fake and its routes. A required check that never reported blocks ("Expected: waiting
for status to be reported"); `neutral` and `skipped` satisfy one; a rule that names an app takes
that app's checks alone. A required workflow counts for the file at the path and ref that the rule
names, whatever a pull request puts at the same path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fakes.github.state import Pull, Repository

GREEN = {"success", "neutral", "skipped"}


def blockers(repo: Repository, pull: Pull) -> list[str]:
    """Sentences; none where it can be merged."""
    found = []
    for ruleset in repo.rulesets:
        if pull.base_ref in ruleset.branches:
            for rule in ruleset.rules:
                found += _RULES[rule["type"]](repo, pull, rule["parameters"])
    return found


def _checks(repo: Repository, pull: Pull, parameters: Any) -> list[str]:
    found = []
    for check in parameters["required_status_checks"]:
        states = _states(repo, pull.head, check["context"], check.get("integration_id"))
        if not states:
            found.append(f"{check['context']}: expected, waiting for it to be reported")
        elif not GREEN.issuperset(states):
            found.append(f"{check['context']}: {', '.join(sorted(states - GREEN))}")
    return found


def _states(repo: Repository, sha: str, name: str, app: int | None) -> set[str]:
    runs = [run for run in repo.latest_checks(sha) if run.name == name]
    statuses = [each for each in repo.latest_statuses(sha) if each.context == name]
    if app is not None:
        runs = [run for run in runs if run.app.id == app]
        statuses = [s for s in statuses if s.creator.app and s.creator.app.id == app]
    return {run.conclusion or run.status for run in runs} | {each.state for each in statuses}


def _workflows(repo: Repository, pull: Pull, parameters: Any) -> list[str]:
    found = []
    for wanted in parameters["workflows"]:
        runs = [
            run
            for run in repo.workflow_runs
            if (run.path, run.ref, run.head_sha) == (wanted["path"], wanted["ref"], pull.head)
        ]
        if not runs or runs[-1].conclusion != "success":
            found.append(f"{wanted['path']}: the required workflow has not passed")
    return found


_RULES = {"required_status_checks": _checks, "workflows": _workflows}
