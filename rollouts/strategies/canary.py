"""Canary: a rising share of the traffic, each step held until it has soaked and was judged fine.

Options (`spec.strategy.canary`): `steps` [{weight, soakSeconds}], `bakeSeconds`, `warmReplicas`,
`warmSeconds`. By default 10, 25, 50, 75 and 100 per cent, five minutes on the first step and one on
each further.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rollouts.model.fields import FieldError, Fields
from rollouts.reasons import Reason
from rollouts.strategies.interface import Beside, Finish, GoTo, Move, Progress, Stay, StrategyError

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject

HEADROOM = 1.2  # one replica in six may be lost, or slow to warm up, at the weight's full share
DEFAULT_SOAK_S = 60
DEFAULT_BAKE_S = 300
DEFAULT_WARM_REPLICAS = 1


@dataclass(frozen=True)
class Step:
    """A weight in per cent, and the least time at it in seconds."""

    weight: int
    soak_s: int


DEFAULT_STEPS = (Step(10, 300), *(Step(weight, 60) for weight in (25, 50, 75, 100)))


@dataclass(frozen=True)
class Settings:
    """`steps` rise. An empty list would promote at once, so the default stands in for it."""

    steps: tuple[Step, ...] = DEFAULT_STEPS
    bake_s: int = DEFAULT_BAKE_S
    warm_replicas: int = DEFAULT_WARM_REPLICAS
    warm_s: int | None = None


class Canary(Beside):
    """See the module."""

    type = "Canary"

    def parse(self, options: JsonObject) -> Settings:
        """Raises StrategyError when a field is wrong or the steps do not rise."""
        fields = Fields(options, "spec.strategy.canary")
        try:
            steps = tuple(
                Step(step.per_cent("weight"), step.whole("soakSeconds", DEFAULT_SOAK_S))
                for step in fields.children("steps")
            )
            settings = Settings(
                steps=steps or DEFAULT_STEPS,
                bake_s=fields.whole("bakeSeconds", DEFAULT_BAKE_S),
                warm_replicas=fields.whole("warmReplicas", DEFAULT_WARM_REPLICAS),
                warm_s=fields.whole("warmSeconds") if "warmSeconds" in options else None,
            )
        except FieldError as error:
            raise StrategyError(str(error)) from error
        weights = [0, *(step.weight for step in settings.steps)]
        if any(later <= earlier for earlier, later in pairwise(weights)):
            raise StrategyError(f"the weights of spec.strategy.canary.steps must rise: {weights}")
        return settings

    def next(self, settings: Any, progress: Progress) -> Move:
        """The next step, when this one has soaked and the candidate is judged fine."""
        steps: tuple[Step, ...] = settings.steps
        here = next((step for step in steps if step.weight == progress.weight), None)
        if progress.weight and (stay := _still(here, progress)) is not None:
            return stay
        for number, step in enumerate(steps, 1):
            if step.weight > progress.weight:
                return GoTo(step.weight, number)
        return Finish()

    def candidate_size(self, settings: Any, weight: int, replicas: int) -> int:  # noqa: ARG002 - other strategies need them
        """Enough for the weight with headroom, at least one, never more than stable has."""
        if weight >= 100:
            return replicas
        return min(replicas, max(1, math.ceil(replicas * weight / 100 * HEADROOM)))

    def bake_s(self, settings: Any) -> float:
        """`bakeSeconds`."""
        return float(settings.bake_s)

    def warm_replicas(self, settings: Any) -> int:
        """`warmReplicas`."""
        return int(settings.warm_replicas)


def _still(here: Step | None, progress: Progress) -> Stay | None:
    """Why to stay at this weight, None when nothing keeps us: 100 % after the last step is no
    step, what follows it is the bake."""
    if here is None and progress.weight >= 100:
        return None
    left = (here.soak_s if here else DEFAULT_SOAK_S) - progress.since_s
    if left > 0:
        return Stay(Reason.SOAKING, f"soaking at {progress.weight} %", left)
    if not progress.passed:
        return Stay(Reason.NOT_ENOUGH_EVIDENCE, f"not enough evidence at {progress.weight} % yet")
    return None


STRATEGY = Canary()
