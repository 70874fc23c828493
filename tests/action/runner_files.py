"""How the runner reads what an action leaves: outputs and log lines, by the runner's own rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def parse_outputs(path: Path) -> dict[str, str]:
    """A file command file: `name=value` lines and `name<<delimiter` blocks."""
    found: dict[str, str] = {}
    lines = path.read_text(encoding="utf-8").split("\n")
    while lines:
        line = lines.pop(0)
        if not line:
            continue
        name, equals, value = line.partition("=")
        block, heredoc, delimiter = line.partition("<<")
        if heredoc and (not equals or len(block) < len(name)):
            end = lines.index(delimiter)
            found[block], lines = "\n".join(lines[:end]), lines[end + 1 :]
        else:
            found[name] = value
    return found


def commands(text: str) -> list[str]:
    """What the runner would take for a command, whether it knows that name or not.

    Its own two rules (`ActionCommand.TryParseV2` and `TryParse` of actions/runner): after blanks a
    line begins with `::`, and a further `::` ends name and properties; or `##[` stands anywhere and
    a `]` follows.
    """
    found = []
    for line in re.split(r"\r\n|\r|\n", text):
        begun = line.lstrip()
        end = begun.find("::", 2) if begun.startswith("::") else -1
        if end >= 0:
            found.append(begun[2:end].split(" ")[0])
        start = line.find("##[")
        end = line.find("]", start + 3) if start >= 0 else -1
        if end >= 0:
            found.append(line[start + 3 : end].split(" ")[0])
    return found
