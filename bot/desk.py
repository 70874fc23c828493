"""What a verb works with: the edges and the clock on one side, what was asked on the other.

Built by `bot.app` and handed to every verb. It holds things together and does nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from bot.clearance import Clearances
    from bot.cluster import Requests
    from bot.grammar import Command, Shape
    from bot.policy import Person, Role
    from bot.settings import Settings, Target
    from bot.slack import Slack
    from bot.threads import Watcher


@dataclass(frozen=True)
class Desk:
    """Every edge a verb may use."""

    settings: Settings
    verbs: Mapping[str, Verb]
    slack: Slack
    requests: Requests
    clearances: Clearances
    watcher: Watcher
    now: Callable[[], datetime]


@dataclass(frozen=True)
class Delivery:
    """One slash command as it arrived. `id` is a hash of the team and the trigger id."""

    id: str
    team: str
    user: str
    channel: str
    text: str
    response_url: str


@dataclass(frozen=True)
class Invocation:
    """A command that was understood, by a person who may."""

    delivery: Delivery
    person: Person
    command: Command
    target: Target | None
    tell: Callable[[Answer], None]  # for what becomes known after the answer


@dataclass(frozen=True)
class Answer:
    """What only the person who asked sees. `request` names what was recorded, if anything."""

    blocks: tuple[Mapping[str, Any], ...]
    text: str
    request: str = ""


@dataclass(frozen=True)
class Verb:
    """One verb. `acts` says whether it records something: then its receipt is confirmed first.

    `run` raises Refused. `summary` is one line of mrkdwn without a full stop.
    """

    name: str
    summary: str
    role: Role
    shape: Shape
    acts: bool
    run: Callable[[Invocation, Desk], Answer]
