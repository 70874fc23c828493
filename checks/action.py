"""`holdpoint action`: the GitHub Action, from the event to the exit code.

Called by the image's entry point. It only puts the parts in order: read the event, put a pending
check on the commit, judge the checkout, publish. With `mode: judge` it stops at a result for
another job, and with `mode: publish` it begins with one. Exit codes: 0 ready, 1 not ready, 2 not
judged or not published. Whatever goes wrong is a sentence, and never a green check.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from checks import action_event, action_io, action_judge, action_result
from checks.action_files import write_reports
from checks.action_io import Annotations, InputError, Mode
from checks.action_judge import Job
from checks.action_log import inert_streams
from checks.action_result import Result, ResultError
from checks.action_times import PREPARING, PUBLISHING, Times
from checks.errors import HoldpointError
from checks.publish.bodies import MARKER, Publication, headline, publication, unjudged
from checks.publish.github import GitHub
from checks.publish.publisher import Publisher, Target
from checks.publish.retry import Policy, Retrier
from checks.render import markdown
from checks.report_json import ReportError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.action_io import Runner
    from checks.action_log import Log

READY, NOT_READY, NOT_JUDGED = 0, 1, 2
USAGE = "usage: holdpoint action\n\nRuns as a step of a GitHub workflow; see action.yml.\n"


def main(argv: list[str]) -> int:
    """Runs the Action and returns its exit code."""
    with inert_streams() as log:
        if argv:
            log.say(USAGE)
            return READY if argv[0] in {"-h", "--help"} else NOT_JUDGED
        times = Times()
        try:
            return _act(action_io.environment(), log, times)
        except HoldpointError as error:
            log.error(str(error))
        except Exception as error:  # noqa: BLE001 - the one boundary: a sentence, never a traceback
            log.error(action_judge.unexpected(error))
        return NOT_JUDGED


def _act(environ: Mapping[str, str], log: Log, times: Times) -> int:
    runner = action_io.read_runner(environ)
    inputs = action_io.read_inputs(environ)
    event = action_event.read_event(environ)
    github = GitHub(runner.api_url, inputs.token, event.repository) if inputs.token else None
    job = Job(runner, inputs, event, github, Retrier(Policy(), time.sleep), times)
    log.say(f"Judging {event.head_sha} of {event.repository}.")
    try:
        return _judge(job, log) if inputs.mode is Mode.JUDGE else _publish(job, log)
    finally:
        log.say(times.sentence())
        if github is not None:
            github.close()


def _judge(job: Job, log: Log) -> int:
    """For the job that runs the model: the result goes to a folder, nothing to GitHub."""
    result = action_judge.judge(job)
    job.times.mark(PREPARING)
    action_result.write(job.runner.workspace / job.inputs.result, job.event, result)
    result, shown = _publication(job, result)
    _tell(job.runner, result, shown, log)
    job.times.mark(PUBLISHING)
    return _exit_code(result)


def _publish(job: Job, log: Log) -> int:
    publisher = _publisher(job)
    job.times.mark(PREPARING)
    publisher.begin()
    job.times.mark(PUBLISHING)
    judged = _result(job)
    job.times.mark(PREPARING)
    result, shown = _publication(job, judged)
    publisher.finish(shown)
    _tell(job.runner, result, shown, log)
    job.times.mark(PUBLISHING)
    for note in publisher.notes:
        log.say(note)
    for problem in publisher.problems:
        (log.warning if problem.permission else log.error)(problem.sentence)
    # A token without the permission was said to be so; any other gap should be tried again.
    lost = any(not each.permission for each in publisher.problems)
    return _exit_code(result) or (NOT_JUDGED if lost else READY)


def _publisher(job: Job) -> Publisher:
    inputs, event = job.inputs, job.event
    if job.github is None:
        raise InputError("the input 'token' is empty; publishing needs one")
    target = Target(
        sha=event.head_sha,
        number=event.number if inputs.comment else None,
        key=f"holdpoint-run:{secrets.token_hex(16)}",
        page=job.runner.run_url,
        changed_only=event.number if inputs.annotations is Annotations.CHANGED else None,
    )
    return Publisher(job.github, job.retrier, target)


def _result(job: Job) -> Result:
    """What to publish: judged here, or handed over by the job before."""
    if job.inputs.mode is Mode.BOTH:
        return action_judge.judge(job)
    try:
        return action_result.read(job.runner.workspace, job.inputs.result, job.event)
    except ResultError as error:
        return Result(None, str(error))


def _publication(job: Job, result: Result) -> tuple[Result, Publication]:
    """The result as what people see; one that cannot be shown is no verdict either."""
    if result.report is None:
        return result, unjudged(result.problem)
    inputs = job.inputs
    try:
        shown = publication(
            result.report,
            markdown.comment(result.report),
            root=str(inputs.path),
            annotated=inputs.annotations is not Annotations.NONE,
            page=job.runner.run_url,
        )
    except ReportError as error:
        return Result(None, str(error)), unjudged(str(error))
    return result, shown


def _tell(runner: Runner, result: Result, shown: Publication, log: Log) -> None:
    """Everything that is not on GitHub's pages: report files, summary, outputs, log."""
    report = result.report
    as_json, as_html = write_reports(runner.workspace, report, log)
    action_io.write_summary(runner.summary, shown.comment.removeprefix(f"{MARKER}\n"))
    score = report.overall_score if report else None
    action_io.write_outputs(
        runner.output,
        action_io.Outputs(
            score="" if score is None else f"{score:.4f}",
            ready="true" if report and report.is_ready else "false",
            conclusion=shown.conclusion,
            critical=str(len(report.critical_issues)) if report else "",
            report_json=as_json,
            report_html=as_html,
        ),
    )
    if report is None:
        log.error(shown.summary)
    log.say(headline(report) if report else shown.title)
    for issue in report.critical_issues if report else ():
        log.say(f"critical: {issue}")


def _exit_code(result: Result) -> int:
    if result.report is None:
        return NOT_JUDGED
    return READY if result.report.is_ready else NOT_READY
