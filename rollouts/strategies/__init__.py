"""Strategies: one file each, found by `find`; see `interface` for what a strategy is."""

from rollouts.strategies.catalogue import find, strategies
from rollouts.strategies.interface import (
    Beside,
    Check,
    Finish,
    GoTo,
    Move,
    Progress,
    Stay,
    Strategy,
    StrategyError,
)

__all__ = [
    "Beside",
    "Check",
    "Finish",
    "GoTo",
    "Move",
    "Progress",
    "Stay",
    "Strategy",
    "StrategyError",
    "find",
    "strategies",
]
