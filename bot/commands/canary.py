"""`canary N% [TARGET] [ENVIRONMENT] [COMMIT]`: puts a judged commit in front of some traffic."""

from __future__ import annotations

from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.policy import Kind, Role
from bot.starting import start


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Holds the candidate at that weight until the next word. Raises Refused."""
    # The grammar has made sure of a weight; 0 would be refused by the cluster.
    return start(invocation, desk, invocation.command.weight or 0)


VERB = Verb(
    name="canary",
    summary="put a judged commit (the default branch's newest, or COMMIT) in front of N% of the "
    "traffic",
    role=Role.DEPLOYER,
    kind=Kind.START,
    shape=Shape(
        target=Need.REQUIRED,
        environment=Need.REQUIRED,
        weight=Need.REQUIRED,
        commit=Need.OPTIONAL,
        usage="canary N% [TARGET] [ENVIRONMENT] [COMMIT]",
    ),
    run=run,
)
