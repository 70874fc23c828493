"""Reads what somebody typed after the slash command: forgiving about order, strict in meaning.

Called by the listeners. Pure: the verbs and targets that exist are arguments. Each word must be
exactly one of: a verb, a target, a weight, a commit or a filler; anything else is refused with the
nearest thing that exists, and nothing is ever done on a guess.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.escape import code, escaped
from bot.refusals import Denial, Refusal

LONGEST_TEXT = 200
LOWEST_WEIGHT, HIGHEST_WEIGHT = 1, 99
FILLERS = frozenset({"at", "for", "of", "on", "please", "to", "with"})
_WEIGHT = re.compile(r"[+-]?\d{1,6}(?:[.,]\d{1,6})?%|[+-]?\d{1,6}(?:[.,]\d{1,6})?")
_WHOLE = re.compile(r"(\d{1,3})%?")
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
# What Slack and keyboards put between words; anything else outside printable ASCII is refused.
_SPACES = re.compile(r"[ \t\u00a0]+")
_READABLE = re.compile(r"[\x20-\x7e\t\u00a0]*")


class Need(StrEnum):
    """How a verb stands to one kind of argument."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    NONE = "none"


@dataclass(frozen=True)
class Shape:
    """Which arguments a verb takes. A required target may come from the channel."""

    target: Need = Need.NONE
    weight: Need = Need.NONE
    commit: Need = Need.NONE
    topic: Need = Need.NONE  # another verb, as in `help canary`
    usage: str = ""


@dataclass(frozen=True)
class Command:
    """What was understood. `weight` is a whole per cent; `commit` may be abbreviated (7+ hex)."""

    verb: str
    target: str | None = None
    weight: int | None = None
    commit: str | None = None
    topic: str | None = None


@dataclass(frozen=True)
class Misread:
    """What could not be understood, as a refusal."""

    denial: Denial


@dataclass(frozen=True)
class Vocabulary:
    """Every word that means something here. `default_target` is the channel's own."""

    verbs: Mapping[str, Shape]
    targets: Collection[str]
    default_target: str | None = None


def reserved(name: str, verbs: Collection[str]) -> bool:
    """Whether a target of this name could be mistaken for another kind of word."""
    return (
        name in verbs
        or name in FILLERS
        or bool(_WEIGHT.fullmatch(name))
        or bool(_COMMIT.fullmatch(name))
    )


def parse(text: str, vocabulary: Vocabulary) -> Command | Misread:
    """The command in `text`; an empty text asks for help."""
    try:
        words = _words(text)
        return _Reader(vocabulary, words).read() if words else Command("help")
    except _Mistake as mistake:
        return Misread(mistake.denial)


class _Mistake(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, refusal: Refusal, rule: str, then: str) -> None:
        super().__init__(rule)
        self.denial = Denial(
            refusal, rule, "Anyone who may use the verb, once it reads well.", then
        )


def _words(text: str) -> list[str]:
    if len(text) > LONGEST_TEXT:
        rule = f"The text has {len(text):,} characters; a command has at most {LONGEST_TEXT}."
        raise _Mistake(Refusal.TEXT_UNREADABLE, rule, "Type the command by itself.")
    if not _READABLE.fullmatch(text):
        strange = next(c for c in text if not _READABLE.fullmatch(c))
        rule = (
            f"The text has the character U+{ord(strange):04X}, which looks like another or like "
            "nothing at all; commands use plain letters, digits and signs."
        )
        raise _Mistake(Refusal.TEXT_UNREADABLE, rule, "Type it anew instead of pasting it.")
    return [word for word in _SPACES.split(text.lower()) if word]


