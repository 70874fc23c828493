"""The commits of a checkout, asked of git with everything that the checkout could configure off.

Used by `checks.run` and `checks.base`. A checkout's own configuration can name programs for git to
start (fsmonitor, hooks, filters, external diffs, signature programs, credential helpers), so none
of it is honoured: the only commands used, `rev-parse`, `rev-list`, `ls-tree` and `cat-file`, need
none.
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
LONGEST_S = 300.0  # for gigabytes of objects
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
    return blob_of(payload, len(held)) == held


def blob_of(payload: bytes, length: int) -> str:
    """The name that git gives these bytes; `length` is that of the repository's names, 40 or 64."""
    hashed = hashlib.new("sha1" if length == 40 else "sha256", usedforsecurity=False)
    hashed.update(b"blob %d\0" % len(payload))
    hashed.update(payload)
    return hashed.hexdigest()


def committed_at(root: Path, path: str) -> int | None:
    """When `path` was last changed by a commit, in seconds since 1970; None when nobody can say.

    In a shallow clone everything older than its first commit has that commit's time.
    """
    text = _ask(root, "rev-list", "--max-count=1", "--timestamp", "HEAD", "--", path)
    time = text.partition(" ")[0]
    return int(time) if time.isascii() and time.isdigit() else None


def command(*arguments: str) -> list[str]:
    """A git command with every switch that keeps a checkout's configuration from acting."""
    return [
        "git", "--literal-pathspecs", *(x for each in _OFF for x in ("-c", each)), *arguments
    ]  # fmt: skip


def read(root: Path, *arguments: str, timeout_s: float = _TIMEOUT_S) -> bytes | None:
    """All that a git command prints, or None where it fails."""
    try:
        done = subprocess.run(
            command(*arguments),
            cwd=root,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def commit_of(root: Path, ref: str) -> str | None:
    """The commit that a branch, tag or other name means here, or None."""
    return _object(root, f"{ref}^{{commit}}") if ref and "\0" not in ref else None


def _object(root: Path, name: str) -> str | None:
    text = _ask(root, "rev-parse", "--verify", "--end-of-options", name)
    return text if _COMMIT.fullmatch(text) else None


def _ask(root: Path, *arguments: str) -> str:
    """The first 200 characters of what git says; "" when it fails."""
    found = read(root, *arguments) or b""
    return found[:200].decode("ascii", "replace").strip()
