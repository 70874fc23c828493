"""Makes text of unknown origin harmless inside Markdown: it can be read, and does nothing else.

Used by the Markdown renderer for every path, label, column name, slice value and sentence, since
all of them may quote the repository. Markdown and HTML lose their meaning, names and numbers do
not turn into mentions or references, addresses do not turn into links, and control characters,
bidirectional overrides and newlines are gone.
"""

from __future__ import annotations

import re
import unicodedata

ZERO_WIDTH = "\u200b"
TEXT_LIMIT = 400
_ENTITIES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "|": "&#124;",
    "`": "&#96;",
    "*": "&#42;",
    "_": "&#95;",
    "~": "&#126;",
    "[": "&#91;",
    "]": "&#93;",
    "\\": "&#92;",
    "!": "&#33;",
    "$": "&#36;",
    "^": "&#94;",
}
_TABLE = str.maketrans(_ENTITIES)
# What GitHub turns into links by itself: @mention, #1 and GH-1, a commit's digits, an address.
_MENTION = re.compile(r"@(?=[A-Za-z0-9])")
_REFERENCE = re.compile(r"#(?=\d)|(?<=\bGH)-(?=\d)", re.IGNORECASE)
_ADDRESS = re.compile(r":(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
_COMMIT = re.compile(r"\b[0-9a-f]{7,64}\b", re.IGNORECASE)
_EMOJI = re.compile(r":(?=[a-z0-9+_-]+:)", re.IGNORECASE)
_LEADING = re.compile(r"^(\s*)([#+=-]|\d+[.)])")


def plain(text: str, limit: int = TEXT_LIMIT) -> str:
    """One line without control, format or surrogate characters, at most `limit` long."""
    line = " ".join(text[: limit * 8].split())
    kept = "".join(
        letter for letter in line if unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Co"}
    )
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


def inert(text: str, limit: int = TEXT_LIMIT) -> str:
    """`text` as Markdown that shows exactly these characters and does nothing."""
    line = plain(text, limit)
    line = _MENTION.sub("@" + ZERO_WIDTH, line)
    line = _REFERENCE.sub(lambda match: match[0] + ZERO_WIDTH, line)
    line = _ADDRESS.sub(lambda match: match[0] + ZERO_WIDTH, line)
    line = _COMMIT.sub(lambda match: _split(match[0]), line)
    line = _EMOJI.sub(":" + ZERO_WIDTH, line)
    line = _LEADING.sub(r"\1" + ZERO_WIDTH + r"\2", line)
    return line.translate(_TABLE)


def _split(digits: str) -> str:
    return ZERO_WIDTH.join(digits[start : start + 6] for start in range(0, len(digits), 6))


def code(text: str, limit: int = TEXT_LIMIT) -> str:
    """`text` set as code. An HTML element, because backticks inside would end a code span."""
    return f"<code>{inert(text, limit)}</code>"
