"""Rolling: pods of stable give way to pods of the candidate, and the traffic follows the pods.

Options (`spec.strategy.rolling`): `maxSurge` and `maxUnavailable` as in a Deployment (a number or
per cent of the replicas; surge rounds up, unavailable down; 25 % both), `soakSeconds` at each step,
`bakeSeconds`. A step moves `maxSurge + maxUnavailable` pods and at least one per cent of the
traffic; while stable has traffic it keeps a pod. The analysis watches and takes back, but a step
does not wait for its yes: whoever wants that takes Canary.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollouts.model.fields import FieldError, Fields
from rollouts.reasons import Reason
from rollouts.strategies.interface import (
    Beside,
    Finish,
    GoTo,
    Move,
    Progress,
    Stay,
    StrategyError,
)

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject

DEFAULT_AMOUNT = "25%"
DEFAULT_SOAK_S = 0
DEFAULT_BAKE_S = 60
PER_CENT = re.compile(r"([0-9]{1,3})%")


@dataclass(frozen=True)
class Amount:
    """A number of pods, or per cent of them."""

    value: int
    per_cent: bool = False

    def of(self, replicas: int, *, up: bool) -> int:
        """In pods."""
        if not self.per_cent:
            return self.value
        exact = replicas * self.value
        return -(-exact // 100) if up else exact // 100


@dataclass(frozen=True)
class Settings:
    """As in a Deployment."""

    surge: Amount = Amount(25, per_cent=True)
    unavailable: Amount = Amount(25, per_cent=True)
    soak_s: int = DEFAULT_SOAK_S
    bake_s: int = DEFAULT_BAKE_S

    def room(self, replicas: int) -> tuple[int, int]:
        """Pods that there may be more, and pods that may be missing. Somebody always serves, so a
        single pod that may be missing is surged instead."""
        surge = self.surge.of(replicas, up=True)
        missing = min(self.unavailable.of(replicas, up=False), replicas - 1)
        return (surge, missing) if surge or missing else (1, 0)


class Rolling(Beside):
    """See the module."""

    type = "Rolling"
    judged = False
    shares = True

    def parse(self, options: JsonObject) -> Settings:
        """Raises StrategyError when a field is wrong or no pod could ever move."""
        fields = Fields(options, "spec.strategy.rolling")
        try:
            settings = Settings(
                surge=_amount(fields, "maxSurge"),
                unavailable=_amount(fields, "maxUnavailable"),
                soak_s=fields.whole("soakSeconds", DEFAULT_SOAK_S),
                bake_s=fields.whole("bakeSeconds", DEFAULT_BAKE_S),
            )
        except FieldError as error:
            raise StrategyError(str(error)) from error
        if not (settings.surge.value or settings.unavailable.value):
            raise StrategyError(
                "spec.strategy.rolling.maxSurge and .maxUnavailable are both 0: no pod could move"
            )
        return settings

    def next(self, settings: Any, progress: Progress) -> Move:
        """The next pods, when the last ones are ready and have soaked."""
        if progress.weight >= 100:
            return Finish()
        left = settings.soak_s - progress.since_s
        if progress.weight and left > 0:
            return Stay(Reason.SOAKING, f"soaking at {progress.weight} %", left)
        return _step(settings, progress)

    def candidate_size(self, settings: Any, weight: int, replicas: int) -> int:
        """As many pods as the weight is of all; at the end those that may be missing are."""
        missing: int = settings.room(replicas)[1]
        return max(1, _pods(weight, replicas) if weight < 100 else replicas - missing)

    def stable_size(self, settings: Any, weight: int, replicas: int) -> int:
        """What is left, less those that may be missing; one while it has traffic."""
        if weight >= 100:
            return 0
        missing: int = settings.room(replicas)[1]
        return max(1, replicas - _pods(weight, replicas) - missing)

    def bake_s(self, settings: Any) -> float:
        """`bakeSeconds`."""
        return float(settings.bake_s)

    def warm_replicas(self, settings: Any) -> int:  # noqa: ARG002 - other strategies need them
        """None: its pods gave way."""
        return 0


def _step(settings: Settings, progress: Progress) -> GoTo:
    """At most `replicas + surge` pods run, at least `replicas - missing` are ready."""
    replicas = progress.replicas
    surge, missing = settings.room(replicas)
    here = _pods(progress.weight, replicas)
    stable = max(1, replicas - here - missing)
    pods = min(replicas, replicas + surge - stable)
    if pods <= here:  # stable's last pod is in the way: what is there takes over, then it goes
        return GoTo(100, replicas, stable, max(1, here))
    weight = max(progress.weight + 1, pods * 100 // replicas)
    return GoTo(weight, pods, stable, pods)


def _pods(weight: int, replicas: int) -> int:
    """Pods for a share of the traffic; the inverse of what a step gives them."""
    return math.ceil(replicas * weight / 100)


def _amount(fields: Fields, name: str) -> Amount:
    value = fields.data.get(name, DEFAULT_AMOUNT)
    if isinstance(value, str) and (found := PER_CENT.fullmatch(value)):
        return Amount(int(found[1]), per_cent=True)
    return Amount(fields.whole(name))


STRATEGY = Rolling()
