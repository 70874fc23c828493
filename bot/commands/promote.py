"""`promote [full] [TARGET] [ENVIRONMENT]`: gives the candidate all of the traffic."""

from __future__ import annotations

from bot import checking, consenting, objects, recording
from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.policy import Kind, Role


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Records the request, if there is a candidate. `full` skips the steps that are left and the
    wait for a verdict. Raises Refused."""
    known = recording.already(invocation, desk)
    if known is not None:
        return known
    deployment = desk.requests.deployment(recording.target_of(invocation))
    checking.can_promote(deployment)
    recording.admit(invocation, desk, deployment)
    asked = recording.asked(invocation, desk)
    full = {"full": True} if invocation.command.full else {}
    body = objects.follow_up("Promote", asked, deployment, **full)
    return recording.record(invocation, desk, consenting.gate(body, invocation, desk, 100))


VERB = Verb(
    name="promote",
    summary="make the running candidate the stable revision; `full` without waiting for the steps "
    "that are left",
    role=Role.DEPLOYER,
    kind=Kind.ADVANCE,
    shape=Shape(
        target=Need.REQUIRED,
        environment=Need.REQUIRED,
        full=Need.OPTIONAL,
        usage="promote [full] [TARGET] [ENVIRONMENT]",
    ),
    run=run,
)
