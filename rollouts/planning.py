"""What a rollout of the spec's revision would do, before it does it. Pure.

Called by `holdpoint rollout plan`. It walks the strategy as the engine does, with nothing going
wrong and no evidence waited for, and lists every write of the controller that somebody else could
notice. It deliberately knows nothing of the cluster but the object itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollouts import traffic
from rollouts.engine import look
from rollouts.jsontypes import dig_text
from rollouts.model import Observation, Status, parse_deployment
from rollouts.revisions import revision_of, template_inputs
from rollouts.strategies import Finish, GoTo, Progress, Stay

if TYPE_CHECKING:
    from datetime import datetime

    from rollouts.engine import Plan
    from rollouts.jsontypes import JsonObject
    from rollouts.model import ModelDeployment

MOST_STEPS = 200


class NoPlanError(Exception):
    """There is nothing to plan, or the spec makes no sense; the message says why."""


@dataclass(frozen=True)
class Step:
    """A weight, the pods of both revisions while it is in force, and the least seconds at it."""

    weight: int
    candidate: int
    stable: int
    least_s: float


def plan_object(obj: JsonObject, now: datetime) -> JsonObject:
    """What `-o json` prints. Raises NoPlanError."""
    deployment = parse_deployment(obj)
    view = look(deployment, deployment.status or Status(), Observation(), now)
    if view.plan is None:
        raise NoPlanError(view.problem)
    plan, stable = view.plan, view.status.stable
    coming = revision_of(deployment.name, template_inputs(plan.spec))
    if stable is None:
        raise NoPlanError("the first revision gets all the traffic at once; there are no steps")
    if stable.hash == coming.hash:
        raise NoPlanError(f"{stable.name} is what the spec names, and it has all the traffic")
    steps = _steps(plan)
    bake_s = plan.strategy.bake_s(plan.settings)
    return {
        "strategy": plan.strategy.type,
        "stable": stable.name,
        "candidate": coming.name,
        "waits_for_request": plan.spec.needs_request,
        "waits_for_evidence": plan.strategy.judged,
        "outage": plan.strategy.outage,
        "checks": [check.path for check in plan.checks],
        "steps": [vars(step) for step in steps],
        "bake_seconds": bake_s,
        "least_seconds": sum(step.least_s for step in steps) + bake_s,
        "most_pods": max((step.candidate + step.stable for step in steps), default=0),
        "warm_replicas": plan.strategy.warm_replicas(plan.settings),
        "bypass": f"clients of Service {deployment.name} get stable alone until the promotion",
        "writes": _writes(deployment, plan, steps, (stable.name, coming.name)),
    }


def plan_lines(shown: JsonObject) -> list[str]:
    """For people."""
    waits = "a request, then " if shown["waits_for_request"] else ""
    rows = [
        ("Strategy", f"{shown['strategy']}: {shown['stable']} -> {shown['candidate']}"),
        ("Outage", shown["outage"] or "none"),
        ("Checks", ", ".join(shown["checks"])),
        ("Waits for", waits + ("evidence at each step" if shown["waits_for_evidence"] else "pods")),
        *((f"Step {n}", _step_words(step)) for n, step in enumerate(shown["steps"], 1)),
        ("Bake", f"{shown['bake_seconds']:g} s; it can still be taken back"),
        ("At least", f"{shown['least_seconds']:g} s, and the time that pods need to start"),
        ("Most pods", str(shown["most_pods"])),
        ("Kept warm", f"{shown['warm_replicas']} pods of {shown['stable']}"),
        ("Bypass", shown["bypass"]),
        *((f"Write {n}", write) for n, write in enumerate(shown["writes"], 1)),
    ]
    return [f"{name:<10} {value}" for name, value in rows if value]


def _step_words(step: JsonObject) -> str:
    pods = f"{step['candidate']} pods of the candidate beside {step['stable']} of stable"
    return f"{step['weight']} % of the traffic, {pods}, at least {step['least_s']:g} s"


def _steps(plan: Plan) -> list[Step]:
    steps: list[Step] = []
    weight, replicas, stable = 0, plan.spec.replicas, plan.spec.replicas
    while len(steps) < MOST_STEPS:
        move = plan.strategy.next(plan.settings, Progress(weight, math.inf, True, replicas))
        if isinstance(move, Stay):  # somebody has to say so; then everything moves
            move = GoTo(100, 1)
        if isinstance(move, Finish):
            break
        stable = stable if move.stable is None else move.stable
        pods = plan.candidate_size(move.weight) if move.pods is None else move.pods
        weight = move.weight
        least = plan.strategy.next(plan.settings, Progress(weight, 0, True, replicas))
        steps.append(Step(weight, pods, stable, _seconds(least)))
    return steps


def _seconds(move: object) -> float:
    return move.for_s or 0.0 if isinstance(move, Stay) else 0.0


def _writes(
    deployment: ModelDeployment, plan: Plan, steps: list[Step], names: tuple[str, str]
) -> list[str]:
    """In their order. Statuses of our own objects, and Events, are left out."""
    stable, coming = names
    size = plan.candidate_size(0)
    writes = [f"create {kind} {coming}" for kind in ("ControllerRevision", "Service")]
    writes.append(f"create Deployment {coming} with {size} replicas")
    if plan.strategy.previews:
        writes.append(f"point Service {deployment.name}-preview at {coming}")
    kept = plan.spec.replicas
    for step in steps:
        if step.stable != kept:
            writes.append(f"scale Deployment {stable} to {step.stable}")
        if step.candidate > size:
            writes.append(f"scale Deployment {coming} to {step.candidate}")
        shares = f"{stable} {100 - step.weight} %, {coming} {step.weight} %"
        writes.append(f"{_route(deployment)}: {shares}")
        kept, size = step.stable, max(size, step.candidate)
    if not steps or steps[-1].weight < 100:
        writes.append(f"scale Deployment {coming} to {plan.spec.replicas}")
        writes.append(f"{_route(deployment)}: {stable} 0 %, {coming} 100 %")
    writes.append(f"point Service {deployment.name} at {coming}")
    writes.append(f"{_route(deployment)}: {coming} alone, no longer in progress")
    warm = plan.strategy.warm_replicas(plan.settings)
    if kept > warm:
        writes.append(f"scale Deployment {stable} to {warm}, after the bake")
    return writes


def _route(deployment: ModelDeployment) -> str:
    try:
        router = traffic.find(dig_text(deployment.traffic, "type"))
        return str(router.reference(deployment.traffic, deployment.namespace))
    except traffic.TrafficError as error:
        raise NoPlanError(error.sentence) from error
