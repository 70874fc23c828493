"""What a strategy is: the Protocol every file of this folder implements, and its data types.

Asked by the engine where a rollout should go next once its last weight was read back and accepted.
Strategies are pure. They deliberately do not scale, write or watch anything, and need not think of
requests, safety or read-back: the engine does, for all of them alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject
    from rollouts.reasons import Reason


class StrategyError(ValueError):
    """The strategy's part of the spec makes no sense; the message is a sentence that says why."""


@dataclass(frozen=True)
class Progress:
    """Where a rollout stands. `weight` is confirmed; `since_s` is how long ago that was.

    `passed`: the candidate is judged fine, or what was declared for the undecided says go on.
    """

    weight: int
    since_s: float
    passed: bool


@dataclass(frozen=True)
class GoTo:
    """Give the candidate `weight` per cent. `step` is its number, from 1, for people."""

    weight: int
    step: int


@dataclass(frozen=True)
class Stay:
    """Wait, for `for_s` seconds if only time is missing; None when evidence is."""

    reason: Reason
    message: str
    for_s: float | None = None


@dataclass(frozen=True)
class Finish:
    """The candidate has passed every step."""


Move = GoTo | Stay | Finish


class Strategy(Protocol):
    """One way to get from the stable revision to the candidate. A file holds one as `STRATEGY`."""

    @property
    def type(self) -> str:
        """The name in `spec.strategy.type`; its options are under that name in lower camel case."""

    def parse(self, options: JsonObject) -> Any:
        """The options as this strategy's own settings. Raises StrategyError."""

    def next(self, settings: Any, progress: Progress) -> Move:
        """Where to go from here."""

    def candidate_size(self, settings: Any, weight: int, replicas: int) -> int:
        """How many ready replicas the candidate needs before it gets `weight`; 1..replicas."""

    def bake_s(self, settings: Any) -> float:
        """How long the old revision stays at full size after the promotion."""

    def warm_replicas(self, settings: Any) -> int:
        """How many replicas of the previous revision are kept after the bake."""
