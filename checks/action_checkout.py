"""The Action's checkout: is it the commit of the event, and what did the base branch's files say?

Called by `checks.action`. A verdict is worth something only for the bytes that were judged, so a
checkout of anything but the event's commit is refused. git runs with the switches of
`checks.evidence.git`; only object reads are used, which start no program of the checkout's.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.errors import CannotJudgeError
from checks.evidence import git

if TYPE_CHECKING:
    from pathlib import Path, PurePosixPath

_TIMEOUT_S = 20.0
LIMIT = 1 << 20  # bytes of a file that is read from the base, unless more is asked for


@dataclass(frozen=True)
class BaseFile:
    """A file of the base commit. `payload` is None where that commit has none of this name."""

    payload: bytes | None


def require_commit(workspace: Path, head_sha: str) -> str:
    """The commit checked out: `head_sha` itself, or GitHub's merge of it into the base branch.

    Raises CannotJudgeError with a sentence for anything else.
    """
    commit = git.head_commit(workspace)
    if commit is None:
        raise CannotJudgeError(
            "there is no git checkout in the workspace; put actions/checkout before Holdpoint"
        )
    if commit == head_sha or _is_merge_of(workspace, commit, head_sha):
        return commit
    raise CannotJudgeError(
        f"the checkout is at {commit[:12]}, but the event is about {head_sha[:12]}; "
        "a verdict on other bytes would mean nothing, so check out the event's commit"
    )


def inside(workspace: Path, folder: PurePosixPath) -> Path:
    """The folder to judge. Raises CannotJudgeError where a link in the checkout leads out of it."""
    root = workspace / folder
    if not root.is_dir():
        raise CannotJudgeError(f"the input 'path' names {folder}, which is no folder here")
    if root.resolve() != workspace.resolve() / folder:
        raise CannotJudgeError(f"the input 'path' names {folder}, which is reached through a link")
    return root


def _is_merge_of(workspace: Path, commit: str, head_sha: str) -> bool:
    # The raw object: a shallow clone hides a commit's parents from `git log`, but not from this.
    # GitHub merges the head into the base, so the head is the second parent; a commit made on top
    # of the head has it as its first.
    raw = _read(workspace, "cat-file", "commit", commit) or b""
    header = raw.partition(b"\n\n")[0].decode("ascii", "replace").splitlines()
    parents = [line.removeprefix("parent ") for line in header if line.startswith("parent ")]
    return len(parents) == 2 and parents[1] == head_sha


def base_file(workspace: Path, base_sha: str, path: str, *, limit: int = LIMIT) -> BaseFile | None:
    """A file as it is in `base_sha`; None where the checkout does not hold it, or above `limit`."""
    tree = _read(workspace, "ls-tree", "-z", "--full-tree", base_sha, "--", path)
    if tree is None:
        return None
    mode, _, rest = tree.partition(b" ")
    if not tree or not mode.startswith(b"100"):  # absent, or a link or folder of that name
        return BaseFile(None)
    blob = rest.split(b"\t")[0].split()[-1].decode("ascii", "replace")
    size = _read(workspace, "cat-file", "-s", blob)
    if size is None or int(size) > limit:
        return None
    payload = _read(workspace, "cat-file", "blob", blob)
    return None if payload is None else BaseFile(payload)


def _read(workspace: Path, *arguments: str) -> bytes | None:
    """What a git command prints, or None where it fails."""
    command = ["git", "-c", "safe.directory=*", "-c", "protocol.allow=never", *arguments]
    environment = {**git.environment(), "GIT_NO_LAZY_FETCH": "1", "GIT_PAGER": os.devnull}
    try:
        done = subprocess.run(
            command,
            cwd=workspace,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
