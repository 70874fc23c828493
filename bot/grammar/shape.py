"""What a verb takes, what was understood, and what words there are. Data only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.refusals import Denial


class Need(StrEnum):
    """How a verb stands to one kind of argument."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    NONE = "none"


@dataclass(frozen=True)
class Shape:
    """Which arguments a verb takes. A required target or environment may come from the channel.

    A verb with a reason reads only targets, environments and durations before it; the rest of the
    text, word for word, is the reason.
    """

    target: Need = Need.NONE
    environment: Need = Need.NONE
    weight: Need = Need.NONE
    commit: Need = Need.NONE
    revision: Need = Need.NONE
    request: Need = Need.NONE
    extent: Need = Need.NONE  # one of the words `full` and `step`
    duration: Need = Need.NONE
    reason: Need = Need.NONE
    topic: Need = Need.NONE  # another verb, as in `help canary`
    usage: str = ""


@dataclass(frozen=True)
class Command:
    """What was understood. `weight` is a whole per cent, `commit` may be abbreviated (7+ hex),
    `extent` is `full` or `step`, `revision` is a revision's name, hash or commit, `duration_s` is
    in seconds.

    `environment` is "" where bot.yaml declares none, None where the verb speaks of none.
    """

    verb: str
    target: str | None = None
    weight: int | None = None
    commit: str | None = None
    topic: str | None = None
    environment: str | None = None
    revision: str | None = None
    request: str | None = None
    extent: str | None = None
    duration_s: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Misread:
    """What could not be understood, as a refusal."""

    denial: Denial


@dataclass(frozen=True)
class Vocabulary:
    """Every word that means something here, and the channel's own target and environment."""

    verbs: Mapping[str, Shape]
    targets: Collection[str]
    default_target: str | None = None
    environments: Collection[str] = ()
    default_environment: str | None = ""
