"""`help [VERB]`: the verbs, and who may use them."""

from __future__ import annotations

from bot.blocks import help as blocks
from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.policy import Kind, Role


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Describes one verb, or all of them."""
    topic = invocation.command.topic
    verbs = [desk.verbs[topic]] if topic else list(desk.verbs.values())
    default = desk.settings.default_target(invocation.delivery.channel)
    return blocks.answer(verbs, desk.settings, default)


VERB = Verb(
    name="help",
    summary="show the verbs, or one of them",
    role=Role.VIEWER,
    kind=Kind.READ,
    shape=Shape(topic=Need.OPTIONAL, usage="help [VERB]"),
    run=run,
)
