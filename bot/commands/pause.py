"""`pause [TARGET] [ENVIRONMENT]`: holds the rollout where it is."""

from __future__ import annotations

from bot import checking, recording
from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.policy import Kind, Role


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Records the request, if a rollout is under way. Raises Refused."""
    return recording.follow(invocation, desk, "Pause", checking.can_stop)


VERB = Verb(
    name="pause",
    summary="hold the rollout at its present weight; taking it back stays armed",
    role=Role.DEPLOYER,
    kind=Kind.STOP,
    shape=Shape(
        target=Need.REQUIRED, environment=Need.REQUIRED, usage="pause [TARGET] [ENVIRONMENT]"
    ),
    run=run,
)
