"""The answer to `plan`: the evidence, the steps, and everything that bars the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.blocks.parts import context, seconds, section
from bot.blocks.situation import bars
from bot.desk import Answer
from bot.escape import code, cut, escaped, short
from rollouts.jsontypes import JsonObject, dig, dig_list, dig_object, dig_text

if TYPE_CHECKING:
    from bot.gate import Clearance
    from bot.places import Environment
    from bot.policy import Situation
    from bot.refusals import Denial

MOST_STEPS = 12


@dataclass(frozen=True)
class Plan:
    """What was found out. Either `clearance` or `denial` is None."""

    label: str
    deployment: JsonObject
    place: Environment
    situation: Situation
    clearance: Clearance | None
    denial: Denial | None


def answer(plan: Plan) -> Answer:
    """Three sections and the small print."""
    blocks = [
        section(f"*Plan for {escaped(plan.label, 120)}*\n{_evidence(plan)}"),
        section(cut(_steps(plan.deployment), 2900)),
        section(cut(_bars(plan), 2900)),
        context(
            "Nothing was changed. Clients inside the cluster that use the Service of the target's "
            "own name bypass the weights and stay on stable until promotion."
        ),
    ]
    return Answer(tuple(blocks), "Plan")


def _evidence(plan: Plan) -> str:
    if plan.clearance is None or plan.denial is not None:
        why = plan.denial
        return f":no_entry: {why.rule} {code(why.code.value)}" if why else "No evidence."
    found = plan.clearance
    score = found.judged.record.overall_score or 0.0
    return (
        f":white_check_mark: Commit {code(short(found.commit))} is judged ready ({score:.2f}), "
        f"model {code(short(found.model_digest))}, image {code(short(found.image.digest))}; "
        f"the verdict holds until {found.judged.expires:%Y-%m-%d %H:%M} UTC."
    )


def _steps(deployment: JsonObject) -> str:
    strategy = dig_object(deployment, "spec", "strategy")
    lines = [f"*Steps* ({escaped(dig_text(strategy, 'type') or 'Canary', 30)})"]
    canary = dig_object(strategy, "canary")
    for number, step in enumerate(dig_list(canary, "steps")[:MOST_STEPS], 1):
        weight, soak = dig(step, "weight"), dig(step, "soakSeconds")
        waits = f", at least {seconds(float(soak))}" if isinstance(soak, int) else ""
        lines.append(f"{number}. {escaped(str(weight), 10)}% of the traffic{waits}")
    bake = dig(canary, "bakeSeconds")
    if isinstance(bake, int):
        lines.append(f"Then promotion, watched for {seconds(float(bake))}.")
    if len(lines) == 1:
        lines.append("As the ModelDeployment's spec and its defaults say.")
    return "\n".join(lines)


def _bars(plan: Plan) -> str:
    lines = bars(plan.situation)
    rule = plan.place.approvals
    if rule.required:
        above = f" for more than {rule.above}%" if rule.above else ""
        lines.append(f":busts_in_silhouette: {rule.required} approval(s) are needed{above}.")
    weak, found = plan.place.weak, plan.clearance
    if weak is not None and found is not None:
        score = found.judged.record.overall_score or 0.0
        if score < weak.below:
            lines.append(f":warning: A weak score: the first step is at most {weak.first_weight}%.")
    return "*In the way*\n" + ("\n".join(lines) or "Nothing.")
