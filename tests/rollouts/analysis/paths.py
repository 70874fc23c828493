"""Ticks for the tests: by the rate of each arm, without chance unless a seed is given."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from rollouts.analysis import Increment, Settings, State, Tick, start, update

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def steady(
    seconds: int,
    *,
    candidate: tuple[int, float],
    stable: tuple[int, float] = (0, 0.0),
    concurrent: bool = True,
) -> Iterator[Tick]:
    """Ticks of 1 s; an arm is (requests a second, error rate), its errors spread evenly."""
    for second in range(seconds):
        yield Tick(1.0, _evenly(candidate, second), _evenly(stable, second), concurrent=concurrent)


def _evenly(arm: tuple[int, float], second: int) -> Increment:
    requests, rate = arm
    errors = int(requests * rate * (second + 1)) - int(requests * rate * second)
    return Increment(requests, min(requests, errors))


def by_chance(seed: int, seconds: int, *, candidate: float, stable: float) -> Iterator[Tick]:
    """Ticks of 1 s with about 2 and 18 requests, each failing with its arm's probability."""
    chance = random.Random(seed)
    for _ in range(seconds):
        n_c, n_s = chance.randrange(5), 14 + chance.randrange(9)
        k_c = sum(chance.random() < candidate for _ in range(n_c))
        k_s = sum(chance.random() < stable for _ in range(n_s))
        yield Tick(1.0, Increment(n_c, k_c), Increment(n_s, k_s))


def after(settings: Settings, ticks: Iterable[Tick], state: State | None = None) -> State:
    """The state once all the ticks are in."""
    state = state or start(settings)
    for tick in ticks:
        state = update(state, settings, tick)
    return state
