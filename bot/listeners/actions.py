"""Buttons of live messages: unpacks the delivery, hands it on, acknowledges at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bot import buttons
from bot.desk import Delivery
from bot.dispatch import delivery_id

if TYPE_CHECKING:
    from slack_bolt import Ack, App

    from bot.dispatch import Dispatcher


def register(app: App, dispatcher: Dispatcher) -> None:
    """Listens to every button of ours."""

    def on_press(ack: Ack, body: dict[str, Any]) -> None:
        delivery = _delivery(body)
        if delivery is None:
            ack()
            return
        dispatcher.take(delivery, lambda _: _acknowledge(ack))

    app.action(re.compile(rf"{buttons.ACTION}:[a-z-]+"))(on_press)


def _acknowledge(ack: Ack) -> None:
    ack()


def _delivery(body: dict[str, Any]) -> Delivery | None:
    action = (body.get("actions") or [{}])[0]
    container = body.get("container") or {}
    team, user = body.get("team") or {}, body.get("user") or {}
    channel = str((body.get("channel") or {}).get("id", ""))
    carried = str(action.get("value", ""))
    trigger, text = str(body.get("trigger_id", "")), buttons.command_in(carried)
    if not (team.get("id") and user.get("id") and trigger and channel and text):
        return None
    return Delivery(
        id=delivery_id(str(team["id"]), trigger),
        team=str(team["id"]),
        user=str(user["id"]),
        channel=channel,
        text=text,
        response_url=str(body.get("response_url", "")),
        button=carried,
        message=f"{channel}/{container.get('message_ts', '')}",
    )
