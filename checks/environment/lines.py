"""Reads requirements files as pip writes them: packages, digests, `-r` and `-c`; nothing else.

Used by `checks.environment.find`. Addresses of registries, packages from version control, from
other addresses and from folders are left out and said so: a pull request chooses which packages are
installed, never where they come from.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from checks.environment.wanted import (
    MAX_LINES,
    Requirements,
    RequirementsError,
    Wanted,
    left_out,
    wanted,
)
from checks.evidence.repository import FileError

if TYPE_CHECKING:
    from checks.evidence.repository import Repository

MAX_FILES = 20
_HASH = re.compile(r"\s--hash[=\s](sha(?:256|384|512):[0-9a-fA-F]+)")
_INCLUDE = re.compile(r"(-r|--requirement|-c|--constraint)(?:\s+|=)?(\S.*)")
_OPTION = re.compile(r"\s--?[a-z].*$")
_QUIET = ("--require-hashes", "--only-binary", "--prefer-binary", "--no-binary", "--pre")


@dataclass
class Lines:
    """What was read so far."""

    packages: list[Wanted] = field(default_factory=list)
    constraints: list[Wanted] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def add(self, text: str, where: str, *, constrain: bool = False) -> None:
        """One line that names a package."""
        hashes = tuple(_HASH.findall(text))
        each = wanted(_OPTION.sub("", _HASH.sub("", text)).strip(), hashes)
        if each is None:
            self.left_out.append(left_out(where, text))
        else:
            (self.constraints if constrain else self.packages).append(each)


def read(repository: Repository, path: str) -> Requirements:
    """The file at `path` and those it includes. Raises RequirementsError."""
    lines = Lines()
    _file(repository, path, lines, constrain=False)
    return Requirements(
        path, tuple(lines.packages), tuple(lines.constraints), tuple(lines.left_out)
    )


def _file(repository: Repository, path: str, lines: Lines, *, constrain: bool) -> None:
    if path in lines.files:
        return
    if len(lines.files) >= MAX_FILES:
        raise RequirementsError(f"{path}: more than {MAX_FILES} requirements files include another")
    lines.files.append(path)
    try:
        text = repository.read_text(path)
    except FileError as error:
        raise RequirementsError(str(error)) from error
    for number, line in _joined(text):
        include = _INCLUDE.match(line)
        where = f"{path}:{number}"
        if include and "://" not in include[2]:
            nested = posixpath.normpath(posixpath.join(posixpath.dirname(path), include[2].strip()))
            _file(
                repository,
                nested,
                lines,
                constrain=constrain or include[1].startswith(("-c", "--c")),
            )
        elif line.startswith("-"):
            if not line.startswith(_QUIET):
                lines.left_out.append(left_out(where, line))
        else:
            lines.add(line, where, constrain=constrain)
        if len(lines.packages) + len(lines.constraints) + len(lines.left_out) > MAX_LINES:
            raise RequirementsError(f"{path}: more than {MAX_LINES} lines, which nobody wrote")


def _joined(text: str) -> list[tuple[int, str]]:
    """Logical lines without comments, with the number of their first line."""
    found: list[tuple[int, str]] = []
    pieces: list[str] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = re.sub(r"(^|\s)#.*$", "", raw).rstrip()
        pieces.append(line.removesuffix("\\"))
        if not line.endswith("\\"):
            joined = " ".join(pieces).strip()
            if joined:
                found.append((number - len(pieces) + 1, joined))
            pieces = []
    if pieces and " ".join(pieces).strip():
        found.append((len(text.splitlines()) - len(pieces) + 1, " ".join(pieces).strip()))
    return found
