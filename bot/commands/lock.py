"""`lock [TARGET] [ENVIRONMENT] [for 2h] REASON`: nobody else starts or advances a rollout there."""

from __future__ import annotations

from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.guarding import guard
from bot.policy import Kind, Role


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Records the lock. Stopping and rolling back stay possible for everyone. Raises Refused."""
    return guard(invocation, desk, "Lock")


VERB = Verb(
    name="lock",
    summary="keep everybody else from starting or advancing a rollout, for a time or until "
    "`unlock`",
    role=Role.DEPLOYER,
    kind=Kind.LOCK,
    shape=Shape(
        target=Need.REQUIRED,
        environment=Need.REQUIRED,
        duration=Need.OPTIONAL,
        reason=Need.REQUIRED,
        usage="lock [TARGET] [ENVIRONMENT] [for 2h] REASON",
    ),
    run=run,
)
