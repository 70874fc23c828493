"""What goes into a live message's thread: one line for each thing that the controller noted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.blocks.parts import Block, section, told
from bot.escape import code
from rollouts.jsontypes import JsonObject, dig, dig_list, dig_text, name_of
from rollouts.model import moment

# A step or an end is worth a line; that a weight was asked for is not, once it is confirmed.
QUIET = frozenset({"WeightAsked"})


@dataclass(frozen=True)
class Event:
    """One entry of the ModelDeployment's history."""

    at: str
    action: str
    reason: str
    message: str
    weight: int | None

    @property
    def words(self) -> str:
        """For notifications."""
        return f"{self.action}: {self.reason}"[:300]


def of(
    requests: Sequence[JsonObject], deployment: JsonObject | None, since: datetime
) -> list[Event]:
    """The rollout's events since then, oldest first."""
    names = {name_of(request) for request in requests}
    found = []
    for entry in dig_list(deployment, "status", "history"):
        at = moment(dig_text(entry, "at"))
        own = dig_text(entry, "request") in names and dig_text(entry, "action") not in QUIET
        if own and at is not None and at >= since:
            found.append(_event(entry))
    return found


def render(event: Event) -> list[Block]:
    """One section."""
    weight = f" {event.weight}%" if event.weight is not None else ""
    reason = f" {code(event.reason, 60)}" if event.reason else ""
    message = f"\n{told(event.message, 500)}" if event.message else ""
    return [section(f"*{code(event.action, 60)}*{weight}{reason}{message}")]


def _event(entry: JsonObject) -> Event:
    weight = dig(entry, "weight")
    return Event(
        dig_text(entry, "at"),
        dig_text(entry, "action"),
        dig_text(entry, "reason"),
        dig_text(entry, "message"),
        weight if isinstance(weight, int) and not isinstance(weight, bool) else None,
    )
