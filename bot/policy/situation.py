"""What bars a target at a moment: a lock, a closed window, an environment that comes first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What a verb does to a target, and so what may stand in its way."""

    READ = "read"  # shows something
    START = "start"  # puts another revision in front of traffic
    ADVANCE = "advance"  # gives the candidate more, or lets it go on by itself
    STOP = "stop"  # takes traffic away, or lets nothing go on: never barred by locks or windows
    LOCK = "lock"  # one target, by and for one person
    UNLOCK = "unlock"
    FREEZE = "freeze"  # a whole environment
    CONSENT = "consent"  # approves or rejects what somebody else asked for
    OVERRIDE = "override"  # break-glass


BARRED = frozenset({Kind.START, Kind.ADVANCE})


@dataclass(frozen=True)
class Hold:
    """A lock, freeze or override that somebody asked for; `until` is None without an end."""

    by: str
    name: str
    reason: str
    request: str
    until: datetime | None = None


@dataclass(frozen=True)
class Closed:
    """A calendar window of bot.yaml that is closed now, and until when (UTC)."""

    window: str
    until: datetime


@dataclass(frozen=True)
class Situation:
    """All of it for one target. `behind` names the environment where the image must be promoted
    first and is not yet, "" when nothing is missing."""

    lock: Hold | None = None
    freeze: Hold | None = None
    closed: Closed | None = None
    override: Hold | None = None
    behind: str = ""


OPEN = Situation()
