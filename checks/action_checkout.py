"""The Action's checkout: is it the commit of the event, and which folder of it is judged?

Called by `checks.action`. A verdict is worth something only for the bytes that were judged, so a
checkout of anything but the event's commit is refused. git runs with the switches of
`checks.evidence.git`; only object reads are used, which start no program of the checkout's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.errors import CannotJudgeError
from checks.evidence import git

if TYPE_CHECKING:
    from pathlib import Path, PurePosixPath


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
    raw = git.read(workspace, "cat-file", "commit", commit) or b""
    header = raw.partition(b"\n\n")[0].decode("ascii", "replace").splitlines()
    parents = [line.removeprefix("parent ") for line in header if line.startswith("parent ")]
    return len(parents) == 2 and parents[1] == head_sha
