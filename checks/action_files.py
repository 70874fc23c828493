"""The files that the Action leaves in the workspace: the report as JSON and as a page.

Called by `checks.action`. The workspace is a stranger's checkout: a link in the place of a file is
replaced, never followed.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from checks import report_json
from checks.render import html

if TYPE_CHECKING:
    from pathlib import Path

    from checks.action_log import Log
    from checks.report import Report

JSON_NAME, HTML_NAME = "holdpoint-report.json", "holdpoint-report.html"


def write_reports(workspace: Path, report: Report | None, log: Log) -> tuple[str, str]:
    """Writes both files and returns their names; "" for one that is not there."""
    payloads = {
        JSON_NAME: report_json.dumps(report) if report else None,
        HTML_NAME: html.page(report).encode() if report else None,
    }
    written = {name: _write(workspace / name, each, log) for name, each in payloads.items()}
    return written[JSON_NAME], written[HTML_NAME]


def _write(path: Path, payload: bytes | None, log: Log) -> str:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    mode = stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH
    try:
        if path.is_symlink() or path.exists():
            path.unlink()
        if payload is None:
            return ""
        with os.fdopen(os.open(path, flags, mode), "wb") as file:
            file.write(payload)
    except OSError as error:
        log.warning(f"The report could not be written to {path.name}: {error.strerror}.")
        return ""
    return path.name
