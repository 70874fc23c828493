"""What a channel is told about locks, freezes, overrides and stop-all."""

from __future__ import annotations

from dataclasses import dataclass

from bot.blocks.parts import Block, context, section, who
from bot.desk import Answer
from bot.escape import escaped

MOST_NAMED = 10
_WORDS = {
    "Lock": (":lock:", "locked"),
    "Unlock": (":unlock:", "unlocked"),
    "Freeze": (":snowflake:", "frozen"),
    "Unfreeze": (":sunny:", "open again"),
    "Override": (":rotating_light: *BREAK-GLASS* :rotating_light:", "free of locks and freezes"),
    "Abort": (":octagonal_sign:", "being stopped"),
}


@dataclass(frozen=True)
class Notice:
    """Who did what to which targets. `until` is RFC 3339 or ""."""

    verb: str
    targets: tuple[str, ...]
    by: str
    name: str
    reason: str
    until: str


def notice(said: Notice) -> list[Block]:
    """For everybody in the channel."""
    sign, _ = _WORDS[said.verb]
    return [section(f"{sign} {_sentence(said)}"), context(f"By {who(said.by, said.name)}.")]


def recorded(said: Notice, *, again: bool) -> Answer:
    """For the person who asked."""
    before = "That was recorded before: " if again else "Recorded: "
    text = f"{before}{_sentence(said)}"
    return Answer((section(text),), text[:2900])


def summary(said: Notice) -> str:
    """One line for notifications."""
    return escaped(f"{', '.join(said.targets[:3])}: {_WORDS[said.verb][1]}", 300)


def _sentence(said: Notice) -> str:
    named = ", ".join(f"*{escaped(target, 120)}*" for target in said.targets[:MOST_NAMED])
    rest = len(said.targets) - MOST_NAMED
    named += f" and {rest} more" if rest > 0 else ""
    until = f" until {escaped(said.until, 30)}" if said.until else ""
    reason = f": {escaped(said.reason, 500)}" if said.reason else ""
    verb = "is" if len(said.targets) == 1 else "are"
    return f"{named or 'Nothing'} {verb} {_WORDS[said.verb][1]}{until}{reason}."
