"""The answer to `status`: a few lines for each target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.blocks.parts import context, section, told
from bot.blocks.situation import bars
from bot.desk import Answer
from bot.escape import code, escaped, short
from bot.policy import OPEN, Situation
from rollouts.jsontypes import JsonObject, dig, dig_object, dig_text, name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.refusals import Denial

SHARE = 1200  # characters of one target; ten of them stay under a message's 13,200


def answer(lines: Sequence[str], *, left_out: int) -> Answer:
    """One section a target."""
    blocks = [section(line[:SHARE]) for line in lines]
    if left_out:
        blocks.append(context(f"{left_out} more are left out; name one: `status TARGET`."))
    return Answer(tuple(blocks), "Status")


def target(deployment: JsonObject, label: str = "", situation: Situation = OPEN) -> str:
    """What runs, what is on its way, why, and what bars it."""
    status = dig_object(deployment, "status")
    reason = dig_text(status, "reason")
    phase = escaped(dig_text(status, "phase") or "not taken up yet", 40)
    name = escaped(label or name_of(deployment), 120)
    lines = [f"*{name}* · {phase}{f' · {code(reason, 60)}' if reason else ''}"]
    if message := dig_text(status, "message"):
        lines.append(told(message, 300))
    lines += [
        _revision(kind, dig_object(status, kind), status)
        for kind in ("stable", "candidate", "previous")
        if dig_object(status, kind)
    ]
    if verdict := dig_text(status, "analysis", "message"):
        lines.append(f"comparison: {escaped(verdict, 300)}")
    lines += bars(situation)
    return "\n".join(lines)


def unknown(name: str, denial: Denial) -> str:
    """A target that could not be read."""
    return f"*{escaped(name)}* · {denial.rule} {code(denial.code.value)}"


def _revision(kind: str, revision: JsonObject, status: JsonObject) -> str:
    parts = [f"{kind} {code(dig_text(revision, 'name'), 80)}"]
    if kind == "candidate":
        asked, confirmed = dig(status, "weight", "asked"), dig(status, "weight", "confirmed")
        parts.append(f"{escaped(str(confirmed))}% of the traffic (asked {escaped(str(asked))}%)")
    if commit := dig_text(revision, "commit"):
        parts.append(f"commit {code(short(commit))}")
    if image := dig_text(revision, "image"):
        parts.append(f"image {code(short(image.rpartition('@')[2]))}")
    return " · ".join(parts)
