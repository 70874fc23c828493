"""Documentation pages and scripts: headings about a topic that say what to do, dated records.

Used by the deployment and documentation checks. A way back counts only when its section holds a
command, because a title alone helps nobody at three in the morning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.evidence import commands
from checks.evidence.repository import FileError
from checks.report import Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from checks.evidence.repository import Repository

PAGES = ("*.md", "*.rst", "*.adoc")
MAX_PAGES = 500
MAX_SECTION = 50_000  # characters
ROLL_BACK = re.compile(r"\broll(?:ing|ed)?[\s_-]?backs?\b|\brevert(?:ing)?\b", re.IGNORECASE)
DRILL = re.compile(r"\b(?:drill|rehears|game[\s-]?day|tried|tested)", re.IGNORECASE)
DATE = re.compile(r"\b20\d\d-[01]\d-[0-3]\d\b")
_HEADING = re.compile(r"(?P<level>#{1,6}|={2,6})\s+(?P<title>.+)")
_UNDERLINE = re.compile(r"([=~^-])\1{2,}\s*$")
_COMMAND = re.compile(r"^(?: {4}|\t)\S|^\s*(?:```|~~~|\.\. code|\[source)|`[^`\s]+\s[^`]+`")


@dataclass(frozen=True)
class Section:
    """One heading and the lines up to the next one."""

    path: str
    line: int
    title: str
    lines: tuple[str, ...]
    level: int = 1  # 1 is a page's title

    @property
    def where(self) -> Location:
        """The heading's place."""
        return Location(self.path, self.line)

    @property
    def has_commands(self) -> bool:
        """Whether the section shows something to type."""
        return has_commands(self.lines)


def has_commands(lines: Iterable[str]) -> bool:
    """Whether some line shows something to type."""
    return any(_COMMAND.search(line[:1000]) for line in lines)


def sections(repository: Repository) -> Iterator[Section]:
    """Every section of every page."""
    for file in list(repository.matching(*PAGES))[:MAX_PAGES]:
        try:
            text = repository.read_text(file.path)
        except FileError:
            continue
        yield from parse(text, file.path)


def parse(text: str, path: str) -> Iterator[Section]:
    """The sections of one page, Markdown or reStructuredText."""
    title, start, level, body = "", 0, 1, list[str]()
    previous = ""
    fenced = False
    front = _front_matter_lines(text)
    for number, line in enumerate(text.splitlines(), start=1):
        if number <= front:
            continue
        fenced ^= line.lstrip().startswith(("```", "~~~"))
        heading = None if fenced else _HEADING.match(line)
        underlined = not fenced and previous.strip() and _UNDERLINE.match(line)
        if heading or underlined:
            if start:
                yield Section(path, start, title, tuple(body), level)
            level = len(heading["level"]) if heading else 1 + (line[0] != "=")
            title = heading["title"].strip() if heading else previous.strip()
            start, body = (number if heading else number - 1), []
        else:
            body.append(line)
        previous = line
    if start:
        yield Section(path, start, title, tuple(body), level)


def _front_matter_lines(text: str) -> int:
    """How many lines at the top are a page's metadata; their end is no underlined heading."""
    end = re.search(r"^---\s*?$", text[4:], re.MULTILINE) if text.startswith("---\n") else None
    return text.count("\n", 0, 4 + end.end()) + 1 if end else 0


def roll_back_sections(found: list[Section]) -> tuple[Location, ...]:
    """Sections that show the command of a rollback, or are about it and show any command."""
    return tuple(s.where for s in found if _rolls_back(s))


def _rolls_back(section: Section) -> bool:
    if ROLL_BACK.search(section.title[:200]) and section.has_commands:
        return True
    text = " ".join(section.lines)[:MAX_SECTION]  # a command may be broken over two lines
    return commands.ROLL_BACK.search(text) is not None


def drill_records(found: list[Section]) -> tuple[Location, ...]:
    """Dated lines that say a rollback was tried."""
    return tuple(
        Location(section.path, section.line + offset)
        for section in found
        for offset, line in enumerate(section.lines, start=1)
        if DATE.search(line[:500]) and ROLL_BACK.search(line[:500]) and DRILL.search(line[:500])
    )
