"""`promote [TARGET]`: gives the running candidate the next step, or all of the traffic."""

from __future__ import annotations

from bot import objects, recording
from bot.desk import Answer, Desk, Invocation, Verb
from bot.escape import escaped
from bot.grammar import Need, Shape
from bot.policy import Role
from bot.refusals import Refusal, refuse
from rollouts.jsontypes import dig_object


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Records the request, if there is a candidate. Raises Refused."""
    target = recording.target_of(invocation)
    known = recording.already(invocation, desk)
    if known is not None:
        return known
    deployment = desk.requests.deployment(target)
    if not dig_object(deployment, "status", "candidate"):
        raise refuse(
            Refusal.NOTHING_TO_PROMOTE,
            f"{escaped(target.name)} has no candidate: everything goes to its stable revision.",
            who="Nobody: there is nothing to promote.",
            then=f"Start one with `canary 25% {target.name}`, or look with `status`.",
        )
    asked = objects.Asked(invocation.delivery, invocation.person, target.name, desk.now())
    return recording.record(invocation, desk, objects.follow_up("Promote", asked, deployment))


VERB = Verb(
    name="promote",
    summary="make the running candidate the stable revision",
    role=Role.DEPLOYER,
    shape=Shape(target=Need.REQUIRED, usage="promote [TARGET]"),
    acts=True,
    run=run,
)
