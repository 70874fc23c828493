"""`auto [TARGET] [ENVIRONMENT] [COMMIT]`: runs a judged commit through the whole strategy."""

from __future__ import annotations

from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.policy import Kind, Role
from bot.starting import start


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Follows the ModelDeployment's steps by itself. Raises Refused."""
    return start(invocation, desk, None)


VERB = Verb(
    name="auto",
    summary="roll a judged commit out by the target's own steps, as far as the figures allow",
    role=Role.DEPLOYER,
    kind=Kind.START,
    shape=Shape(
        target=Need.REQUIRED,
        environment=Need.REQUIRED,
        commit=Need.OPTIONAL,
        usage="auto [TARGET] [ENVIRONMENT] [COMMIT]",
    ),
    run=run,
)
