"""`history [TARGET] [ENVIRONMENT]`: who asked for what lately, and what came of it."""

from __future__ import annotations

from bot import recording
from bot.blocks import history as blocks
from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.policy import Kind, Role
from bot.records import records


def run(invocation: Invocation, desk: Desk) -> Answer:
    """The newest requests and approvals of one target. Raises Refused."""
    target = recording.target_of(invocation)
    found = records(
        desk.requests.requests(target), desk.requests.approvals(target), target.environment
    )
    return blocks.answer(target.label, [r for r in found if r.target == target.name])


VERB = Verb(
    name="history",
    summary="show who asked for what lately, and what came of it",
    role=Role.VIEWER,
    kind=Kind.READ,
    shape=Shape(
        target=Need.REQUIRED, environment=Need.REQUIRED, usage="history [TARGET] [ENVIRONMENT]"
    ),
    run=run,
)
