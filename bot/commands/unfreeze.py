"""`unfreeze [ENVIRONMENT]`: lifts the freezes that people asked for; windows stay as declared."""

from __future__ import annotations

from bot import holds
from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.guarding import guard_all, targets_in
from bot.policy import Kind, Role
from bot.refusals import Refusal, refuse


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Lifts every freeze in force, target by target. Raises Refused where there is none."""
    wanted = []
    for target, found in targets_in(invocation, desk):
        names = holds.holding(desk.requests.requests(target), target.name, "Freeze", desk.now())
        if names:
            wanted.append((target, found, {"lifts": names}))
    if not wanted:
        raise refuse(
            Refusal.NOT_FROZEN,
            "Nobody has frozen anything there.",
            who="Nobody needs to.",
            then="A closed window stands in bot.yaml; `override REASON` makes way for one rollout.",
        )
    return guard_all(invocation, desk, "Unfreeze", wanted)


VERB = Verb(
    name="unfreeze",
    summary="lift the freezes of an environment",
    role=Role.ADMIN,
    kind=Kind.FREEZE,
    shape=Shape(environment=Need.REQUIRED, reason=Need.OPTIONAL, usage="unfreeze [ENVIRONMENT]"),
    run=run,
)
