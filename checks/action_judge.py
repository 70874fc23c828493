"""The Action's judging half: the checkout, the rules, the run. Called by `checks.action`.

Whatever stops it becomes a sentence in the result, because somebody waits for a verdict. It writes
nothing to GitHub, and it starts no model where a token that can write is in the job's reach, unless
the workflow says that this is meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks import progress, run
from checks.action_checkout import inside, require_commit
from checks.action_config import base_rules, own_rules
from checks.action_fetch import fetch, is_empty
from checks.action_result import Result
from checks.action_times import CHECKS, PREPARING
from checks.base.objects import BaseFile
from checks.errors import CannotJudgeError, HoldpointError
from checks.publish import reach
from checks.publish.errors import MissingError, PublishError
from checks.report_json import ReportError

if TYPE_CHECKING:
    from pathlib import Path

    from checks.action_event import Event
    from checks.action_io import Inputs, Runner
    from checks.action_times import Times
    from checks.base.rules import Rules
    from checks.publish.github import GitHub
    from checks.publish.retry import Retrier
    from checks.report import Report

_CREDENTIALS = re.compile(rb"extraheader|includeif", re.IGNORECASE)


@dataclass(frozen=True)
class Job:
    """What one run of the Action works with. `github` is None where the job has no token."""

    runner: Runner
    inputs: Inputs
    event: Event
    github: GitHub | None
    retrier: Retrier
    times: Times


def judge(job: Job) -> Result:
    """The report on the event's commit, or why there is none. Raises nothing."""
    try:
        return Result(_judge(job))
    except (HoldpointError, ReportError) as error:
        return Result(None, str(error))
    except Exception as error:  # noqa: BLE001 - the pending check must end as a failure that says so
        return Result(None, unexpected(error))


def unexpected(error: Exception) -> str:
    """The sentence for an error that nobody foresaw."""
    return (
        f"Holdpoint met an error of its own ({type(error).__name__}: {str(error)[:300]}); "
        "please report it with the job's log"
    )


def _judge(job: Job) -> Report:
    runner, inputs, event = job.runner, job.inputs, job.event
    if not inputs.allow_write_token:
        _require_no_write(job)
    if is_empty(runner.workspace):
        fetch(runner.workspace, runner.server_url, inputs.token, event)
    commit = require_commit(runner.workspace, event.head_sha)
    root = inside(runner.workspace, inputs.path)
    rules = _rules(job, root)
    options = run.Options(
        trust_model=inputs.trust_model,
        commit=event.head_sha,
        repository=event.repository,
        against=rules.against,
        notes=(*rules.notes, *_merge_note(commit, event)),
        progress=progress.chosen(),
    )
    job.times.mark(PREPARING)
    try:
        return run.run(root, config=rules.config, options=options)
    finally:
        job.times.mark(CHECKS)


def _require_no_write(job: Job) -> None:
    """Raises CannotJudgeError where the model would run beside something that can write."""
    held = list(reach.writable(job.github, job.retrier)) if job.github else []
    held += ["id-token: write"] * job.runner.can_sign
    held += ["the credentials that the checkout left"] * _credentials_left(job.runner.workspace)
    if held:
        raise CannotJudgeError(
            f"this job can write to the repository ({', '.join(held)}), and the model, which is a "
            "program of the pull request's author, would run beside that; judge and publish in two "
            "jobs (examples/workflows/fork-safe.yml), or set the input allow-write-token to true "
            "where everybody who can open a pull request may write anyway"
        )


def _credentials_left(workspace: Path) -> bool:
    path = workspace / ".git" / "config"
    try:
        with path.open("rb") as file:
            return _CREDENTIALS.search(file.read(1 << 20)) is not None
    except OSError:
        return False


def _rules(job: Job, root: Path) -> Rules:
    event = job.event
    if event.own_rules:
        return own_rules(root)
    return base_rules(
        job.runner.workspace, job.inputs.path, str(event.base_sha), lambda path: _ask(job, path)
    )


def _ask(job: Job, path: str) -> BaseFile | None:
    """A file of the base commit from GitHub, where the checkout does not hold it."""
    github, sha = job.github, str(job.event.base_sha)
    if github is None:
        return None
    try:
        return BaseFile(job.retrier.call(lambda: github.file_at(path, sha)))
    except MissingError:
        return BaseFile(None)
    except PublishError:
        return None


def _merge_note(commit: str, event: Event) -> tuple[str, ...]:
    if commit == event.head_sha:
        return ()
    return (f"Judged as merged into the base branch ({commit[:12]}).",)
