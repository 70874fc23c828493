"""What single words can mean: weights, commits, revisions, durations, or nothing at all."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection

from bot.escape import code, escaped
from bot.refusals import Denial, Refusal

LONGEST_TEXT, LONGEST_WITH_REASON = 200, 500
LOWEST_WEIGHT, HIGHEST_WEIGHT = 1, 99
LONGEST_DURATION_S = 30 * 86_400
FILLERS = frozenset({"at", "for", "in", "of", "on", "please", "to", "with"})
EXTENTS = frozenset({"full", "step"})
WEIGHT = re.compile(r"[+-]?\d{1,6}(?:[.,]\d{1,6})?%|[+-]?\d{1,6}(?:[.,]\d{1,6})?")
COMMIT = re.compile(r"[0-9a-f]{7,40}")
REVISION = re.compile(r"[a-z][a-z0-9-]{0,52}-[0-9a-f]{8,10}")
REQUEST = re.compile(r"slack-[0-9a-f]{20}")
DURATION = re.compile(r"(?=\d)(?:(\d{1,3})d)?(?:(\d{1,3})h)?(?:(\d{1,4})m(?:in)?)?")
_WHOLE = re.compile(r"(\d{1,3})%?")
# What Slack and keyboards put between words; anything else outside printable ASCII is refused.
_SPACES = re.compile(r"[ \t\u00a0]+")
_READABLE = re.compile(r"[\x20-\x7e\t\u00a0]*")
_UNITS = {"d": 86_400, "day": 86_400, "h": 3600, "hour": 3600, "m": 60, "min": 60, "minute": 60}


class Mistake(Exception):  # noqa: N818 - never leaves this package
    """A text that is no command."""

    def __init__(self, refusal: Refusal, rule: str, then: str) -> None:
        super().__init__(rule)
        self.denial = Denial(
            refusal, rule, "Anyone who may use the verb, once it reads well.", then
        )


def split(text: str) -> list[str]:
    """The words as they were typed."""
    if len(text) > LONGEST_WITH_REASON:
        raise too_long(text, LONGEST_WITH_REASON)
    return [word for word in _SPACES.split(text) if word]


def too_long(text: str, most: int) -> Mistake:
    """The text has more characters than a command may have."""
    rule = f"The text has {len(text):,} characters; a command has at most {most}."
    return Mistake(Refusal.TEXT_UNREADABLE, rule, "Type the command by itself.")


def check_readable(text: str, *, prose: bool) -> None:
    """Raises Mistake for characters that look like others or like nothing; `prose` allows every
    letter and sign that can be seen."""
    for character in text:
        visible = not unicodedata.category(character).startswith(("C", "Zl", "Zp"))
        if not (_READABLE.fullmatch(character) or (prose and visible)):
            rule = (
                f"The text has the character U+{ord(character):04X}, which looks like another or "
                "like nothing at all; commands use plain letters, digits and signs."
            )
            raise Mistake(Refusal.TEXT_UNREADABLE, rule, "Type it anew instead of pasting it.")


def weight(word: str) -> int:
    """A whole per cent. Raises Mistake."""
    whole = _WHOLE.fullmatch(word)
    if whole is None or not LOWEST_WEIGHT <= int(whole[1]) <= HIGHEST_WEIGHT:
        rule = (
            f"{code(word, 40)} is no weight: a canary gets a whole per cent from "
            f"{LOWEST_WEIGHT} to {HIGHEST_WEIGHT}."
        )
        then = "Write it as `canary 25%`; to give a candidate everything, `promote` it."
        raise Mistake(Refusal.BAD_WEIGHT, rule, then)
    return int(whole[1])


def duration(word: str, unit: str = "") -> int | None:
    """Seconds of `2h`, `1d12h`, or of `2` with the next word `hours`; None for other words.

    Raises Mistake for one that is too long or nothing.
    """
    if word.isascii() and word.isdigit() and len(word) <= 4:
        factor = _UNITS.get(unit.lower().removesuffix("s") or "?")
        seconds = None if factor is None else int(word) * factor
    else:
        parts = DURATION.fullmatch(word.lower())
        numbers = [int(part or 0) for part in parts.groups()] if parts else []
        seconds = numbers[0] * 86_400 + numbers[1] * 3600 + numbers[2] * 60 if numbers else None
    if seconds is not None and not 60 <= seconds <= LONGEST_DURATION_S:
        rule = f"{code(f'{word} {unit}'.strip(), 40)} is not between a minute and 30 days."
        raise Mistake(Refusal.BAD_DURATION, rule, "Write it as `30m`, `2h` or `1d`.")
    return seconds


def nearest(word: str, known: Collection[str], cutoff: float = 0.6) -> str:
    """` Did you mean ...?`, or nothing."""
    near = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=cutoff)
    return f" Did you mean `{escaped(near[0])}`?" if near else ""


def listed(kind: str, names: Collection[str]) -> str:
    """`The targets are ...`, the first ten."""
    shown = ", ".join(f"`{escaped(name)}`" for name in sorted(names)[:10])
    return f"The {kind} are {shown}{' and more' if len(names) > 10 else ''}."
