"""Buttons of live messages: what their values say, and that they say it where they belong.

The blocks make values, the listener reads them, the dispatcher checks them against the cluster. A
value copied into another message, or pressed when its rollout is over, does nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.notes import message_of
from bot.refusals import Refusal, refuse

if TYPE_CHECKING:
    from bot.cluster import Clusters
    from bot.desk import Delivery
    from bot.grammar import Command
    from bot.places import Target

ACTION = "holdpoint"  # the action ids are holdpoint:<verb>
SEPARATOR = "|"


def value(text: str, request: str) -> str:
    """What a button carries: the command it stands for, and the request it belongs to."""
    return f"{text}{SEPARATOR}{request}"


def command_in(carried: str) -> str:
    """The command of a value; "" for what is no value of ours."""
    text, separator, request = carried.partition(SEPARATOR)
    return text if separator and request else ""


def check(delivery: Delivery, command: Command, target: Target | None, clusters: Clusters) -> None:
    """The request must exist, be the target's, and point at the message. Raises Refused."""
    name = delivery.button.partition(SEPARATOR)[2]
    request = clusters.request(target, name) if target and name else None
    spec = (request or {}).get("spec", {})
    ours = request is not None and message_of(request) == delivery.message != ""
    if ours and target is not None and spec.get("target") == target.name:
        return
    raise refuse(
        Refusal.BUTTON_STALE,
        f"This button does not belong to a rollout that is shown here (`{command.verb}`).",
        who="Anyone who may use the verb, in the rollout's own message.",
        then="Use the buttons of the rollout's latest message, or type the command.",
    )
