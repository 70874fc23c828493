"""The judged repository's files, read within bounds and never outside its root.

Used by every collector. Symbolic links are not followed, devices and pipes are not opened, and
folders that hold other people's or generated files are left out. It deliberately does not
interpret what it reads.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import BufferedReader
    from pathlib import Path

MAX_FILES = 20_000
MAX_TEXT = 2 << 20  # bytes of a text file that is looked at
IGNORED = frozenset(
    {
        *(".git", ".hg", ".svn", ".venv", "venv", "node_modules", "site-packages", ".eggs"),
        *("__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"),
        *(".tox", ".nox", ".terraform", ".ipynb_checkpoints"),
    }
)


class FileError(Exception):
    """A file of the repository that cannot be read; the message says why."""


@dataclass(frozen=True)
class File:
    """One regular file: `path` relative to the root with forward slashes, `size` in bytes."""

    path: str
    size: int

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Repository:
    """What was found under `root`. `notes` says in sentences what was left out.

    `elsewhere` maps a path to another root that it is read from, or to why it must not be read: a
    change is judged on the base's evaluation rows.
    """

    root: Path
    files: tuple[File, ...]
    notes: tuple[str, ...] = ()
    elsewhere: Mapping[str, Path | str] = field(default_factory=dict)
    _by_path: dict[str, File] = field(default_factory=dict, repr=False, compare=False)

    def find(self, path: str) -> File | None:
        """The file at exactly this path."""
        if not self._by_path:
            self._by_path.update((file.path, file) for file in self.files)
        return self._by_path.get(path)

    def matching(self, *patterns: str) -> Iterator[File]:
        """Files whose name or path matches a shell pattern, in order of path."""
        for file in self.files:
            if any(fnmatch(file.name, p) or fnmatch(file.path, p) for p in patterns):
                yield file

    def read_bytes(self, path: str, limit: int) -> bytes:
        """A file's content. Raises FileError when it is missing, special or above `limit` bytes."""
        return read_regular(self.root_of(path), path, limit)

    def root_of(self, path: str) -> Path:
        """The folder that a path is read below. Raises FileError where it must not be read."""
        place = self.elsewhere.get(path, self.root)
        if isinstance(place, str):
            raise FileError(place)
        return place

    def open(self, path: str, limit: int) -> BufferedReader:
        """A file open for reading, by the same rules. Raises FileError."""
        return open_regular(self.root_of(path), path, limit)

    def digest_of(self, path: str, limit: int) -> str:
        """`digest` of a file that is read piece by piece. Raises FileError."""
        with self.open(path, limit) as file:
            return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()

    def read_text(self, path: str, limit: int = MAX_TEXT) -> str:
        """A file's content as UTF-8, undecodable bytes replaced. Raises FileError."""
        return self.read_bytes(path, limit).decode("utf-8", "replace")


def scan(root: Path, limit: int = MAX_FILES) -> Repository:
    """Lists the regular files under `root`, sorted by path."""
    files: list[File] = []
    notes: list[str] = []
    for file in _walk(root):
        if len(files) >= limit:
            notes.append(f"only the first {limit} files of the repository were looked at")
            break
        files.append(file)
    return Repository(root, tuple(sorted(files, key=lambda file: file.path)), tuple(notes))


def _walk(root: Path) -> Iterator[File]:
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in IGNORED:
                    pending.append(path)
            elif entry.is_file(follow_symlinks=False):
                yield File(path, entry.stat(follow_symlinks=False).st_size)


def read_regular(root: Path, path: str, limit: int) -> bytes:
    """The bytes of a regular file below `root`, without following a link anywhere on the way.

    Raises FileError: missing, a link, a device, or larger than `limit`.
    """
    with open_regular(root, path, limit) as file:
        payload = file.read(limit + 1)
    if len(payload) > limit:
        raise FileError(f"{path} grew above {limit} bytes while it was read")
    return payload


def open_regular(root: Path, path: str, limit: int) -> BufferedReader:
    """A regular file below `root`, open for reading, without following a link on the way.

    Raises FileError: missing, a link, a device, or larger than `limit`.
    """
    file = os.fdopen(_open_below(root, path), "rb")
    status = os.fstat(file.fileno())
    if stat.S_ISREG(status.st_mode) and status.st_size <= limit:
        return file
    file.close()
    if not stat.S_ISREG(status.st_mode):
        raise FileError(f"{path} is not a regular file")
    raise FileError(f"{path} has {status.st_size} bytes, at most {limit} are read")


def read_head(root: Path, path: str, limit: int) -> bytes:
    """At most the first `limit` bytes of a regular file, by the same rules. Raises FileError."""
    descriptor = _open_below(root, path)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileError(f"{path} is not a regular file")
        return file.read(limit)


def _open_below(root: Path, path: str) -> int:
    """Opens component by component with O_NOFOLLOW, so that no link can lead out."""
    parts = path.split("/")
    if not path or any(part in {"", ".", ".."} for part in parts):
        raise FileError(f"{path!r} is not a path below the repository's root")
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            deeper = os.open(part, flags, dir_fd=folder)
            os.close(folder)
            folder = deeper
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(parts[-1], flags, dir_fd=folder)
    except FileNotFoundError as error:
        raise FileError(f"{path} does not exist") from error
    except OSError as error:
        raise FileError(f"{path} cannot be opened: {error.strerror or error}") from error
    finally:
        os.close(folder)


def digest(payload: bytes) -> str:
    """`sha256:<hex>` of some bytes."""
    return "sha256:" + hashlib.sha256(payload).hexdigest()
