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
    """What the runner would carry out: `::name::` after blanks, `##[name]` anywhere."""
    found = []
    for line in re.split(r"\r\n|\r|\n", text):
        plain = re.match(r"\s*::([^:]*?)(?:\s[^:]*)?::", line)
        old = re.search(r"##\[([^\]]*)\]", line)
        found += [each[1] for each in (plain, old) if each]
    return found
