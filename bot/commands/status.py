"""`status [TARGET] [ENVIRONMENT]`: what runs, what is on its way, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import holds
from bot.blocks import status as blocks
from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.policy import Kind, Role
from bot.refusals import Refused

if TYPE_CHECKING:
    from bot.places import Target

MOST_TARGETS = 10


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Reads one target, or the first few of all of them. Raises Refused for the one."""
    if invocation.target is not None:
        return blocks.answer([_one(invocation.target, desk)], left_out=0)
    command = invocation.command
    places = [
        place
        for place in desk.settings.places()
        if command.target in (None, place.name)
        and command.environment in (None, place.environment)
        and desk.place(place).rules.roles_of(invocation.person)
    ]
    lines = []
    for place in places[:MOST_TARGETS]:
        try:
            lines.append(_one(place, desk))
        except Refused as refused:
            lines.append(blocks.unknown(place.label, refused.denial))
    return blocks.answer(lines, left_out=max(0, len(places) - MOST_TARGETS))


def _one(target: Target, desk: Desk) -> str:
    deployment = desk.requests.deployment(target)
    requests = desk.requests.requests(target)
    found = holds.situation(requests, deployment, desk.place(target), desk.now())
    return blocks.target(deployment, target.label, found)


VERB = Verb(
    name="status",
    summary="show what runs, what is on its way, and why",
    role=Role.VIEWER,
    kind=Kind.READ,
    shape=Shape(
        target=Need.OPTIONAL, environment=Need.OPTIONAL, usage="status [TARGET] [ENVIRONMENT]"
    ),
    run=run,
)
