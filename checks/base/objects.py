"""Files of a commit, read from git's objects: no checkout, no filter, no program of a repository's.

Used by the rest of `checks.base` and by the Action. Only `rev-parse`, `ls-tree` and `cat-file` are
asked, with the switches of `checks.evidence.git`; links and submodules of the commit are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from checks.errors import CannotJudgeError
from checks.evidence import git
from checks.evidence.repository import IGNORED

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 1 << 20  # bytes of a file that is read from the base, unless more is asked for


@dataclass(frozen=True)
class BaseFile:
    """A file of the base commit. `payload` is None where that commit has none of this name."""

    payload: bytes | None


@dataclass(frozen=True)
class Entry:
    """A regular file of the commit: `path` from the judged folder, `size` in bytes."""

    path: str
    blob: str
    size: int


Fetch = Callable[[str], BaseFile | None]


def nowhere(_path: str) -> BaseFile | None:
    """The `fetch` of a base that has no other source than the checkout's objects."""
    return None


@dataclass(frozen=True)
class Base:
    """A commit to judge against. `root` is the judged folder, `folder` its path in the repository.

    `ref` is what a person called it. `fetch` is given a path from the repository's root and answers
    where the objects are not here, or None where it cannot know.
    """

    root: Path
    commit: str
    ref: str
    folder: str = ""  # "" or "models/fraud/"
    fetch: Fetch = field(default=nowhere, compare=False)

    def file(self, path: str, limit: int = LIMIT) -> BaseFile | None:
        """A file as it is there; None where nobody knows, or above `limit` bytes."""
        if any(part in {"", ".", ".."} for part in path.split("/")):
            return BaseFile(None)  # git would walk out of the folder
        name = f"{self.folder}{path}"
        return base_file(self.root, self.commit, name, limit=limit) or self.fetch(name)

    def files(self) -> tuple[Entry, ...] | None:
        """The regular files of the judged folder; None where the commit's objects are not here."""
        return self._files

    @cached_property
    def _files(self) -> tuple[Entry, ...] | None:
        listed = git.read(
            self.root, "ls-tree", "-r", "-l", "-z", "--full-tree", self.commit,
            *(("--", self.folder) if self.folder else ()), timeout_s=git.LONGEST_S,
        )  # fmt: skip
        if listed is None:
            return None
        found = (self._entry(line) for line in listed.split(b"\0"))
        return tuple(entry for entry in found if entry is not None)

    def _entry(self, line: bytes) -> Entry | None:
        described, _, name = line.partition(b"\t")
        words = described.decode("ascii", "replace").split()
        path = name.decode("utf-8", "surrogateescape").removeprefix(self.folder)
        parts = path.split("/")
        odd = not path or any(part in {"", ".", ".."} or part in IGNORED for part in parts)
        if odd or len(words) != 4 or not words[0].startswith("100"):
            return None
        return Entry(path, words[2], int(words[3]))


def find(root: Path, ref: str, fetch: Fetch = nowhere) -> Base:
    """The commit that `ref` means in the checkout around `root`. Raises CannotJudgeError."""
    if git.head_commit(root) is None:
        raise CannotJudgeError(
            f"{root} is no git checkout with a commit, so there is no base {ref!r} to judge against"
        )
    commit = git.commit_of(root, ref)
    if commit is None:
        raise CannotJudgeError(
            f"there is no commit {ref!r} in this checkout; fetch it (`git fetch origin {ref}`, in "
            "a workflow `fetch-depth: 0`) or name another base"
        )
    return Base(root, commit, ref, folder_of(root), fetch)


def folder_of(root: Path) -> str:
    """Where a folder lies in its repository: "" or a path that ends with a slash."""
    prefix = git.read(root, "rev-parse", "--show-prefix") or b""
    return prefix.decode("utf-8", "surrogateescape").removesuffix("\n")


def base_file(root: Path, commit: str, path: str, *, limit: int = LIMIT) -> BaseFile | None:
    """The file at a path from the repository's root; None where the objects are not here."""
    tree = git.read(root, "ls-tree", "-z", "--full-tree", commit, "--", path)
    if tree is None:
        return None
    mode, _, rest = tree.partition(b" ")
    if not tree or not mode.startswith(b"100"):  # absent, or a link or folder of that name
        return BaseFile(None)
    blob = rest.split(b"\t")[0].split()[-1].decode("ascii", "replace")
    size = git.read(root, "cat-file", "-s", blob)
    if size is None or int(size) > limit:
        return None
    payload = git.read(root, "cat-file", "blob", blob, timeout_s=git.LONGEST_S)
    return None if payload is None else BaseFile(payload)
