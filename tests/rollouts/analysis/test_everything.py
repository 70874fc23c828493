"""Everything that can be measured at once, by the code itself and not by a twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from rollouts.analysis import (
    Both,
    Histogram,
    Increment,
    Judgement,
    Kind,
    Measure,
    Part,
    Scores,
    Settings,
    Tick,
    judge,
    start,
    update,
)
from tests.rollouts.analysis.simulation import most

if TYPE_CHECKING:
    from collections.abc import Iterator

BOUNDS = (0.025, 0.05, 0.1, 0.25, 1.0)
RUNS, SECONDS = 12, 300


def served(
    chance: np.random.Generator, per_second: float, bad: float, slower: float, score: float
) -> tuple[Increment, Histogram, Increment, Scores]:
    """One arm's second: errors, latency, labels and scores."""
    n = int(chance.poisson(per_second))
    took = np.exp(np.log(0.06 * slower) + 0.5 * chance.standard_normal(n))
    within = tuple(int((took <= bound).sum()) for bound in BOUNDS)
    wrong = int(chance.binomial(n, min(1.0, 10 * bad)))
    scores = chance.beta(8 * score, 8 * (1 - score), n)
    return (
        Increment(n, int(chance.binomial(n, bad))),
        Histogram(BOUNDS, within, n),
        Increment(n, wrong),
        Scores(n, float(scores.sum())),
    )


def ticks(
    seed: int, *, bad: float = 1.0, slower: float = 1.0, score: float = 0.8
) -> Iterator[Tick]:
    """10 % of 100 requests a second; from 100 to 160 s an incident on both sides."""
    chance = np.random.default_rng(seed)
    for second in range(SECONDS):
        on = 100 <= second < 160
        rate, slow = (0.08, 3.0) if on else (0.005, 1.0)
        level = score - (0.3 if on else 0.0)
        c = served(chance, 10, rate * bad, slow * slower, level)
        s = served(chance, 90, rate, slow, 0.8 - (0.3 if on else 0.0))
        yield Tick(
            1.0,
            c[0],
            s[0],
            share=0.1,
            latency=Both(c[1], s[1]),
            labels=Both(c[2], s[2]),
            scores=Both(c[3], s[3]),
        )


def first_worse(settings: Settings, some: Iterator[Tick]) -> Judgement | None:
    state = start(settings)
    for tick in some:
        state = update(state, settings, tick)
        judgement = judge(state, settings)
        if judgement.kind is Kind.WORSE:
            return judgement
    return None


@pytest.mark.parametrize("r0", [1.0, 1.5])
def test_a_healthy_candidate_is_left_alone_through_a_shared_incident(r0: float) -> None:
    spec = {"tolerance": {"r0": str(r0), "drift": "0.05"}}
    settings = Settings.from_spec(spec, frozenset(Measure))
    found = [first_worse(settings, ticks(seed)) for seed in range(RUNS)]
    assert sum(each is not None for each in found) <= most(RUNS, settings.alpha)


@pytest.mark.parametrize(
    ("fault", "parts"),
    [
        ({"bad": 8.0}, {Part.ERRORS, Part.LABELS}),
        ({"slower": 1.5}, {Part.LATENCY}),
        ({"score": 0.6}, {Part.SCORES}),
    ],
)
def test_each_fault_is_found_and_named(fault: dict[str, float], parts: set[Part]) -> None:
    settings = Settings.from_spec({}, frozenset(Measure))
    judgement = first_worse(settings, ticks(3, **fault))
    assert judgement is not None
    assert judgement.part in parts
