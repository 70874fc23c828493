"""`rollback [TARGET]`: takes the candidate back, or the last promotion while it is still warm."""

from __future__ import annotations

from bot import objects, recording
from bot.desk import Answer, Desk, Invocation, Verb
from bot.escape import escaped
from bot.grammar import Need, Shape
from bot.policy import Role
from bot.refusals import Refusal, refuse
from rollouts.jsontypes import dig_object


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Records the request, if there is something to go back from. Raises Refused."""
    target = recording.target_of(invocation)
    known = recording.already(invocation, desk)
    if known is not None:
        return known
    deployment = desk.requests.deployment(target)
    revisions = (dig_object(deployment, "status", kind) for kind in ("candidate", "previous"))
    if not any(revisions):
        raise refuse(
            Refusal.NOTHING_TO_ROLL_BACK,
            f"{escaped(target.name)} has neither a candidate nor a previous revision.",
            who="Nobody: there is nothing to go back to.",
            then="Look with `status`; an older commit can be put forward with `canary N% COMMIT`.",
        )
    asked = objects.Asked(invocation.delivery, invocation.person, target.name, desk.now())
    return recording.record(invocation, desk, objects.follow_up("RollBack", asked, deployment))


VERB = Verb(
    name="rollback",
    summary="take the candidate back, or return to the previous revision",
    role=Role.DEPLOYER,
    shape=Shape(target=Need.REQUIRED, usage="rollback [TARGET]"),
    acts=True,
    run=run,
)
