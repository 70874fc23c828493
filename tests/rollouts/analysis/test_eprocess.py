"""The two-sample increments against exact sums, and the mixture against plain products."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from itertools import pairwise, product

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from rollouts.analysis import Increment, Settings, Tick, eprocess, onset, start, update

RATES = st.floats(0.0, 0.6)
FEW = st.integers(0, 7)


def binomial(n: int, p: float) -> list[float]:
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def expectation(
    null: float, ratios: eprocess.Logs, n: tuple[int, int], p: tuple[float, float]
) -> list[float]:
    """The exact mean of exp(l) over all outcomes of a tick, for each ratio."""
    means = [0.0] * len(ratios)
    outcomes = product(enumerate(binomial(n[0], p[0])), enumerate(binomial(n[1], p[1])))
    for (k_c, chance_c), (k_s, chance_s) in outcomes:
        logs = eprocess.increments(ratios, null, Increment(n[0], k_c), Increment(n[1], k_s))
        for i, log in enumerate(logs or [0.0] * len(ratios)):
            means[i] += chance_c * chance_s * math.exp(log)
    return means


@given(st.sampled_from([1.0, 1.5, 3.0]), FEW, FEW, RATES, st.floats(0, 1))
def test_worse_never_gains_on_average_while_the_candidate_is_not(
    r0: float, n_c: int, n_s: int, p_s: float, part: float
) -> None:
    p_c = min(1.0, r0 * p_s * part)
    means = expectation(r0, eprocess.worse_ratios(r0), (n_c, n_s), (p_c, p_s))
    assert all(mean <= 1 + 1e-9 for mean in means)


@given(st.sampled_from([2.0, 3.0]), FEW, FEW, RATES, st.floats(1, 5))
def test_fine_never_gains_on_average_while_the_candidate_is_r1_times_worse(
    r1: float, n_c: int, n_s: int, p_s: float, times: float
) -> None:
    p_c = r1 * p_s * times
    if p_c > 1:
        return
    means = expectation(r1, eprocess.FINE_RATIOS, (n_c, n_s), (p_c, p_s))
    assert all(mean <= 1 + 1e-9 for mean in means)


def test_both_gain_where_they_should() -> None:
    worse = expectation(1.5, eprocess.worse_ratios(1.5), (7, 7), (0.5, 0.05))
    fine = expectation(2.0, eprocess.FINE_RATIOS, (7, 7), (0.2, 0.2))
    assert max(worse) > 5
    assert fine[0] > 1.01


@given(FEW, FEW, st.data())
def test_the_increment_is_the_conditional_binomial_likelihood_ratio(
    n_c: int, n_s: int, data: st.DataObject
) -> None:
    """Given k errors in all, the candidate's are binomial with theta: an independent way there."""
    k_c, k_s = data.draw(st.integers(0, n_c)), data.draw(st.integers(0, n_s))
    ratios, null = (1.875, 6.0, 600.0), 1.5
    logs = eprocess.increments(ratios, null, Increment(n_c, k_c), Increment(n_s, k_s))
    for ratio, log in zip(ratios, logs or (0.0,) * 3, strict=True):
        likelihood = Fraction(1)
        if n_c and n_s:
            theta = Fraction(n_c) * Fraction(ratio) / (Fraction(n_c) * Fraction(ratio) + n_s)
            theta0 = Fraction(n_c) * Fraction(null) / (Fraction(n_c) * Fraction(null) + n_s)
            likelihood = (theta / theta0) ** k_c * ((1 - theta) / (1 - theta0)) ** k_s
        assert math.exp(log) == pytest.approx(float(likelihood), rel=1e-9)


def test_the_grid_is_forty_ratios_from_1_25_to_400_times_r0() -> None:
    ratios = eprocess.worse_ratios(1.5)
    assert len(ratios) == 40
    assert ratios[0] == pytest.approx(1.5 * 1.25)
    assert ratios[-1] == pytest.approx(1.5 * 400)
    steps = [b / a for a, b in pairwise(ratios)]
    assert max(steps) == pytest.approx(min(steps))
    assert sum(weight for _, weight in eprocess.FINE) == pytest.approx(1)


