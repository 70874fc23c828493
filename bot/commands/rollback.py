"""`rollback [to REVISION] [TARGET] [ENVIRONMENT]`: back to what ran before, or to REVISION."""

from __future__ import annotations

from bot import checking, objects, recording
from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.policy import Kind, Role


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Records the request, if there is something to go back to. Raises Refused."""
    known = recording.already(invocation, desk)
    if known is not None:
        return known
    deployment = desk.requests.deployment(recording.target_of(invocation))
    wanted = invocation.command.revision
    arguments = {}
    if wanted is None:
        checking.can_roll_back(deployment)
    else:
        arguments["revision"] = checking.revision_named(deployment, wanted)
    asked = recording.asked(invocation, desk)
    body = objects.follow_up("RollBack", asked, deployment, **arguments)
    return recording.record(invocation, desk, body)


VERB = Verb(
    name="rollback",
    summary="take the candidate back, or return to the previous revision or to REVISION",
    role=Role.DEPLOYER,
    kind=Kind.STOP,
    shape=Shape(
        target=Need.REQUIRED,
        environment=Need.REQUIRED,
        revision=Need.OPTIONAL,
        usage="rollback [to REVISION] [TARGET] [ENVIRONMENT]",
    ),
    run=run,
)
