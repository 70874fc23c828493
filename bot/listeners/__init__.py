"""What the bot listens to: one file for each kind of Slack request, each with `register(app)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.listeners import actions, commands

if TYPE_CHECKING:
    from slack_bolt import App

    from bot.dispatch import Dispatcher


def register(app: App, dispatcher: Dispatcher, command: str) -> None:
    """Registers every listener."""
    commands.register(app, dispatcher, command)
    actions.register(app, dispatcher)
