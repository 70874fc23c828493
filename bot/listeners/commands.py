"""Slash commands: unpacks the delivery, hands it on, acknowledges at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.desk import Delivery
from bot.dispatch import delivery_id

if TYPE_CHECKING:
    from slack_bolt import Ack, App

    from bot.dispatch import Dispatcher

NOT_FROM_SLACK = "This request names no team, user or trigger; nothing was done."


def register(app: App, dispatcher: Dispatcher, command: str) -> None:
    """Listens to the one slash command."""

    def on_command(ack: Ack, body: dict[str, Any]) -> None:
        delivery = _delivery(body)
        if delivery is None:
            ack(NOT_FROM_SLACK)
            return
        dispatcher.take(delivery, lambda text: _acknowledge(ack, text))

    app.command(command)(on_command)


def _acknowledge(ack: Ack, text: str) -> None:
    if text:
        ack(text=text, response_type="ephemeral")
    else:
        ack()


def _delivery(body: dict[str, Any]) -> Delivery | None:
    team, trigger = str(body.get("team_id", "")), str(body.get("trigger_id", ""))
    user, channel = str(body.get("user_id", "")), str(body.get("channel_id", ""))
    if not (team and trigger and user and channel):
        return None
    return Delivery(
        id=delivery_id(team, trigger),
        team=team,
        user=user,
        channel=channel,
        text=str(body.get("text", "")),
        response_url=str(body.get("response_url", "")),
    )