def plain_product(chosen: Settings, ticks: list[Tick]) -> float:
    """E_t as the definition says it, in raw odds: a sum over start times of products."""
    total, second, spent = 0.0, 0.0, 0.5
    starts = [(0, 0.5)]
    per_mark = 0.5 / (chosen.horizon_s // 10)
    for number, tick in enumerate(ticks):
        marks = math.floor((second + tick.seconds) / 10) - math.floor(second / 10)
        second += tick.seconds
        if marks:
            starts.append((number, marks * per_mark))
            spent += marks * per_mark
    ratios = [chosen.r0 * 1.25 * (400 / 1.25) ** (i / 39) for i in range(40)]
    for ratio in ratios:
        for first, weight in starts:
            value = weight
            for tick in ticks[first:]:
                n_c, n_s = tick.candidate.requests, tick.stable.requests
                k_c, k_s = tick.candidate.errors, tick.stable.errors
                if n_c and n_s:
                    value *= (ratio / chosen.r0) ** k_c
                    value *= ((n_c * ratio + n_s) / (n_c * chosen.r0 + n_s)) ** -(k_c + k_s)
            total += value / 40
    return total + max(0.0, 1 - spent)


@given(st.integers(0, 2**32), st.sampled_from([1.0, 1.5]), st.sampled_from([60.0, 100.0]))
@settings(max_examples=25, deadline=None)
def test_the_mixture_over_ratios_and_starts_is_what_the_definition_says(
    seed: int, r0: float, horizon_s: float
) -> None:
    chosen = Settings(r0=r0, horizon_s=horizon_s, error_limit=None)
    chance = random.Random(seed)
    ticks = []
    for _ in range(60):
        n_c, n_s = chance.randrange(6), chance.randrange(12)
        errors = sum(chance.random() < 0.15 for _ in range(n_c))
        failed = sum(chance.random() < 0.1 for _ in range(n_s))
        seconds = chance.choice([0.5, 1.0, 1.0, 15.0])
        ticks.append(Tick(seconds, Increment(n_c, errors), Increment(n_s, failed)))
    state = start(chosen)
    for tick in ticks:
        state = update(state, chosen, tick)
    assert math.exp(state.log_e) == pytest.approx(plain_product(chosen, ticks), rel=1e-9)


def mean_of_e(chosen: Settings, p_c: float, p_s: float, ticks: int) -> float:
    """The exact mean of E after some ticks of 2 and 3 requests, over every outcome."""
    outcomes = [
        (Tick(20.0, Increment(2, k_c), Increment(3, k_s)), chance_c * chance_s)
        for (k_c, chance_c), (k_s, chance_s) in product(
            enumerate(binomial(2, p_c)), enumerate(binomial(3, p_s))
        )
    ]
    level = [(start(chosen), 1.0)]
    for _ in range(ticks):
        level = [
            (update(state, chosen, tick), chance * more)
            for state, chance in level
            for tick, more in outcomes
        ]
    return sum(chance * math.exp(state.log_e) for state, chance in level)


def test_e_never_gains_on_average_with_all_its_parts() -> None:
    """Comparison, limit and start times together, summed exactly: at most 1 under the null."""
    chosen = Settings(r0=1.5, error_limit=0.3, horizon_s=40)
    for p_s in (0.05, 0.2):
        for part in (0.5, 1.0):
            assert mean_of_e(chosen, min(0.3, 1.5 * p_s * part), p_s, 2) <= 1 + 1e-9
    assert mean_of_e(chosen, 0.9, 0.05, 2) > 8


def test_start_times_get_half_of_the_weight_evenly_every_ten_seconds() -> None:
    horizon_s, total = 600.0, 0.0
    for second in range(600):
        weight = onset.weight(second, second + 1, horizon_s)
        assert weight == (pytest.approx(0.5 / 60) if (second + 1) % 10 == 0 else 0)
        total += weight
    assert total == pytest.approx(0.5)
    assert onset.weight(0, 600, horizon_s) == pytest.approx(0.5)


def test_without_errors_the_evidence_stays_where_it_is() -> None:
    chosen = Settings(error_limit=None)
    state = start(chosen)
    for _ in range(5000):  # past the horizon too
        state = update(state, chosen, Tick(1, Increment(100, 0), Increment(900, 0)))
        assert state.log_e <= math.log(1.2)


def test_odds_beyond_any_float_are_no_trouble() -> None:
    chosen = Settings(error_limit=None)
    state = start(chosen)
    for _ in range(10):
        state = update(state, chosen, Tick(1, Increment(10**6, 10**6), Increment(10**6, 0)))
    assert math.isfinite(state.log_e)
    assert state.log_e > 1e5
    for _ in range(10):
        state = update(state, chosen, Tick(1, Increment(10**7, 0), Increment(10**7, 10**7)))
    assert math.isfinite(state.log_e)
    assert state.log_e < 0
