"""The commits of a checkout, asked of git with everything that the checkout could configure off.

Used by `checks.run`. A checkout's own configuration can name programs for git to start (fsmonitor,
hooks, filters, external diffs, signature programs, credential helpers), so none of it is honoured:
the only commands used, `rev-parse` and `rev-list`, need none.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT_S = 10.0
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_OFF = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.sshCommand=false",
    "core.askPass=false",
    "credential.helper=",
    "diff.external=",
    "protocol.allow=never",
    "safe.directory=*",
)


def environment() -> dict[str, str]:
    """What git gets to see: a search path and the switches that keep its configuration out."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_LAZY_FETCH": "1",
    }


def head_commit(root: Path) -> str | None:
    """The commit that is checked out at `root`, or None when there is none to be had."""
    return _object(root, "HEAD^{commit}")


def is_committed(root: Path, path: str, payload: bytes) -> bool:
    """Whether HEAD holds exactly these bytes at `path`; answered without running any filter."""
    held = _object(root, f"HEAD:./{path}")
    if held is None:
        return False
    hashed = hashlib.new("sha1" if len(held) == 40 else "sha256", usedforsecurity=False)
    hashed.update(b"blob %d\0" % len(payload))
    hashed.update(payload)
    return hashed.hexdigest() == held


def committed_at(root: Path, path: str) -> int | None:
    """When `path` was last changed by a commit, in seconds since 1970; None when nobody can say.

    In a shallow clone everything older than its first commit has that commit's time.
    """
    text = _ask(root, "rev-list", "--max-count=1", "--timestamp", "HEAD", "--", path)
    time = text.partition(" ")[0]
    return int(time) if time.isascii() and time.isdigit() else None


def _object(root: Path, name: str) -> str | None:
    text = _ask(root, "rev-parse", "--verify", "--end-of-options", name)
    return text if _COMMIT.fullmatch(text) else None


def _ask(root: Path, *arguments: str) -> str:
    """The first 200 characters of what git says; "" when it fails."""
    options = [part for setting in _OFF for part in ("-c", setting)]
    command = ["git", "--literal-pathspecs", *options, *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    text = done.stdout[:200].decode("ascii", "replace").strip()
    return text if done.returncode == 0 else ""
