"""The result that one job hands to the next, when judging and publishing are two jobs.

Called by `checks.action`: the judging job writes it, the publishing job reads it. The job that
wrote it has run a stranger's model, so what is read is a stranger's data: one plain file of
bounded size, strictly decoded, about exactly the event's repository, pull request and commit, and
with a verdict that follows from its own checks. Text for people is not handed over at all; the
publishing job renders it anew.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks import catalog, judge, report_json
from checks.errors import HoldpointError
from checks.report_json import ReportError

if TYPE_CHECKING:
    from pathlib import Path, PurePosixPath

    from checks.action_event import Event
    from checks.report import Report

FORMAT, VERSION = "holdpoint-result", 1
FILE = "result.json"
LIMIT = 16 << 20  # bytes; the lending example's is about 60 kB
PROBLEM_LIMIT = 4000  # characters
_KEYS = {"format", "version", "repository", "number", "commit", "report", "problem"}


class ResultError(HoldpointError):
    """A result that is not believed; the message says why."""


@dataclass(frozen=True)
class Result:
    """Either a report, or the sentence why there is none."""

    report: Report | None
    problem: str = ""


def write(folder: Path, event: Event, result: Result) -> None:
    """Makes the folder with the result in it, in the place of whatever is there.

    Raises ResultError where something is in the way.
    """
    payload = json.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            "repository": event.repository,
            "number": event.number,
            "commit": event.head_sha,
            "report": report_json.to_json(result.report) if result.report else None,
            "problem": result.problem[:PROBLEM_LIMIT],
        }
    )
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        folder.mkdir(mode=0o755)
        with os.fdopen(os.open(folder / FILE, flags, 0o644), "w", encoding="utf-8") as file:
            file.write(payload)
    except OSError as error:
        raise ResultError(
            f"the result could not be written to {folder.name} ({error.strerror}); "
            "the folder must not exist before"
        ) from error


def read(workspace: Path, name: PurePosixPath, event: Event) -> Result:
    """The result in a folder of the workspace. Raises ResultError for what is not believed."""
    return decode(_bytes(workspace, name), event)


def decode(payload: bytes, event: Event) -> Result:
    """The result in these bytes, if it is about this event. Raises ResultError."""
    try:
        data = json.loads(payload.decode("utf-8"))
        _require_envelope(data, event)
        if data["report"] is None:
            return Result(None, str(data["problem"]) or "the judging job gave no reason")
        report = report_json.from_json(data["report"])
        report_json.record_to_text(report_json.record_of(report))
    except (ReportError, ValueError, OverflowError, RecursionError) as error:
        raise ResultError(_refused(f"it is malformed: {str(error)[:300]}")) from error
    _require_own(report, event)
    _require_consistent(report)
    return Result(report)


def _require_envelope(data: Any, event: Event) -> None:
    if not isinstance(data, dict) or set(data) != _KEYS:
        raise ResultError(_refused("it is no result of this version of Holdpoint"))
    if data["format"] != FORMAT or type(data["version"]) is not int or data["version"] != VERSION:
        raise ResultError(_refused("it is of another version of Holdpoint; use one in both jobs"))
    if not isinstance(data["problem"], str) or len(data["problem"]) > PROBLEM_LIMIT:
        raise ResultError(_refused("its sentence is none"))
    theirs = (data["repository"], data["number"], data["commit"])
    if theirs != (event.repository, event.number, event.head_sha) or type(theirs[1]) is bool:
        raise ResultError(
            _refused("it is about another repository, pull request or commit than the event")
        )


def _require_own(report: Report, event: Event) -> None:
    if (report.repository, report.commit) != (event.repository, event.head_sha):
        raise ResultError(_refused("its report is about another commit than the event"))


def _require_consistent(report: Report) -> None:
    """The verdict is recomputed: what a result claims counts for nothing."""
    names = [verdict.check_name for verdict in report.verdicts]
    known = [check.name for check in catalog.discover()]
    if sorted(names) != sorted(known):
        raise ResultError(_refused("its checks are not the ones of this version"))
    if any(v.score is not None and not 0 <= v.score <= 1 for v in report.verdicts):
        raise ResultError(_refused("a score is outside 0 to 1"))
    overall = judge.judge(report.verdicts)
    if (overall.is_ready, overall.score) != (report.is_ready, report.overall_score):
        raise ResultError(_refused("its verdict does not follow from its checks"))


def _refused(why: str) -> str:
    return f"the judging job's result was refused: {why}"


def _bytes(workspace: Path, name: PurePosixPath) -> bytes:
    """The one file of the folder. No link is followed, and nothing but a plain file is opened."""
    directory = os.open(workspace, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in name.parts:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
            os.close(directory)
            directory = inner
        return _file(directory)
    except OSError as error:
        raise ResultError(
            f"the judging job left no result in {name} ({error.strerror}); its log says why"
        ) from error
    finally:
        os.close(directory)


def _file(directory: int) -> bytes:
    with os.scandir(directory) as entries:
        first, second = next(entries, None), next(entries, None)
    if second is not None or (first is not None and first.name != FILE):
        raise ResultError(_refused(f"the folder holds something else than {FILE}"))
    # Without O_NONBLOCK, opening a named pipe would wait for ever.
    opened = os.open(FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    with os.fdopen(opened, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode) or about.st_size > LIMIT:
            raise ResultError(_refused(f"{FILE} is no plain file of at most {LIMIT:,} bytes"))
        return file.read(LIMIT + 1)
