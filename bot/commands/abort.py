"""`abort [TARGET] [ENVIRONMENT]`: ends the rollout and takes the candidate to 0%."""

from __future__ import annotations

from bot import checking, recording
from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.policy import Kind, Role


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Records the request, if a rollout is under way. Raises Refused."""
    return recording.follow(invocation, desk, "Abort", checking.can_stop)


VERB = Verb(
    name="abort",
    summary="end the rollout: the candidate goes to 0% and is not tried again by itself",
    role=Role.DEPLOYER,
    kind=Kind.STOP,
    shape=Shape(
        target=Need.REQUIRED, environment=Need.REQUIRED, usage="abort [TARGET] [ENVIRONMENT]"
    ),
    run=run,
)
