"""Recreate: stable's pods end, then the candidate's start. For what cannot run twice at a time.

Options (`spec.strategy.recreate`): `bakeSeconds`. Between the last pod of the one and the first
ready pod of the other nobody serves, and the same on the way back: `outage` says so to whoever
plans it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollouts.model.fields import FieldError, Fields
from rollouts.strategies.interface import Beside, Finish, GoTo, Move, Progress, StrategyError

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject

DEFAULT_BAKE_S = 60


@dataclass(frozen=True)
class Settings:
    """How long the analysis may still take it back."""

    bake_s: int = DEFAULT_BAKE_S


class Recreate(Beside):
    """See the module."""

    type = "Recreate"
    judged = False  # nobody serves whom it could be compared with
    shares = True
    exclusive = True
    switches = True
    outage = (
        "nobody serves from the end of stable's pods until the candidate's are ready; taking it "
        "back means the same again"
    )

    def parse(self, options: JsonObject) -> Settings:
        """Raises StrategyError."""
        try:
            fields = Fields(options, "spec.strategy.recreate")
            return Settings(bake_s=fields.whole("bakeSeconds", DEFAULT_BAKE_S))
        except FieldError as error:
            raise StrategyError(str(error)) from error

    def next(self, settings: Any, progress: Progress) -> Move:  # noqa: ARG002 - other strategies need them
        """Everything, when stable is gone."""
        return Finish() if progress.weight >= 100 else GoTo(100, 1, stable=0)

    def candidate_size(self, settings: Any, weight: int, replicas: int) -> int:  # noqa: ARG002 - other strategies need them
        """None before it may have traffic, then all."""
        return replicas if weight else 0

    def stable_size(self, settings: Any, weight: int, replicas: int) -> int:  # noqa: ARG002 - other strategies need them
        """None."""
        return 0

    def bake_s(self, settings: Any) -> float:
        """`bakeSeconds`."""
        return float(settings.bake_s)

    def warm_replicas(self, settings: Any) -> int:  # noqa: ARG002 - other strategies need them
        """None: two revisions never run at a time."""
        return 0


STRATEGY = Recreate()
