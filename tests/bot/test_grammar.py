"""What is understood, and that nothing else is."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import catalogue
from bot.grammar import Command, Misread, Vocabulary, parse, reserved
from bot.refusals import Refusal

SHAPES = {name: verb.shape for name, verb in catalogue().items()}
KNOWN = Vocabulary(SHAPES, ["fraud", "lending", "lending-eu"], "lending")
PLACES = Vocabulary(SHAPES, ["fraud", "lending"], "lending", ["staging", "prod"], None)
NO_DEFAULT = Vocabulary(SHAPES, ["fraud", "lending"])


def at(verb: str, target: str = "lending", **more: Any) -> Command:
    return Command(verb, target, environment="", **more)


def misread(text: str, vocabulary: Vocabulary = KNOWN) -> Misread:
    read = parse(text, vocabulary)
    assert isinstance(read, Misread), read
    return read


@pytest.mark.parametrize(
    "words", list(itertools.permutations(["canary", "25%", "fraud", "1a2b3c4"])), ids=" ".join
)
def test_order_does_not_matter(words: tuple[str, ...]) -> None:
    assert parse(" ".join(words), KNOWN) == at("canary", "fraud", weight=25, commit="1a2b3c4")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("", Command("help")),
        ("  ", Command("help")),
        ("canary 25", at("canary", weight=25)),
        ("CANARY 25% of Fraud", at("canary", "fraud", weight=25)),
        ("canary fraud at 1%", at("canary", "fraud", weight=1)),
        ("canary\u00a099% please", at("canary", weight=99)),
        ("canary 5 " + "ab" * 20, at("canary", weight=5, commit="ab" * 20)),
        ("canary 5 1234567", at("canary", weight=5, commit="1234567")),
        ("rollback", at("rollback")),
        ("promote fraud", at("promote", "fraud")),
        ("status", at("status")),
        ("help canary", Command("help", topic="canary")),
        ("whoami", Command("whoami")),
        ("promote full", at("promote", extent="full")),
        ("full promote fraud", at("promote", "fraud", extent="full")),
        ("rollback to 1a2b3c4d", at("rollback", revision="1a2b3c4d")),
        ("rollback fraud to fraud-1a2b3c4d", at("rollback", "fraud", revision="fraud-1a2b3c4d")),
        ("auto fraud 1a2b3c4", at("auto", "fraud", commit="1a2b3c4")),
        ("approve slack-" + "ab" * 10, at("approve", request="slack-" + "ab" * 10)),
        ("lock for 2h Bad data", at("lock", duration_s=7200, reason="Bad data")),
        (
            "lock fraud for 2 hours Bad data",
            at("lock", "fraud", duration_s=7200, reason="Bad data"),
        ),
        ("lock 1d12h: see INC-1", at("lock", reason="1d12h: see INC-1")),
        ("lock for maintenance of fraud", at("lock", reason="maintenance of fraud")),
        ('lock "fraude is odd"', at("lock", reason="fraude is odd")),
        ("lock \u201cfraude is odd\u201d", at("lock", reason="fraude is odd")),
        ("lock für 2h", at("lock", reason="für 2h")),
        (
            "freeze for 30m Umzug",
            Command("freeze", environment="", duration_s=1800, reason="Umzug"),
        ),
        ("unlock fraud", at("unlock", "fraud")),
        ("stop-all fire", Command("stop-all", environment="", reason="fire")),
    ],
)
def test_is_understood(text: str, command: Command) -> None:
    assert parse(text, KNOWN) == command


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("canery 25%", Refusal.UNKNOWN_VERB, "Did you mean `canary`?"),
        ("deploy", Refusal.UNKNOWN_VERB, "is not a verb"),
        ("25%", Refusal.UNKNOWN_VERB, "is not a verb"),
        ("canary 25% freud", Refusal.UNKNOWN_TARGET, "Did you mean `fraud`?"),
        ("rollback lendign", Refusal.UNKNOWN_TARGET, "Did you mean `lending`?"),
        ("canary", Refusal.MISSING_WEIGHT, "per cent"),
        ("canary 0%", Refusal.BAD_WEIGHT, "1 to 99"),
        ("canary 100%", Refusal.BAD_WEIGHT, "1 to 99"),
        ("canary 250", Refusal.BAD_WEIGHT, "1 to 99"),
        ("canary -5%", Refusal.BAD_WEIGHT, "1 to 99"),
        ("canary 2.5%", Refusal.BAD_WEIGHT, "whole per cent"),
        ("canary 2,5%", Refusal.BAD_WEIGHT, "whole per cent"),
        ("canary 25% 50%", Refusal.UNEXPECTED_ARGUMENT, "one weight"),
        ("canary 25% fraud lending", Refusal.UNEXPECTED_ARGUMENT, "one target"),
        ("canary 25% 1a2b3c4 5d6e7f8", Refusal.UNEXPECTED_ARGUMENT, "one commit"),
        ("promote 50%", Refusal.UNEXPECTED_ARGUMENT, "takes no weight"),
        ("promote 1a2b3c4", Refusal.UNEXPECTED_ARGUMENT, "takes no commit"),
        ("rollback 1a2b3c4 5d6e7f8", Refusal.UNEXPECTED_ARGUMENT, "one revision"),
        ("blue green", Refusal.UNKNOWN_VERB, "Did you mean `blue-green`?"),
        ("help canry", Refusal.UNKNOWN_ARGUMENT, "Did you mean `canary`?"),
        ("lock", Refusal.MISSING_REASON, "needs a reason"),
        ("lock fraud for 2h", Refusal.MISSING_REASON, "needs a reason"),
        ("lock freud bad data", Refusal.UNKNOWN_TARGET, "Did you mean `fraud`?"),
        ("lock fr\u0430ud bad data", Refusal.UNKNOWN_TARGET, "Did you mean `fraud`?"),
        ("lock fraud lending x", Refusal.UNEXPECTED_ARGUMENT, "one target"),
        ("lock for 2 bananas", Refusal.BAD_DURATION, "no duration"),
        ("lock for 31d x", Refusal.BAD_DURATION, "30 days"),
        ("lock for 0m x", Refusal.BAD_DURATION, "a minute"),
        ("lock a\u202eb", Refusal.TEXT_UNREADABLE, "U+202E"),
        ("freeze lending x", Refusal.UNEXPECTED_ARGUMENT, "takes no target"),
        ("lock " + "x" * 600, Refusal.TEXT_UNREADABLE, "at most 500"),
        ("canary promote 25%", Refusal.UNEXPECTED_ARGUMENT, "takes no topic"),
        ("help frobnicate", Refusal.UNKNOWN_ARGUMENT, "means nothing"),
        ("canary 25% <!channel>", Refusal.UNKNOWN_TARGET, "&lt;!channel&gt;"),
        ("canary 25% l\u0435nding", Refusal.TEXT_UNREADABLE, "U+0435"),  # a Cyrillic e
        ("canary 25% \u202egnidnel", Refusal.TEXT_UNREADABLE, "U+202E"),
        ("canary ２５%", Refusal.TEXT_UNREADABLE, "U+FF12"),  # noqa: RUF001 - full-width on purpose
        ("canary 25%\nrollback", Refusal.TEXT_UNREADABLE, "U+000A"),
        ("x" * 10_000, Refusal.TEXT_UNREADABLE, "10,000 characters"),
    ],
)
def test_is_refused_with_a_hint(text: str, code: Refusal, hint: str) -> None:
    denial = misread(text).denial
    assert denial.code is code
    assert hint in denial.rule
    assert denial.who
    assert denial.then


def test_a_missing_target_is_not_guessed() -> None:
    assert misread("canary 25%", NO_DEFAULT).denial.code is Refusal.MISSING_TARGET
    assert parse("status", NO_DEFAULT) == Command("status", environment="")


def test_an_environment_is_named_or_the_channels_but_never_guessed() -> None:
    assert misread("canary 25%", PLACES).denial.code is Refusal.MISSING_ENVIRONMENT
    assert misread("canary 25% prd", PLACES).denial.code is Refusal.UNKNOWN_TARGET
    read = parse("canary prod 25%", PLACES)
    assert isinstance(read, Command)
    assert (read.environment, read.target) == ("prod", "lending")
    own = Vocabulary(SHAPES, ["fraud"], "fraud", ["staging", "prod"], "staging")
    assert parse("promote", own) == Command("promote", "fraud", environment="staging")
    assert misread("canary 25% staging prod", PLACES).denial.code is Refusal.UNEXPECTED_ARGUMENT
    assert parse("freeze prod x", PLACES) == Command("freeze", environment="prod", reason="x")


@pytest.mark.parametrize("name", ["canary", "at", "25", "1234567", "deadbeef"])
def test_no_target_can_be_called_like_another_kind_of_word(name: str) -> None:
    assert reserved(name, SHAPES)


def test_ordinary_names_are_free() -> None:
    assert not any(reserved(name, SHAPES) for name in ("lending", "fraud-2", "dead"))


@given(st.text(max_size=300))
def test_any_text_ends_in_a_command_or_a_refusal(text: str) -> None:
    """And what acts always had its weight and target in the text, word for word."""
    read = parse(text, NO_DEFAULT)
    if isinstance(read, Command) and read.verb == "canary":
        words = text.lower().replace("\u00a0", " ").split()
        assert read.target in words
        assert {f"{read.weight}", f"{read.weight}%"} & {word.lstrip("0") for word in words}
