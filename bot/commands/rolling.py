"""`rolling [TARGET] [ENVIRONMENT] [COMMIT]`: replaces stable's pods, a few at a time."""

from __future__ import annotations

from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.policy import Kind, Role
from bot.starting import start


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Runs this one rollout by that strategy, whatever the spec's is. Raises Refused."""
    return start(invocation, desk, None, "Rolling")


VERB = Verb(
    name="rolling",
    summary="replace stable's pods by a judged commit's, a few at a time",
    role=Role.DEPLOYER,
    kind=Kind.START,
    shape=Shape(
        target=Need.REQUIRED,
        environment=Need.REQUIRED,
        commit=Need.OPTIONAL,
        usage="rolling [TARGET] [ENVIRONMENT] [COMMIT]",
    ),
    run=run,
)
