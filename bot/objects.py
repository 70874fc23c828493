"""RolloutRequest objects as plain JSON. Pure: time and names are arguments.

Called by the verbs. The name is derived from the delivery, so that a delivery that arrives twice
makes one object; what the person saw goes along, so that the controller can tell a stale wish.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot import notes
from rollouts.jsontypes import JsonObject, dig, dig_text
from rollouts.resources import ROLLOUT_REQUESTS

if TYPE_CHECKING:
    from datetime import datetime

    from bot.desk import Delivery
    from bot.gate import Clearance
    from bot.policy import Person

LIFETIME = timedelta(minutes=5)  # a request not taken up by then is refused by the controller


@dataclass(frozen=True)
class Asked:
    """Who asked for what, when, through which delivery. `shared` where one delivery asks for
    several targets at once: each then has a name of its own."""

    delivery: Delivery
    person: Person
    target: str
    now: datetime
    shared: bool = False

    @property
    def name(self) -> str:
        """The request's name: the same for every repetition of the delivery."""
        return name_for(self.delivery, self.target if self.shared else "")


def name_for(delivery: Delivery, target: str = "") -> str:
    """`slack-<hash>`, with a hash of the target behind it where a delivery means several."""
    more = f"-{hashlib.sha256(target.encode()).hexdigest()[:8]}" if target else ""
    return f"slack-{delivery.id}{more}"


def start(
    asked: Asked,
    deployment: JsonObject,
    clearance: Clearance,
    weight: int | None,
    **more: str | int,
) -> JsonObject:
    """A request for exactly the cleared image: `weight` per cent, or (None) its strategy's steps.

    `more` are further arguments, such as another strategy's name.
    """
    arguments: JsonObject = {
        "image": clearance.image.reference,
        "modelDigest": clearance.model_digest,
        "commit": clearance.commit,
        **({} if weight is None else {"weight": weight}),
        **more,
    }
    evidence = clearance.evidence()
    return _request("Canary", asked, deployment, {"arguments": arguments, "evidence": evidence})


def follow_up(verb: str, asked: Asked, deployment: JsonObject, **arguments: Any) -> JsonObject:
    """A verb for what runs now, such as Promote, Pause or RollBack."""
    return _request(verb, asked, deployment, {"arguments": arguments} if arguments else {})


def gated(body: JsonObject, gate: JsonObject, expires: datetime) -> JsonObject:
    """The request with the consent that it needs before the controller may take it up."""
    spec = {**body["spec"], "approvals": gate, "expiresAt": stamp(expires)}
    return {**body, "spec": spec}


def with_message(body: JsonObject, message: str, follows: str) -> JsonObject:
    """The request, bound to its live message `<channel>/<ts>`; `follows` names an earlier one."""
    written = {notes.MESSAGE: message}
    if follows:  # times of creation are whole seconds and cannot tell which came first
        written[notes.FOLLOWS] = follows
    return {**body, "metadata": {**body["metadata"], "annotations": written}}


def stamp(moment: datetime) -> str:
    """RFC 3339 in whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _request(verb: str, asked: Asked, deployment: JsonObject, more: JsonObject) -> JsonObject:
    return {
        "apiVersion": ROLLOUT_REQUESTS.api_version,
        "kind": ROLLOUT_REQUESTS.kind,
        "metadata": {"name": asked.name},
        "spec": {
            "target": asked.target,
            "verb": verb,
            **more,
            "requestedBy": asked.person.as_written(),
            "source": source(asked.delivery),
            "seen": _seen(deployment),
            "expiresAt": stamp(asked.now + LIFETIME),
        },
    }


def source(delivery: Delivery) -> JsonObject:
    """Where something came from."""
    return {
        "kind": "Slack",
        "team": delivery.team,
        "channel": delivery.channel,
        "delivery": delivery.id,
    }


def _seen(deployment: JsonObject) -> JsonObject:
    """The generation and the stable image that the person's wish was based on."""
    seen: JsonObject = {"generation": dig(deployment, "metadata", "generation") or 0}
    stable = dig_text(deployment, "status", "stable", "image")
    return {**seen, "stableImage": stable} if stable else seen
