"""`status [TARGET]`: what runs, what is on its way, and why."""

from __future__ import annotations

from bot.blocks import status as blocks
from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.policy import Role
from bot.refusals import Refused

MOST_TARGETS = 10


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Reads one target, or the first few of all of them. Raises Refused for the one."""
    if invocation.target is not None:
        lines = [blocks.target(desk.requests.deployment(invocation.target))]
        return blocks.answer(lines, left_out=0)
    lines = []
    targets = sorted(desk.settings.targets.values(), key=lambda target: target.name)
    for target in targets[:MOST_TARGETS]:
        try:
            lines.append(blocks.target(desk.requests.deployment(target)))
        except Refused as refused:
            lines.append(blocks.unknown(target.name, refused.denial))
    return blocks.answer(lines, left_out=max(0, len(targets) - MOST_TARGETS))


VERB = Verb(
    name="status",
    summary="show what runs, what is on its way, and why",
    role=Role.VIEWER,
    shape=Shape(target=Need.OPTIONAL, usage="status [TARGET]"),
    acts=False,
    run=run,
)
