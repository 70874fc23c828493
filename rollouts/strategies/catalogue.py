"""Finds the strategies: every other file of this folder holds one, as `STRATEGY`.

Called by the engine with `spec.strategy.type`. There is deliberately no list to keep: a new
strategy is a new file.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from rollouts.discovery import units
from rollouts.strategies.interface import StrategyError

if TYPE_CHECKING:
    from rollouts.strategies.interface import Strategy

NOT_STRATEGIES = frozenset({"catalogue", "interface"})


@cache
def strategies() -> dict[str, Strategy]:
    """Every strategy by its type, in the order of their file names."""
    return units("rollouts.strategies", "STRATEGY", NOT_STRATEGIES)


def find(name: str) -> Strategy:
    """The strategy of that type. Raises StrategyError with the known ones, never falls back."""
    strategy = strategies().get(name)
    if strategy is None:
        raise StrategyError(
            f"spec.strategy.type {name!r} is no strategy; known are {', '.join(strategies())}"
        )
    return strategy
