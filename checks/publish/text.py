"""Text that GitHub takes: cleaned of what JSON or a terminal trips over, and cut to size. Pure.

Sizes are counted in UTF-8 bytes although GitHub speaks of characters: bytes are never fewer, so the
bound holds whichever it counts.
"""

from __future__ import annotations

import re

# Control characters but tab and newline, and the marks that reorder what a reader sees.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")


def clean(text: str) -> str:
    """`text` as UTF-8 can hold it, without control characters or direction overrides."""
    sound = text.encode("utf-8", "replace").decode("utf-8")
    return _INVISIBLE.sub("", sound.replace("\r\n", "\n").replace("\r", "\n"))


def cut(text: str, limit: int) -> str:
    """At most `limit` bytes of plain text, with an ellipsis where something is left out."""
    raw = text.encode()
    if len(raw) <= limit:
        return text
    return raw[: max(limit - 3, 0)].decode("utf-8", "ignore") + "…"


def cut_markdown(text: str, limit: int, note: str) -> str:
    """At most `limit` bytes of Markdown: whole lines, what is open closed again, then `note`."""
    if len(text.encode()) <= limit:
        return text
    lines = cut(text, limit).split("\n")
    while lines:
        lines.pop()
        whole = "\n".join([*lines, *_closers(lines), "", note, ""])
        if len(whole.encode()) <= limit:
            return whole
    return cut(note, limit)


def _closers(lines: list[str]) -> list[str]:
    fence, details = "", 0
    for line in lines:
        found = _FENCE.match(line)
        if fence:
            fence = "" if line.strip().startswith(fence) and not line.strip(" `~") else fence
        elif found:
            fence = found[1]
        else:
            details += line.count("<details") - line.count("</details>")
    return [fence] * bool(fence) + ["", "</details>"] * max(details, 0)
