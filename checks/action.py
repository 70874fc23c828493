"""`holdpoint action`: the GitHub Action, from the event to the exit code.

Called by the image's entry point. It only puts the parts in order: read the event, put a pending
check on the commit, judge the checkout, publish. Exit codes: 0 ready, 1 not ready, 2 not judged or
not published. Whatever goes wrong is a sentence, and never a green check.
"""

from __future__ import annotations

import os
import secrets
import stat
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks import action_io, report_json, run
from checks.action_checkout import inside, require_commit
from checks.action_config import base_rules, own_rules
from checks.action_log import inert_streams
from checks.base.objects import BaseFile
from checks.errors import HoldpointError
from checks.publish.bodies import MARKER, Publication, headline, publication, unjudged
from checks.publish.errors import MissingError, PublishError
from checks.publish.github import GitHub
from checks.publish.publisher import Publisher
from checks.publish.retry import Policy, Retrier
from checks.render import markdown
from checks.report_json import ReportError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from checks.action_io import Event, Inputs, Runner
    from checks.action_log import Log
    from checks.base.rules import Rules
    from checks.report import Report

REPORT_NAME = "holdpoint-report.json"
READY, NOT_READY, NOT_JUDGED = 0, 1, 2
USAGE = "usage: holdpoint action\n\nRuns as a step of a GitHub workflow; see action.yml.\n"


@dataclass(frozen=True)
class Judged:
    """What came of judging: `report` is None where the model could not be judged."""

    report: Report | None
    publication: Publication


def main(argv: list[str]) -> int:
    """Runs the Action and returns its exit code."""
    with inert_streams() as log:
        if argv:
            log.say(USAGE)
            return READY if argv[0] in {"-h", "--help"} else NOT_JUDGED
        try:
            return _act(action_io.environment(), log)
        except HoldpointError as error:
            log.error(str(error))
        except Exception as error:  # noqa: BLE001 - the one boundary: a sentence, never a traceback
            log.error(_unexpected(error))
        return NOT_JUDGED


def _act(environ: Mapping[str, str], log: Log) -> int:
    runner = action_io.read_runner(environ)
    inputs = action_io.read_inputs(environ)
    event = action_io.read_event(environ)
    github = GitHub(runner.api_url, inputs.token, event.repository)
    retrier = Retrier(Policy(), time.sleep)
    publisher = Publisher(
        github,
        retrier,
        sha=event.head_sha,
        number=event.number if inputs.comment else None,
        key=f"holdpoint-run:{secrets.token_hex(16)}",
    )
    log.say(f"Judging {event.head_sha} of {event.repository}.")
    publisher.begin()
    judged = _judge(runner, inputs, event, _fetcher(github, retrier, event))
    publisher.finish(judged.publication)
    github.close()
    _tell(runner, judged, publisher, log)
    return _exit_code(judged, publisher)


def _fetcher(github: GitHub, retrier: Retrier, event: Event) -> Callable[[str], BaseFile | None]:
    """Reads a file of the base commit from GitHub, where the checkout does not hold it."""

    def fetch(path: str) -> BaseFile | None:
        try:
            sha = str(event.base_sha)
            return BaseFile(retrier.call(lambda: github.file_at(path, sha)))
        except MissingError:
            return BaseFile(None)
        except PublishError:
            return None

    return fetch


def _judge(
    runner: Runner, inputs: Inputs, event: Event, fetch: Callable[[str], BaseFile | None]
) -> Judged:
    """The verdict on the checkout; what stops it becomes a failure that says so."""
    try:
        commit = require_commit(runner.workspace, event.head_sha)
        root = inside(runner.workspace, inputs.path)
        rules = _rules(runner, inputs, event, fetch)
        options = run.Options(
            trust_model=inputs.trust_model,
            commit=event.head_sha,
            repository=event.repository,
            against=rules.against,
            notes=(*rules.notes, *_merge_note(commit, event)),
        )
        report = run.run(root, config=rules.config, options=options)
        text = markdown.comment(report)
        return Judged(report, publication(report, text, root=str(inputs.path)))
    except (HoldpointError, ReportError) as error:
        return Judged(None, unjudged(str(error)))
    except Exception as error:  # noqa: BLE001 - the pending check must end as a failure that says so
        return Judged(None, unjudged(_unexpected(error)))


def _rules(
    runner: Runner, inputs: Inputs, event: Event, fetch: Callable[[str], BaseFile | None]
) -> Rules:
    if event.name == "push" or event.base_sha is None:
        return own_rules(runner.workspace / inputs.path)
    return base_rules(runner.workspace, inputs.path, event.base_sha, fetch)


def _merge_note(commit: str, event: Event) -> tuple[str, ...]:
    if commit == event.head_sha:
        return ()
    return (f"Judged as merged into the base branch ({commit[:12]}).",)


def _unexpected(error: Exception) -> str:
    return (
        f"Holdpoint met an error of its own ({type(error).__name__}: {str(error)[:300]}); "
        "please report it with the job's log"
    )


def _tell(runner: Runner, judged: Judged, publisher: Publisher, log: Log) -> None:
    """Everything that is not on GitHub's pages: report file, summary, outputs, log."""
    report, shown = judged.report, judged.publication
    path = _write_report(runner.workspace, report, log)
    action_io.write_summary(runner.summary, shown.comment.removeprefix(f"{MARKER}\n"))
    score = report.overall_score if report else None
    action_io.write_outputs(
        runner.output,
        action_io.Outputs(
            score="" if score is None else f"{score:.4f}",
            ready="true" if report and report.is_ready else "false",
            conclusion=shown.conclusion,
            report_json=path,
        ),
    )
    for note in publisher.notes:
        log.say(note)
    for problem in publisher.problems:
        (log.warning if problem.permission else log.error)(problem.sentence)
    if report is None:
        log.error(shown.summary)
    log.say(headline(report) if report else shown.title)
    for issue in report.critical_issues if report else ():
        log.say(f"critical: {issue}")


def _write_report(workspace: Path, report: Report | None, log: Log) -> str:
    """Writes the report into the workspace and returns its name there; "" where there is none.

    The checkout is a stranger's: a link of that name is replaced, never followed.
    """
    path = workspace / REPORT_NAME
    try:
        if path.is_symlink() or path.exists():
            path.unlink()
        if report is None:
            return ""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        mode = stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH
        with os.fdopen(os.open(path, flags, mode), "wb") as file:
            file.write(report_json.dumps(report))
    except OSError as error:
        log.warning(f"The report could not be written to {REPORT_NAME}: {error.strerror}.")
        return ""
    return REPORT_NAME


def _exit_code(judged: Judged, publisher: Publisher) -> int:
    if judged.report is None:
        return NOT_JUDGED
    if not judged.report.is_ready:
        return NOT_READY
    # A token without the permission was said to be so; any other gap should be tried again.
    return NOT_JUDGED if any(not each.permission for each in publisher.problems) else READY
