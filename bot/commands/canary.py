"""`canary N% [TARGET] [COMMIT]`: puts a judged commit in front of a share of the traffic."""

from __future__ import annotations

from bot import objects, recording
from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.policy import Role


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Looks the evidence up, then records the request. Raises Refused."""
    target, weight = recording.target_of(invocation), invocation.command.weight
    known = recording.already(invocation, desk)
    if known is not None:
        return known
    deployment = desk.requests.deployment(target)
    clearance = desk.clearances.obtain(target, invocation.command.commit, desk.now())
    body = objects.canary(
        objects.Asked(invocation.delivery, invocation.person, target.name, desk.now()),
        deployment,
        clearance,
        weight or 0,  # the grammar has made sure of one; 0 would be refused by the cluster
    )
    return recording.record(invocation, desk, body)


VERB = Verb(
    name="canary",
    summary="put a judged commit (the default branch's newest, or COMMIT) in front of N% of the "
    "traffic",
    role=Role.DEPLOYER,
    shape=Shape(
        target=Need.REQUIRED,
        weight=Need.REQUIRED,
        commit=Need.OPTIONAL,
        usage="canary N% [TARGET] [COMMIT]",
    ),
    acts=True,
    run=run,
)
