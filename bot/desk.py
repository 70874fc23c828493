"""What a verb works with: the edges and the clock on one side, what was asked on the other.

Built by `bot.app` and handed to every verb. It holds things together and does nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.policy import Kind, Need

if TYPE_CHECKING:
    from datetime import datetime

    from bot.clearance import Clearances
    from bot.cluster import Clusters
    from bot.grammar import Command, Shape
    from bot.people import People
    from bot.places import Environment, Target
    from bot.policy import Person, Role
    from bot.settings import Settings
    from bot.slack import Slack
    from bot.threads import Watcher


@dataclass(frozen=True)
class Desk:
    """Every edge a verb may use."""

    settings: Settings
    verbs: Mapping[str, Verb]
    slack: Slack
    people: People
    requests: Clusters
    clearances: Clearances
    watcher: Watcher
    now: Callable[[], datetime]

    def place(self, target: Target) -> Environment:
        """The environment that the target is in."""
        return self.settings.environments[target.environment]


@dataclass(frozen=True)
class Delivery:
    """One slash command or button as it arrived. `id` is a hash of the team and the trigger id.

    `button` is the value that a pressed button carried, "" for what somebody typed.
    """

    id: str
    team: str
    user: str
    channel: str
    text: str
    response_url: str
    button: str = ""
    message: str = ""  # <channel>/<ts> of the message whose button was pressed


@dataclass(frozen=True)
class Invocation:
    """A command that was understood, by a person who may. `target` is in its environment."""

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
    """One verb. Of any kind but READ it records something: then its receipt is confirmed first.

    `run` raises Refused. `summary` is one line of mrkdwn without a full stop.
    """

    name: str
    summary: str
    role: Role
    kind: Kind
    shape: Shape
    run: Callable[[Invocation, Desk], Answer]

    @property
    def acts(self) -> bool:
        """Whether something is recorded."""
        return self.kind is not Kind.READ

    @property
    def need(self) -> Need:
        """What the policy asks about."""
        return Need(self.name, self.role, self.kind)
