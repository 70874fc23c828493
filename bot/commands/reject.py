"""`reject [REQUEST] [TARGET] [ENVIRONMENT]`: says no to what somebody asked for."""

from __future__ import annotations

from bot import consenting
from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.policy import Kind, Role


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Without REQUEST it is the only one that waits; with several nothing is guessed."""
    return consenting.answer(invocation, desk, approve=False)


VERB = Verb(
    name="reject",
    summary="say no to a request that waits for consent; one no ends it",
    role=Role.APPROVER,
    kind=Kind.CONSENT,
    shape=Shape(
        target=Need.REQUIRED,
        environment=Need.REQUIRED,
        request=Need.OPTIONAL,
        usage="reject [REQUEST] [TARGET] [ENVIRONMENT]",
    ),
    run=run,
)
