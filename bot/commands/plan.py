"""`plan [TARGET] [ENVIRONMENT] [COMMIT]`: what a rollout would do, and what bars it."""

from __future__ import annotations

from bot import holds, recording, starting
from bot.blocks import plan as blocks
from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.policy import Kind, Role
from bot.refusals import Denial, Refused


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Looks everything up that `auto` would, and changes nothing. Raises Refused."""
    target, now = recording.target_of(invocation), desk.now()
    place = desk.place(target)
    deployment = desk.requests.deployment(target)
    denial: Denial | None = None
    clearance = None
    behind = ""
    try:
        clearance = desk.clearances.obtain(target, invocation.command.commit, now)
        behind = starting.missing_before(target, clearance.image.digest, desk)
    except Refused as refused:
        denial = refused.denial
    found = holds.situation(desk.requests.requests(target), deployment, place, now, behind)
    facts = blocks.Plan(target.label, deployment, place, found, clearance, denial)
    return blocks.answer(facts)


VERB = Verb(
    name="plan",
    summary="show what a rollout would do and what would stand in its way, changing nothing",
    role=Role.VIEWER,
    kind=Kind.READ,
    shape=Shape(
        target=Need.REQUIRED,
        environment=Need.REQUIRED,
        commit=Need.OPTIONAL,
        usage="plan [TARGET] [ENVIRONMENT] [COMMIT]",
    ),
    run=run,
)
