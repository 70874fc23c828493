"""`freeze [ENVIRONMENT] [for 2h] REASON`: nothing starts or advances in the whole environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.guarding import guard_all, targets_in
from bot.policy import Kind, Role

if TYPE_CHECKING:
    from bot.places import Target
    from rollouts.jsontypes import JsonObject


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Records a freeze for each target. Calendar windows stand in bot.yaml. Raises Refused."""
    wanted: list[tuple[Target, JsonObject, dict[str, Any]]] = [
        (target, found, {}) for target, found in targets_in(invocation, desk)
    ]
    return guard_all(invocation, desk, "Freeze", wanted)


VERB = Verb(
    name="freeze",
    summary="let nothing start or advance in an environment, for a time or until `unfreeze`",
    role=Role.ADMIN,
    kind=Kind.FREEZE,
    shape=Shape(
        environment=Need.REQUIRED,
        duration=Need.OPTIONAL,
        reason=Need.REQUIRED,
        usage="freeze [ENVIRONMENT] [for 2h] REASON",
    ),
    run=run,
)
