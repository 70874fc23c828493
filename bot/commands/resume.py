"""`resume [TARGET] [ENVIRONMENT]`: lets a paused rollout go on."""

from __future__ import annotations

from bot import checking, recording
from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.policy import Kind, Role


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Records the request, if a rollout is under way. Raises Refused."""
    return recording.follow(invocation, desk, "Resume", checking.can_stop)


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
