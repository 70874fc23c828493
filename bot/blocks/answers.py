"""What one person is told: received, recorded, refused, decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.blocks.parts import context, section, told
from bot.desk import Answer
from bot.escape import code, escaped
from bot.refusals import Refusal

if TYPE_CHECKING:
    from bot.refusals import Denial
    from rollouts.model import Standing

# After these nobody knows whether the request reached the cluster.
MAY_HAVE_ACTED = frozenset({Refusal.CLUSTER_UNAVAILABLE, Refusal.INTERNAL_ERROR})


def received(text: str) -> str:
    """The receipt that goes out within three seconds, before anything was looked at."""
    return f"Received {code(text, 100)}. Nothing is recorded until the next message says so."


def recorded(request: str, *, again: bool) -> Answer:
    """The request exists in the cluster."""
    if again:
        text = f"That was recorded before, as {code(request)}; it is not done twice."
    else:
        text = f"Recorded as {code(request)}. The rollout's message shows how it goes."
    return Answer((section(text),), text, request)


def refusal(denial: Denial) -> Answer:
    """A no: the rule, who could, what next, and the code."""
    unchanged = "" if denial.code in MAY_HAVE_ACTED else " Nothing was changed."
    blocks = (
        section(f":no_entry: *Refused.* {denial.rule}"),
        section(f"*Who could:* {denial.who}\n*What next:* {denial.then}"),
        context(f"Code {code(denial.code.value)}.{unchanged}"),
    )
    return Answer(blocks, f"Refused ({denial.code}): {denial.rule}"[:2900])


def consented(request: str, approval: str, standing: Standing) -> Answer:
    """Somebody's yes or no is recorded."""
    if standing.rejected_by:
        text = f":no_entry: Recorded: {code(request)} is rejected."
    else:
        done = f"{len(standing.given)} of {standing.required}"
        rest = "It goes on." if standing.enough else "It waits for more."
        text = f":ballot_box_with_check: Recorded: {code(request)} has {done} approvals. {rest}"
    return Answer((section(text), context(f"As {code(approval)}.")), text, approval)


def decided(verb: str, target: str, phase: str, reason: str, message: str) -> Answer:
    """The controller has taken up, or refused, what was recorded."""
    sign = ":no_entry:" if phase == "Refused" else ":white_check_mark:"
    words = {"Refused": "was refused by the controller", "Accepted": "was taken up"}
    says = words.get(phase, "is done")
    detail = f" {told(message, 500)}" if message else ""
    text = f"{sign} {escaped(verb)} of {escaped(target)} {says}.{detail}"
    blocks = [section(text)]
    if reason:
        blocks.append(context(f"Code {code(reason)}"))
    return Answer(tuple(blocks), text)
