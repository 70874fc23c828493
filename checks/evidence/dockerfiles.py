"""What Dockerfiles say about the image that is built: bases, user, health check.

Used by the deployment check. It reads instructions and build arguments' defaults; it builds
nothing and asks no registry.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.evidence.repository import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.evidence.repository import Repository

PATTERNS = ("Dockerfile", "Dockerfile.*", "*.Dockerfile", "Containerfile", "Containerfile.*")
MAX_FILES = 50
_FROM = re.compile(r"(?:--platform=\S+\s+)?(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{?(\w+)(?::-([^}]*))?\}?")
_NON_ROOT_BASE = re.compile(r":(?:[\w.-]*-)?nonroot\b|^cgr\.dev/")


@dataclass(frozen=True)
class Instruction:
    """One instruction, its line and its arguments with continuation lines joined."""

    name: str
    arguments: str
    line: int


@dataclass(frozen=True)
class Dockerfile:
    """The final stage of one Dockerfile, which is what runs."""

    path: str
    base: str
    base_line: int
    user: str | None
    user_line: int | None
    healthcheck_line: int | None

    @property
    def base_is_pinned(self) -> bool:
        """Whether the base is named by digest or by a tag with a version in it."""
        return is_pinned(self.base)

    @property
    def runs_as_root(self) -> bool:
        """Whether the process runs as root, as it does unless something says otherwise."""
        if self.user is None:
            return not _NON_ROOT_BASE.search(self.base)
        name = self.user.partition(":")[0].strip()
        return name in {"root", "0", ""} or name.startswith("$")


def is_pinned(image: str) -> bool:
    """Whether an image reference means the same image tomorrow: a digest, or a version tag."""
    if image == "scratch":
        return True
    name, at, found = image.partition("@")
    if at:
        return bool(re.fullmatch(r"sha256:[0-9a-f]{64}", found))
    tag = tag_of(name)
    return tag is not None and tag != "latest" and any(letter.isdigit() for letter in tag)


def tag_of(image: str) -> str | None:
    """The tag of an image reference without a digest, None when it has none."""
    last = image.partition("@")[0].rpartition("/")[2]
    _, colon, tag = last.partition(":")
    return tag if colon else None


def is_latest(image: str) -> bool:
    """Whether the reference floats: `:latest`, or neither tag nor digest."""
    return "@" not in image and image != "scratch" and tag_of(image) in {None, "latest"}


def collect(repository: Repository) -> tuple[Dockerfile, ...]:
    """Every Dockerfile that has a FROM."""
    found = []
    for file in list(repository.matching(*PATTERNS))[:MAX_FILES]:
        try:
            parsed = parse(repository.read_text(file.path), file.path)
        except FileError:
            continue
        if parsed is not None:
            found.append(parsed)
    return tuple(found)


def parse(text: str, path: str) -> Dockerfile | None:
    """The final stage of a Dockerfile, None without a FROM. Stages may build on one another."""
    defaults: dict[str, str] = {}
    stages: dict[str, Dockerfile] = {}
    current: Dockerfile | None = None
    for instruction in instructions(text):
        name, arguments = instruction.name, instruction.arguments
        if name == "ARG" and current is None:
            key, _, value = arguments.partition("=")
            defaults[key.strip()] = value.strip().strip("\"'")
        elif name == "FROM":
            current = _stage(arguments, instruction.line, path, defaults, stages)
        elif current is not None:
            current = _within(current, instruction)
        if current is not None:
            stages[_stage_name(stages, name, arguments)] = current
    return current


def instructions(text: str) -> Iterator[Instruction]:
    """Instructions in order, comments and blank lines left out, here-documents skipped."""
    pending, start, until = "", 0, None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if until is not None:
            until = None if line == until else until
            continue
        if line.startswith("#") or (not line and not pending):
            continue
        start = start if pending else number
        if line.endswith("\\"):
            pending += line[:-1] + " "
            continue
        whole, pending = (pending + line).strip(), ""
        name, _, arguments = whole.partition(" ")
        yield Instruction(name.upper(), arguments.strip(), start)
        document = re.search(r"<<-?[\"']?(\w+)[\"']?", arguments)
        if document and name.upper() in {"RUN", "COPY"}:
            until = document[1]


def _stage(
    arguments: str, line: int, path: str, defaults: dict[str, str], stages: dict[str, Dockerfile]
) -> Dockerfile | None:
    match = _FROM.match(arguments)
    if match is None:
        return None
    image = _VARIABLE.sub(
        lambda found: defaults.get(found[1]) or found[2] or found[0], match[1].strip("\"'")
    )
    earlier = stages.get(image.lower())
    if earlier is not None:
        return earlier
    return Dockerfile(path, image, line, None, None, None)


def _within(stage: Dockerfile, instruction: Instruction) -> Dockerfile:
    user, user_line, health = stage.user, stage.user_line, stage.healthcheck_line
    if instruction.name == "USER":
        user, user_line = instruction.arguments, instruction.line
    if instruction.name == "HEALTHCHECK":
        health = None if instruction.arguments.upper() == "NONE" else instruction.line
    return Dockerfile(stage.path, stage.base, stage.base_line, user, user_line, health)


def _stage_name(stages: dict[str, Dockerfile], name: str, arguments: str) -> str:
    """The key of the stage being read: its alias, else its number."""
    if name == "FROM":
        match = _FROM.match(arguments)
        alias = match[2] if match else None
        return (alias or f"#{len(stages)}").lower()
    return next(reversed(stages))
