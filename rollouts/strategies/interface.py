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
    `replicas` is the target's size.
    """

    weight: int
    since_s: float
    passed: bool
    replicas: int = 1


@dataclass(frozen=True)
class GoTo:
    """Give the candidate `weight` per cent. `step` is its number, from 1, for people.

    `stable`: scale stable down to that many pods before the candidate grows; `pods`: ready pods
    that the candidate needs first. None: stable keeps its size, `candidate_size` says the pods.
    """

    weight: int
    step: int
    stable: int | None = None
    pods: int | None = None


@dataclass(frozen=True)
class Check:
    """Something that every pod of the candidate has to answer with 200, `times` times in a row,
    before it gets any traffic. `port` None means the target's."""

    path: str
    port: int | None = None
    times: int = 3


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

    @property
    def judged(self) -> bool:
        """True: a step needs the analysis's yes. False: the analysis can only take back."""

    @property
    def shares(self) -> bool:
        """True: stable gives up its pods while the candidate gets them."""

    @property
    def exclusive(self) -> bool:
        """True: pods of two revisions never run at the same time. Implies `shares`."""

    @property
    def switches(self) -> bool:
        """True: no step has both revisions serving, so stable is counted before the switch."""

    @property
    def previews(self) -> bool:
        """True: the candidate can be reached through a Service of its own before it has traffic."""

    @property
    def outage(self) -> str:
        """A sentence about the outage that this strategy means, "" where it means none."""

    def parse(self, options: JsonObject) -> Any:
        """The options as this strategy's own settings. Raises StrategyError."""

    def next(self, settings: Any, progress: Progress) -> Move:
        """Where to go from here."""

    def candidate_size(self, settings: Any, weight: int, replicas: int) -> int:
        """How many ready replicas the candidate needs before it gets `weight`; 1..replicas, and 0
        at 0 % where it is not to run beside stable at all."""

    def stable_size(self, settings: Any, weight: int, replicas: int) -> int:
        """How many replicas stable keeps at least while the candidate has `weight`."""

    def checks(self, settings: Any) -> tuple[Check, ...]:
        """What the candidate has to answer before it gets any traffic."""

    def bake_s(self, settings: Any) -> float:
        """How long the old revision stays at full size after the promotion."""

    def warm_replicas(self, settings: Any) -> int:
        """How many replicas of the previous revision are kept after the bake."""

    def warm_s(self, settings: Any) -> float | None:
        """For how long after the bake they are; None: until the next rollout."""


class Beside:
    """What is the same in every strategy that starts the candidate beside a stable revision that
    keeps all its pods; the others say what differs."""

    judged = True
    shares = False
    exclusive = False
    switches = False
    previews = False
    outage = ""

    def stable_size(self, settings: Any, weight: int, replicas: int) -> int:  # noqa: ARG002 - other strategies need them
        """All of them."""
        return replicas

    def checks(self, settings: Any) -> tuple[Check, ...]:  # noqa: ARG002 - other strategies need them
        """None beyond the pods' own readiness."""
        return ()

    def warm_s(self, settings: Any) -> float | None:
        """`warmSeconds`, for the strategies that keep pods."""
        found: int | None = getattr(settings, "warm_s", None)
        return found
