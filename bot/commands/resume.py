"""`resume [TARGET] [ENVIRONMENT]`: lets a paused rollout go on."""

from __future__ import annotations

from bot import checking, consenting, recording
from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.policy import Kind, Role
from rollouts.jsontypes import JsonObject, dig_object, dig_text


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Records the request, if a rollout is under way. Out of a hold at a weight it leads on to all
    of the traffic, and that needs consent as a promotion does. Raises Refused."""
    return recording.follow(
        invocation,
        desk,
        "Resume",
        checking.can_stop,
        lambda body, md: consenting.gate(body, invocation, desk, 100) if _held(md) else body,
    )


def _held(deployment: JsonObject) -> bool:
    status = dig_object(deployment, "status")
    return dig_text(status, "aim") == "Weight" and not status.get("paused")


VERB = Verb(
    name="resume",
    summary="let a paused rollout go on",
    role=Role.DEPLOYER,
    kind=Kind.ADVANCE,
    shape=Shape(
        target=Need.REQUIRED, environment=Need.REQUIRED, usage="resume [TARGET] [ENVIRONMENT]"
    ),
    run=run,
)
