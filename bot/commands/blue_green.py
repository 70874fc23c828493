"""`blue-green [TARGET] [ENVIRONMENT] [COMMIT]`: starts it beside stable, then switches."""

from __future__ import annotations

from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.policy import Kind, Role
from bot.starting import start


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Runs this one rollout by that strategy, whatever the spec's is. Raises Refused."""
    return start(invocation, desk, None, "BlueGreen")


VERB = Verb(
    name="blue-green",
    summary="start a judged commit at full size beside stable and switch all traffic at once",
    role=Role.DEPLOYER,
    kind=Kind.START,
    shape=Shape(
        target=Need.REQUIRED,
        environment=Need.REQUIRED,
        commit=Need.OPTIONAL,
        usage="blue-green [TARGET] [ENVIRONMENT] [COMMIT]",
    ),
    run=run,
)
