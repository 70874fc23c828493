"""The answer to `help`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.blocks.parts import context, section
from bot.desk import Answer, Verb
from bot.escape import cut, escaped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.settings import Settings


def answer(verbs: Sequence[Verb], settings: Settings, default: str | None) -> Answer:
    """A line for each verb; with only one, who may use it."""
    command = settings.slack_command
    lines = [f"`{command} {escaped(verb.shape.usage)}`: {verb.summary}." for verb in verbs]
    blocks = [section("\n".join(lines))]
    if len(verbs) == 1:
        need = verbs[0].role
        blocks.append(context(f"Needs the role *{need}*. {settings.rules.who_could(need)}"))
    named = ", ".join(f"`{escaped(name)}`" for name in sorted(settings.targets)[:20])
    own = f"This channel's target is `{escaped(default)}`. " if default else ""
    blocks.append(context(cut(f"{own}Targets: {named}.", 1900)))
    return Answer(tuple(blocks), "Help")
