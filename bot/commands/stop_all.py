"""`stop-all [ENVIRONMENT] REASON`: aborts every rollout of the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.guarding import guard_all, targets_in
from bot.policy import Kind, Role
from bot.refusals import Refusal, refuse
from rollouts.jsontypes import JsonObject, dig_object

if TYPE_CHECKING:
    from bot.places import Target


def run(invocation: Invocation, desk: Desk) -> Answer:
    """One abort for each target that has a candidate. Raises Refused where none has."""
    wanted: list[tuple[Target, JsonObject, dict[str, Any]]] = [
        (target, found, {})
        for target, found in targets_in(invocation, desk)
        if dig_object(found, "status", "candidate")
    ]
    if not wanted:
        raise refuse(
            Refusal.NOTHING_TO_STOP,
            "No rollout is under way there.",
            who="Nobody: there is nothing to stop.",
            then="Look with `status`; `freeze` keeps anything from starting.",
        )
    return guard_all(invocation, desk, "Abort", wanted)


VERB = Verb(
    name="stop-all",
    summary="abort every rollout of an environment",
    role=Role.DEPLOYER,
    kind=Kind.STOP,
    shape=Shape(
        environment=Need.REQUIRED, reason=Need.REQUIRED, usage="stop-all [ENVIRONMENT] REASON"
    ),
    run=run,
)
