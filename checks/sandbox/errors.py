"""What can go wrong with a confined child, in sentences for people.

Raised by every file of this room and caught by whoever judges a model or reads a data file. Text
that the child had a say in was cut and cleaned with `clean` first.
"""

from __future__ import annotations

from enum import StrEnum

TEXT_LIMIT = 300  # characters of a child's own words in one sentence


class SandboxError(Exception):
    """Anything this room raises; `str()` of it is one sentence for a person."""


class SandboxUnavailable(SandboxError):  # noqa: N818 - a state of this machine
    """This machine cannot confine the child well enough, or the child could not be started."""


class Kind(StrEnum):
    """How a child let us down."""

    CRASHED = "crashed"  # the process ended by itself
    TIMED_OUT = "timed_out"  # the wall clock ran out, and it was ended
    REFUSED = "refused"  # it answered with something that is no plain array, or a wrong count
    PROTOCOL = "protocol"  # what came over the result pipe is no answer
    RAISED = "raised"  # the model's or the parser's own exception


class ModelFailed(SandboxError):  # noqa: N818 - the verdict it leads to
    """The model (or data file) failed in the child: `kind` says how, `sentence` in words."""

    def __init__(self, kind: Kind, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.sentence = sentence


def clean(text: object, limit: int = TEXT_LIMIT) -> str:
    """One line of printable text, at most `limit` characters: fit to stand in a sentence."""
    line = " ".join(str(text)[: limit * 4].split())
    printable = "".join(letter if letter.isprintable() else "�" for letter in line)
    return printable if len(printable) <= limit else printable[: limit - 1] + "…"
