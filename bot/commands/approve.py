"""`approve [REQUEST] [TARGET] [ENVIRONMENT]`: consents to what somebody else asked for."""

from __future__ import annotations

from bot import consenting
from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.policy import Kind, Role


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Without REQUEST it is the only one that waits; with several nothing is guessed."""
    return consenting.answer(invocation, desk, approve=True)


VERB = Verb(
    name="approve",
    summary="consent to what somebody else asked for; it is verified once more first",
    role=Role.APPROVER,
    kind=Kind.CONSENT,
    shape=Shape(
        target=Need.REQUIRED,
        environment=Need.REQUIRED,
        request=Need.OPTIONAL,
        usage="approve [REQUEST] [TARGET] [ENVIRONMENT]",
    ),
    run=run,
)
