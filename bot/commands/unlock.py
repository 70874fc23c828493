"""`unlock [TARGET] [ENVIRONMENT]`: takes a lock away: one's own, or as an admin anyone's."""

from __future__ import annotations

from bot import holds, recording
from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.guarding import guard
from bot.policy import Kind, Role


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Lifts every lock of the target that is in force. Raises Refused."""
    target = recording.target_of(invocation)
    names = holds.holding(desk.requests.requests(target), target.name, "Lock", desk.now())
    return guard(invocation, desk, "Unlock", lifts=names)


VERB = Verb(
    name="unlock",
    summary="take a lock away: your own, or as an admin anyone's",
    role=Role.DEPLOYER,
    kind=Kind.UNLOCK,
    shape=Shape(
        target=Need.REQUIRED,
        environment=Need.REQUIRED,
        reason=Need.OPTIONAL,
        usage="unlock [TARGET] [ENVIRONMENT]",
    ),
    run=run,
)