class _Reader:
    """Sorts the words into one command."""

    def __init__(self, vocabulary: Vocabulary, words: list[str]) -> None:
        self._known = vocabulary
        self._words = words
        self._found: dict[str, list[str]] = {"target": [], "weight": [], "commit": [], "topic": []}

    def read(self) -> Command:
        verb, rest = self._verb()
        shape = self._known.verbs[verb]
        for word in rest:
            self._sort(word, verb, shape)
        for kind, words in self._found.items():
            self._check_count(kind, words, shape, verb)
        weight = self._only("weight")
        return Command(
            verb,
            self._target(shape, verb),
            None if weight is None else _weight(weight),
            self._only("commit"),
            self._only("topic"),
        )

    def _verb(self) -> tuple[str, list[str]]:
        """The first word that is a verb; it need not come first."""
        for at, word in enumerate(self._words):
            if word in self._known.verbs:
                return word, self._words[:at] + self._words[at + 1 :]
        first = self._words[0]
        hint = _nearest(first, self._known.verbs)
        rule = f"{code(first, 40)} is not a verb.{hint}"
        known = ", ".join(f"`{verb}`" for verb in sorted(self._known.verbs))
        raise _Mistake(Refusal.UNKNOWN_VERB, rule, f"The verbs are {known}.")

    def _sort(self, word: str, verb: str, shape: Shape) -> None:
        kinds: tuple[tuple[str, Callable[[str], bool]], ...] = (
            ("target", lambda w: w in self._known.targets),
            ("weight", lambda w: bool(_WEIGHT.fullmatch(w))),
            ("commit", lambda w: bool(_COMMIT.fullmatch(w))),
            ("topic", lambda w: w in self._known.verbs),
        )
        for kind, fits in kinds:
            if fits(word):
                self._found[kind].append(word)
                return
        if word in FILLERS:
            return
        if shape.target is not Need.NONE:
            hint = _nearest(word, self._known.targets)
            rule = f"There is no target {code(word, 40)}.{hint}"
            raise _Mistake(Refusal.UNKNOWN_TARGET, rule, _targets(self._known.targets))
        rule = f"{code(word, 40)} means nothing to `{verb}`."
        raise _Mistake(Refusal.UNKNOWN_ARGUMENT, rule, f"Write it as `{shape.usage}`.")

    def _check_count(self, kind: str, words: list[str], shape: Shape, verb: str) -> None:
        need: Need = getattr(shape, kind)
        if need is Need.NONE and words:
            rule = f"`{verb}` takes no {kind}, and the text has {code(words[0], 40)}."
            raise _Mistake(Refusal.UNEXPECTED_ARGUMENT, rule, f"Write it as `{shape.usage}`.")
        if len(words) > 1:
            both = " and ".join(code(word, 40) for word in words[:3])
            rule = f"`{verb}` takes one {kind}, and the text has {both}."
            raise _Mistake(Refusal.UNEXPECTED_ARGUMENT, rule, f"Write it as `{shape.usage}`.")
        if kind == "weight" and need is Need.REQUIRED and not words:
            rule = f"`{verb}` needs the share of the traffic, in per cent."
            raise _Mistake(Refusal.MISSING_WEIGHT, rule, f"Write it as `{shape.usage}`.")

    def _target(self, shape: Shape, verb: str) -> str | None:
        if shape.target is Need.NONE:
            return None
        target = self._only("target") or self._known.default_target
        if target is None and shape.target is Need.REQUIRED:
            rule = f"`{verb}` needs a target, and this channel has none (or several) of its own."
            raise _Mistake(Refusal.MISSING_TARGET, rule, _targets(self._known.targets))
        return target

    def _only(self, kind: str) -> str | None:
        words = self._found[kind]
        return words[0] if words else None


def _weight(word: str) -> int:
    whole = _WHOLE.fullmatch(word)
    if whole is None or not LOWEST_WEIGHT <= int(whole[1]) <= HIGHEST_WEIGHT:
        rule = (
            f"{code(word, 40)} is no weight: a canary gets a whole per cent from "
            f"{LOWEST_WEIGHT} to {HIGHEST_WEIGHT}."
        )
        then = "Write it as `canary 25%`; to give a candidate everything, `promote` it."
        raise _Mistake(Refusal.BAD_WEIGHT, rule, then)
    return int(whole[1])


def _nearest(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean `{escaped(near[0])}`?" if near else ""


def _targets(targets: Collection[str]) -> str:
    named = sorted(targets)
    shown = ", ".join(f"`{escaped(name)}`" for name in named[:10])
    return f"The targets are {shown}{' and more' if len(named) > 10 else ''}."
