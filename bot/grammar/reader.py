"""Sorts words into one command, or says why it cannot."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bot.escape import code
from bot.grammar import words as meaning
from bot.grammar.prose import read_prose
from bot.grammar.shape import Command, Misread, Need, Shape, Vocabulary
from bot.grammar.words import EXTENTS, FILLERS, Mistake, listed, nearest
from bot.refusals import Refusal

KINDS = ("target", "environment", "weight", "commit", "revision", "request", "extent", "topic")
_PATTERNS = {
    "weight": meaning.WEIGHT,
    "commit": meaning.COMMIT,
    "request": meaning.REQUEST,
    "revision": meaning.REVISION,
}


def reserved(name: str, verbs: Collection[str]) -> bool:
    """Whether a target or environment of this name could be mistaken for another kind of word."""
    return (
        name in verbs
        or name in FILLERS
        or name in EXTENTS
        or bool(meaning.DURATION.fullmatch(name))
        or any(pattern.fullmatch(name) for pattern in _PATTERNS.values())
    )


def parse(text: str, vocabulary: Vocabulary) -> Command | Misread:
    """The command in `text`; an empty text asks for help."""
    try:
        words = meaning.split(text)
        return _read(text, words, vocabulary) if words else Command("help")
    except Mistake as mistake:
        return Misread(mistake.denial)


def _read(text: str, words: list[str], known: Vocabulary) -> Command:
    at = _verb_at(text, words, known.verbs)
    verb = words[at].lower()
    shape = known.verbs[verb]
    rest = words[:at] + words[at + 1 :]
    prose = shape.reason is not Need.NONE
    if not prose and len(text) > meaning.LONGEST_TEXT:
        raise meaning.too_long(text, meaning.LONGEST_TEXT)
    meaning.check_readable(text, prose=prose)
    if prose:
        return _placed(read_prose(verb, rest, shape, known), shape, known)
    return _placed(_Reader(known, verb, shape).read([word.lower() for word in rest]), shape, known)


def _verb_at(text: str, words: list[str], verbs: Mapping[str, Shape]) -> int:
    """Where the first word is that is a verb; it need not come first."""
    for at, word in enumerate(words):
        if word.lower() in verbs:
            return at
    if len(text) > meaning.LONGEST_TEXT:
        raise meaning.too_long(text, meaning.LONGEST_TEXT)
    meaning.check_readable(text, prose=False)
    first = words[0]
    hint = nearest(first, verbs) or nearest("-".join(words[:2]), verbs, 0.8)
    known = ", ".join(f"`{verb}`" for verb in sorted(verbs))
    rule = f"{code(first, 40)} is not a verb.{hint}"
    raise Mistake(Refusal.UNKNOWN_VERB, rule, f"The verbs are {known}.")


def _placed(command: Command, shape: Shape, known: Vocabulary) -> Command:
    """With the channel's own target and environment where none was named."""
    target, place = command.target, command.environment
    if shape.target is not Need.NONE:
        target = target or known.default_target
    if shape.target is Need.REQUIRED and target is None:
        rule = (
            f"`{command.verb}` needs a target, and this channel has none (or several) of its own."
        )
        raise Mistake(Refusal.MISSING_TARGET, rule, listed("targets", known.targets))
    if shape.environment is not Need.NONE:
        place = known.default_environment if place is None else place
    if shape.environment is Need.REQUIRED and place is None:
        rule = f"`{command.verb}` needs an environment, and this channel is not one's own."
        raise Mistake(Refusal.MISSING_ENVIRONMENT, rule, listed("environments", known.environments))
    return Command(**{**vars(command), "target": target, "environment": place})


class _Reader:
    """Sorts the words of a verb that takes no reason."""

    def __init__(self, known: Vocabulary, verb: str, shape: Shape) -> None:
        self._known, self._verb, self._shape = known, verb, shape
        self._found: dict[str, list[str]] = {kind: [] for kind in KINDS}

    def read(self, words: list[str]) -> Command:
        for word in words:
            if (kind := self._kind(word)) is not None:
                self._found[kind].append(word)
            elif word not in FILLERS:
                raise self._stray(word)
        for kind, found in self._found.items():
            self._check_count(kind, found)
        only = {kind: found[0] for kind, found in self._found.items() if found}
        return Command(
            self._verb,
            target=only.get("target"),
            environment=only.get("environment"),
            weight=meaning.weight(only["weight"]) if "weight" in only else None,
            commit=only.get("commit"),
            revision=only.get("revision"),
            request=only.get("request"),
            extent=only.get("extent"),
            topic=only.get("topic"),
        )

    def _kind(self, word: str) -> str | None:
        if word in self._known.targets:
            return "target"
        if word in self._known.environments:
            return "environment"
        if word in EXTENTS and self._shape.extent is not Need.NONE:
            return "extent"
        if self._shape.revision is not Need.NONE and meaning.COMMIT.fullmatch(word):
            return "revision"
        for kind, pattern in _PATTERNS.items():
            if pattern.fullmatch(word) and not self._only_prose(kind):
                return kind
        return "topic" if word in self._known.verbs else None

    def _only_prose(self, kind: str) -> bool:
        """A name such as `fraud-deadbeef` is nothing to a verb that takes no revision."""
        return kind in ("revision", "request") and getattr(self._shape, kind) is Need.NONE

    def _stray(self, word: str) -> Mistake:
        if self._shape.target is not Need.NONE:
            known = [*self._known.targets, *self._known.environments]
            rule = f"There is no target {code(word, 40)}.{nearest(word, known)}"
            return Mistake(Refusal.UNKNOWN_TARGET, rule, listed("targets", self._known.targets))
        rule = f"{code(word, 40)} means nothing to `{self._verb}`."
        hint = nearest(word, self._known.verbs if self._shape.topic is not Need.NONE else ())
        usage = f"Write it as `{self._shape.usage}`."
        return Mistake(Refusal.UNKNOWN_ARGUMENT, f"{rule}{hint}", usage)

    def _check_count(self, kind: str, words: list[str]) -> None:
        need: Need = getattr(self._shape, kind)
        usage = f"Write it as `{self._shape.usage}`."
        if need is Need.NONE and words:
            rule = f"`{self._verb}` takes no {kind}, and the text has {code(words[0], 40)}."
            raise Mistake(Refusal.UNEXPECTED_ARGUMENT, rule, usage)
        if len(words) > 1:
            both = " and ".join(code(word, 40) for word in words[:3])
            rule = f"`{self._verb}` takes one {kind}, and the text has {both}."
            raise Mistake(Refusal.UNEXPECTED_ARGUMENT, rule, usage)
        if kind == "weight" and need is Need.REQUIRED and not words:
            rule = f"`{self._verb}` needs the share of the traffic, in per cent."
            raise Mistake(Refusal.MISSING_WEIGHT, rule, usage)
