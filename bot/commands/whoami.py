"""`whoami`: how you are known here, which roles you hold where, why, and what you may do."""

from __future__ import annotations

from bot.blocks import whoami as blocks
from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Shape
from bot.policy import Kind, Role


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Explains every environment, from the membership that was looked up just now."""
    places = list(desk.settings.environments.values())
    return blocks.answer(invocation.person, places, list(desk.verbs.values()))


VERB = Verb(
    name="whoami",
    summary="show how you are known here, your roles, what gives them, and what you may do",
    role=Role.VIEWER,
    kind=Kind.READ,
    shape=Shape(usage="whoami"),
    run=run,
)
