"""What latency promises, simulated: a healthy candidate is left alone, +25 % is found.

Requests arrive by a Poisson process, 10 % at the candidate; they take a lognormal time around 60 ms
(sigma 0.5: one in fifteen takes twice as long). Latency has 15 % of alpha.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats

from rollouts.analysis import (
    Both,
    Histogram,
    Increment,
    Measure,
    Part,
    Settings,
    Tick,
    evidence,
    start,
    update,
)
from tests.rollouts.analysis.simulation import HOUR, WEIGHT, most, note
from tests.rollouts.analysis.twin_latency import BOUNDS, LatencyTwin

if TYPE_CHECKING:
    from tests.rollouts.analysis.twin import Floats, Ints

SETTINGS = Settings.from_spec({}, {Measure.LATENCY})
MEDIAN_S, SIGMA = 0.060, 0.5
ENOUGH = np.log(1 / SETTINGS.alpha) - evidence.log_shares(SETTINGS)[Part.LATENCY]

Slower = Callable[[int], float]


def shares(slower: float) -> Floats:
    """The part of the requests in each bucket, the last one open."""
    within = stats.norm.cdf(np.log(np.array(BOUNDS) / (MEDIAN_S * slower)) / SIGMA)
    return np.diff(np.concatenate([[0], within, [1]]))


def served(
    chance: np.random.Generator, per_second: float, part: Floats, runs: int
) -> tuple[Ints, Ints]:
    """Requests of a second in each run, and how many of them took longer than each boundary."""
    n = chance.poisson(per_second, runs)
    buckets = chance.multinomial(n, part)
    return n, n[:, None] - np.cumsum(buckets, axis=1)[:, :-1]


@dataclass
class Found:
    """Seconds until latency alone is enough, infinite for never."""

    at: Floats

    @property
    def count(self) -> int:
        """In how many runs it was."""
        return int(np.isfinite(self.at).sum())


def simulate(
    per_second: float,
    candidate: Slower,
    *,
    runs: int,
    seed: int,
    seconds: int = HOUR,
    stable: Slower = lambda _: 1.0,
    until_all: bool = False,
) -> Found:
    """Runs side by side; arms are as many times slower as their functions say."""
    chance = np.random.default_rng(seed)
    twin, found = LatencyTwin(SETTINGS, runs), Found(np.full(runs, np.inf))
    parts: dict[float, Floats] = {}
    for second in range(1, seconds + 1):
        arms: list[Ints] = []
        for slower, weight in ((candidate(second), WEIGHT), (stable(second), 1 - WEIGHT)):
            part = parts.setdefault(slower, shares(slower))
            arms += served(chance, per_second * weight, part, runs)
        twin.step(*arms)
        note(found.at, twin.log_e >= ENOUGH, second)
        if until_all and found.count == runs:
            break
    return found


def test_the_twin_is_the_pure_code() -> None:
    chance = np.random.default_rng(1)
    runs = 4
    twin, states = LatencyTwin(SETTINGS, runs), [start(SETTINGS)] * runs
    for second in range(1, 201):
        slower = 1.0 if second < 60 else 1.4
        n_c, beyond_c = served(chance, 3, shares(slower), runs)
        n_s, beyond_s = served(chance, 20, shares(1.0), runs)
        if second == 1:
            n_c = np.maximum(n_c, 1)  # both begin with the first request
            beyond_c = np.minimum(beyond_c, n_c[:, None])
        twin.step(n_c, beyond_c, n_s, beyond_s)
        for run in range(runs):
            seen = [
                Histogram(BOUNDS, tuple(int(n[run] - k) for k in beyond[run]), int(n[run]))
                for n, beyond in ((n_c, beyond_c), (n_s, beyond_s))
            ]
            arms = Increment(int(n_c[run])), Increment(int(n_s[run]))
            tick = Tick(1.0, *arms, latency=Both(seen[0], seen[1]))
            states[run] = update(states[run], SETTINGS, tick)
        found = [evidence.parts(state, SETTINGS)[Part.LATENCY] for state in states]
        assert found == pytest.approx(twin.log_e.tolist(), abs=1e-6)
    assert max(found) > 3


@pytest.mark.parametrize(("per_second", "runs", "seconds"), [(20, 200, 1200), (100, 200, 1000)])
def test_a_healthy_candidate_is_not_found_slow_even_in_a_shared_incident(
    per_second: float, runs: int, seconds: int
) -> None:
    """Everything takes three times as long for four minutes, on both sides."""

    def incident(second: int) -> float:
        return 3.0 if 600 <= second < 840 else 1.0

    found = simulate(per_second, incident, stable=incident, runs=runs, seconds=seconds, seed=21)
    assert found.count <= most(runs, SETTINGS.alpha)


def test_a_candidate_at_the_edge_of_what_is_tolerated_is_left_alone() -> None:
    """1.25 times the odds at every boundary: the least favourable null."""
    chance = np.random.default_rng(22)
    runs = 150
    twin, found = LatencyTwin(SETTINGS, runs), np.full(runs, np.inf)
    beyond = 1 - np.cumsum(shares(1.0))[:-1]
    odds = 1.25 * beyond / (1 - beyond)
    edge = np.concatenate([[1], odds / (1 + odds), [0]])
    for second in range(1, 601):
        c, s = served(chance, 10, -np.diff(edge), runs), served(chance, 90, shares(1.0), runs)
        twin.step(*c, *s)
        note(found, twin.log_e >= ENOUGH, second)
    assert np.isfinite(found).sum() <= most(runs, SETTINGS.alpha)


@pytest.mark.parametrize(
    ("per_second", "slower", "seconds"),
    [(20, 1.25, 250), (100, 1.25, 45), (20, 2.0, 30), (100, 2.0, 6)],
)
def test_a_slower_candidate_is_found(per_second: float, slower: float, seconds: float) -> None:
    """The median, a quarter above the measured; and all of them."""
    found = simulate(per_second, lambda _: slower, runs=100, seed=23, until_all=True)
    assert found.count == 100
    assert np.median(found.at) <= seconds


def test_slowness_that_begins_after_half_an_hour_is_found() -> None:
    found = simulate(
        100, lambda second: 1.25 if second > 1800 else 1.0, runs=30, seconds=2000, seed=24
    )
    assert found.count == 30
    assert np.median(found.at) - 1800 <= 75
