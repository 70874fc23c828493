"""What the bot writes onto its requests, and finds again after a restart. Names only."""

from __future__ import annotations

from rollouts.jsontypes import JsonObject, dig_text

MESSAGE = "holdpoint.dev/slack-message"  # <channel>/<ts> of the live message
FOLLOWS = "holdpoint.dev/follows"  # the request whose rollout this one goes on with


def message_of(request: JsonObject) -> str:
    """`<channel>/<ts>` of the live message that a request belongs to; empty without one."""
    return dig_text(request, "metadata", "annotations", MESSAGE)


def follows(request: JsonObject) -> bool:
    """Whether the request goes on with an earlier one's rollout."""
    return bool(dig_text(request, "metadata", "annotations", FOLLOWS))
