"""Locks, freezes, windows and overrides in words, for `status` and `plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.blocks.parts import who
from bot.escape import code, escaped

if TYPE_CHECKING:
    from bot.policy import Hold, Situation


def bars(situation: Situation) -> list[str]:
    """A line for each thing that is in force."""
    lines = []
    if situation.override is not None:
        lines.append(f":rotating_light: Break-glass is in force, {_hold(situation.override)}")
    if situation.lock is not None:
        lines.append(f":lock: Locked, {_hold(situation.lock)}")
    if situation.freeze is not None:
        lines.append(f":snowflake: Frozen, {_hold(situation.freeze)}")
    if situation.closed is not None:
        window, until = code(situation.closed.window, 60), situation.closed.until
        lines.append(f":calendar: The window {window} is closed until {until:%Y-%m-%d %H:%M} UTC.")
    if situation.behind:
        lines.append(f":arrow_up: It has to be promoted in {code(situation.behind, 60)} first.")
    return lines


def _hold(hold: Hold) -> str:
    until = f" until {hold.until:%Y-%m-%d %H:%M} UTC" if hold.until else ""
    return f"by {who(hold.by, hold.name)}{until}: {escaped(hold.reason, 200) or 'no reason given'}"
