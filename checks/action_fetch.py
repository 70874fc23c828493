"""Gets the event's commit into an empty workspace, as data. Called by `checks.action_judge`.

For a workflow of the default branch that judges a stranger's pull request: nothing of that pull
request may run on the way, so this is a plain fetch of two commits by their SHA into a new
repository, without hooks, submodules, filters (no LFS either) or credentials left behind.
"""

from __future__ import annotations

import base64
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from checks.errors import CannotJudgeError
from checks.evidence import git

if TYPE_CHECKING:
    from pathlib import Path

    from checks.action_event import Event

TIMEOUT_S = 300.0
_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "protocol.allow": "never",
    "submodule.recurse": "false",
}


def is_empty(workspace: Path) -> bool:
    """Whether there is no checkout yet, and nothing that a fetch could overwrite."""
    return next(workspace.iterdir(), None) is None


def fetch(workspace: Path, server_url: str, token: str, event: Event) -> None:
    """Fetches the event's commit, with the base beside it, and checks it out.

    Raises CannotJudgeError with git's own reason; the token is in no command line and no file.
    """
    address = f"{server_url}/{event.repository}.git"
    scheme = urlsplit(server_url).scheme
    remote = {**_SETTINGS, f"protocol.{scheme}.allow": "always"}
    if token:
        secret = base64.b64encode(f"x-access-token:{token}".encode()).decode("ascii")
        remote["http.extraHeader"] = f"Authorization: Basic {secret}"
    commits = [event.head_sha, *([event.base_sha] if event.base_sha else [])]
    _git(workspace, _SETTINGS, "init", "--quiet", "--template=")
    _git(workspace, remote, "fetch", "--quiet", "--no-tags", "--depth=1", address, *commits)
    _git(workspace, _SETTINGS, "checkout", "--quiet", "--detach", event.head_sha)


def _git(workspace: Path, settings: dict[str, str], *arguments: str) -> None:
    environment = {**git.environment(), "GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=workspace,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotJudgeError(
            f"git {arguments[0]} of the event's commit did not end ({type(error).__name__})"
        ) from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise CannotJudgeError(
            f"the event's commit could not be fetched: {said[-1][:300] if said else 'no reason'}; "
            "give the job `contents: read`"
        )
