"""RolloutRequest objects as plain JSON. Pure: time and names are arguments.

Called by the verbs. The name is derived from the delivery, so that a delivery that arrives twice
makes one object; what the person saw goes along, so that the controller can tell a stale wish.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bot import notes
from rollouts.jsontypes import JsonObject, dig, dig_text
from rollouts.kube import ROLLOUT_REQUESTS

if TYPE_CHECKING:
    from datetime import datetime

    from bot.desk import Delivery
    from bot.gate import Clearance
    from bot.policy import Person

LIFETIME = timedelta(minutes=5)  # a request not taken up by then is refused by the controller


@dataclass(frozen=True)
class Asked:
    """Who asked for what, when, through which delivery."""

    delivery: Delivery
    person: Person
    target: str
    now: datetime


def name_for(delivery: Delivery) -> str:
    """`slack-<hash>`: the same for every repetition of a delivery."""
    return f"slack-{delivery.id}"


def canary(asked: Asked, deployment: JsonObject, clearance: Clearance, weight: int) -> JsonObject:
    """A request for `weight` per cent of the traffic for exactly the cleared image."""
    arguments = {
        "image": clearance.image.reference,
        "modelDigest": clearance.model_digest,
        "commit": clearance.commit,
        "weight": weight,
    }
    more = {"arguments": arguments, "evidence": clearance.evidence()}
    return _request("Canary", asked, deployment, more)


def follow_up(verb: str, asked: Asked, deployment: JsonObject) -> JsonObject:
    """A Promote or RollBack of what runs now."""
    return _request(verb, asked, deployment, {})


def with_message(body: JsonObject, message: str, follows: str) -> JsonObject:
    """The request, bound to its live message `<channel>/<ts>`; `follows` names an earlier one."""
    written = {notes.MESSAGE: message}
    if follows:  # times of creation are whole seconds and cannot tell which came first
        written[notes.FOLLOWS] = follows
    return {**body, "metadata": {**body["metadata"], "annotations": written}}


def _request(verb: str, asked: Asked, deployment: JsonObject, more: JsonObject) -> JsonObject:
    return {
        "apiVersion": ROLLOUT_REQUESTS.api_version,
        "kind": ROLLOUT_REQUESTS.kind,
        "metadata": {"name": name_for(asked.delivery)},
        "spec": {
            "target": asked.target,
            "verb": verb,
            **more,
            "requestedBy": {"id": asked.person.identity, "name": asked.person.name},
            "source": {
                "kind": "Slack",
                "team": asked.delivery.team,
                "channel": asked.delivery.channel,
                "delivery": asked.delivery.id,
            },
            "seen": _seen(deployment),
            "expiresAt": (asked.now + LIFETIME).strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
    }


def _seen(deployment: JsonObject) -> JsonObject:
    """The generation and the stable image that the person's wish was based on."""
    seen: JsonObject = {"generation": dig(deployment, "metadata", "generation") or 0}
    stable = dig_text(deployment, "status", "stable", "image")
    return {**seen, "stableImage": stable} if stable else seen
