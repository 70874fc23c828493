"""Verbs that end in a reason: targets, environments and a duration first, then the person's words.

A first word of the reason that nearly is a target or an environment is refused: it would otherwise
lock something else than was meant.
"""

from __future__ import annotations

from bot.escape import code
from bot.grammar.shape import Command, Need, Shape, Vocabulary
from bot.grammar.words import FILLERS, Mistake, duration, listed, nearest
from bot.refusals import Refusal

_QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u2018": "\u2019", "\u201d": "\u201d"}
ALIKE = 0.75


def read_prose(verb: str, words: list[str], shape: Shape, known: Vocabulary) -> Command:
    """The command without the channel's defaults. Raises Mistake."""
    reader = _Reader(verb, words, shape, known)
    at = 0
    while at < len(words) and (used := reader.take(at)):
        at += used
    rest = " ".join(words[at:])
    reason = _unquoted(rest)
    if reason and reason == rest:
        _check_no_near_miss(words[at], known)
    if shape.reason is Need.REQUIRED and not reason:
        rule = f"`{verb}` needs a reason, which everybody will see."
        raise Mistake(Refusal.MISSING_REASON, rule, f"Write it as `{shape.usage}`.")
    return Command(
        verb,
        target=reader.names.get("target"),
        environment=reader.names.get("environment"),
        duration_s=reader.seconds,
        reason=reason,
    )


class _Reader:
    """Takes the arguments that stand before the reason."""

    def __init__(self, verb: str, words: list[str], shape: Shape, known: Vocabulary) -> None:
        self._verb, self._words, self._shape, self._known = verb, words, shape, known
        self.names: dict[str, str] = {}
        self.seconds: int | None = None

    def take(self, at: int) -> int:
        """How many words from `at` on are an argument; 0 where the reason begins."""
        word = self._words[at].lower()
        known = (("target", self._known.targets), ("environment", self._known.environments))
        for kind, names in known:
            if word in names:
                self._check(kind, word, again=kind in self.names)
                self.names[kind] = word
                return 1
        if self._shape.duration is not Need.NONE and (used := self._duration(at, word)):
            return used
        return 1 if word in FILLERS else 0

    def _duration(self, at: int, word: str) -> int:
        following = self._words[at + 1] if at + 1 < len(self._words) else ""
        seconds = duration(word, following)
        if seconds is not None:
            self._check("duration", word, again=self.seconds is not None)
            self.seconds = seconds
            return 2 if word.isdigit() else 1
        if at and self._words[at - 1].lower() == "for" and word[0].isdigit():
            rule = f"{code(word, 40)} is no duration."
            raise Mistake(Refusal.BAD_DURATION, rule, "Write it as `30m`, `2h` or `1d`.")
        return 0

    def _check(self, kind: str, word: str, *, again: bool) -> None:
        taken = getattr(self._shape, kind) is not Need.NONE
        if taken and not again:
            return
        some = "one" if taken else "no"
        rule = f"`{self._verb}` takes {some} {kind}, and the text has {code(word, 40)}."
        then = f"Write it as `{self._shape.usage}`; a reason that begins so goes into quotes."
        raise Mistake(Refusal.UNEXPECTED_ARGUMENT, rule, then)


def _unquoted(text: str) -> str:
    closing = _QUOTES.get(text[:1])
    return text[1:-1].strip() if closing and len(text) > 1 and text[-1] == closing else text


def _check_no_near_miss(word: str, known: Vocabulary) -> None:
    hint = nearest(word, [*known.targets, *known.environments], ALIKE)
    if hint:
        rule = f"There is no target {code(word, 40)}.{hint}"
        then = f"{listed('targets', known.targets)} A reason that begins so goes into quotes."
        raise Mistake(Refusal.UNKNOWN_TARGET, rule, then)
