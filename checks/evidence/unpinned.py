"""Requirements that an image is built from and that fix no version.

Used by the deployment check. Only files that a Dockerfile gives to pip count: what a developer
installs is no business of a release. A version below or above some other is no fixed one.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.evidence import dockerfiles
from checks.evidence.repository import FileError
from checks.report import Location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.evidence.repository import Repository

MAX_FILES = 20
_INSTALLS = re.compile(r"\bpip3?\s+install\b[^;&|]*")
_GIVEN = re.compile(r"(?:-r|--requirement)[\s=]+([^\s;&|]+)")
_NAME = re.compile(r"^([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*([^;#\s]?[^;#]*)")


@dataclass(frozen=True)
class Unpinned:
    """One requirements file, what installs it, and its packages without a version."""

    dockerfile: str
    packages: tuple[str, ...]
    where: Location  # of the first of them


def collect(repository: Repository) -> tuple[Unpinned, ...]:
    """Every such file once."""
    found: dict[str, Unpinned] = {}
    for file in list(repository.matching(*dockerfiles.PATTERNS))[:MAX_FILES]:
        for path in _installed(repository, file.path):
            loose = list(_loose(repository, path))
            if loose:
                names = tuple(name for name, _ in loose)
                found.setdefault(path, Unpinned(file.path, names, Location(path, loose[0][1])))
    return tuple(found.values())


def _installed(repository: Repository, dockerfile: str) -> Iterator[str]:
    """The files of the tree that a Dockerfile gives to pip: beside it, or from the root."""
    try:
        text = repository.read_text(dockerfile)
    except FileError:
        return
    for instruction in dockerfiles.instructions(text):
        for command in (
            _INSTALLS.findall(instruction.arguments) if instruction.name == "RUN" else ()
        ):
            for given in _GIVEN.findall(command):
                name = posixpath.basename(given)
                beside = posixpath.join(posixpath.dirname(dockerfile), name)
                yield from (path for path in (beside, name) if repository.find(path))


def _loose(repository: Repository, path: str) -> Iterator[tuple[str, int]]:
    """Names of packages without a fixed version, with their lines."""
    try:
        lines = repository.read_text(path).splitlines()
    except FileError:
        return
    for number, line in enumerate(lines, start=1):
        match = _NAME.match(line.strip()[:500])
        if match and not match[2].startswith(("==", "@")):
            yield match[1], number
