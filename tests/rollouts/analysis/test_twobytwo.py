"""The safe two-by-two test against exact sums and numerical minimisation."""

from __future__ import annotations

import math
from itertools import product

import hypothesis.strategies as st
import pytest
from hypothesis import given
from scipy import optimize

from rollouts.analysis import twobytwo

RATES = st.floats(0.01, 0.99)
TIMES = st.sampled_from([1.0, 1.25, 3.0])
FEW = st.integers(1, 6)


def binomial(n: int, p: float) -> list[float]:
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def expectation(
    times: float, guess: tuple[float, float], n: tuple[int, int], p: tuple[float, float]
) -> float:
    """The exact mean of exp(l) over all outcomes of a tick."""
    mean = 0.0
    outcomes = product(enumerate(binomial(n[0], p[0])), enumerate(binomial(n[1], p[1])))
    for (k_c, chance_c), (k_s, chance_s) in outcomes:
        log = twobytwo.increment(times, guess, (n[0], k_c), (n[1], k_s))
        mean += chance_c * chance_s * math.exp(log)
    return mean


@given(TIMES, RATES, RATES, FEW, FEW, st.floats(0, 1), st.floats(0, 1))
def test_it_never_gains_on_average_while_the_candidate_is_not_worse(
    times: float, theta_c: float, theta_s: float, n_c: int, n_s: int, p_s: float, part: float
) -> None:
    """Whatever was guessed, at every point of the null."""
    p_c = part * twobytwo.times_odds(p_s, times)
    assert expectation(times, (theta_c, theta_s), (n_c, n_s), (p_c, p_s)) <= 1 + 1e-9


def test_it_gains_where_the_candidate_is_worse() -> None:
    assert expectation(1.25, (0.4, 0.1), (6, 6), (0.4, 0.1)) > 1.3


def test_with_a_tolerance_of_1_the_null_is_the_pooled_rate() -> None:
    assert twobytwo.nearest(3, 5, 3 * 0.6 + 5 * 0.2, 1.0) == pytest.approx((0.35, 0.35))


@given(st.sampled_from([1.25, 3.0]), RATES, RATES, FEW, FEW)
def test_the_nearest_point_of_the_null_is_the_one_that_a_minimiser_finds(
    times: float, theta_c: float, theta_s: float, n_c: int, n_s: int
) -> None:
    if theta_c <= twobytwo.times_odds(theta_s, times):
        return

    def divergence(logit: float) -> float:
        q_s = 1 / (1 + math.exp(-logit))
        q_c = twobytwo.times_odds(q_s, times)
        return sum(
            n * (t * math.log(t / q) + (1 - t) * math.log((1 - t) / (1 - q)))
            for n, t, q in ((n_c, theta_c, q_c), (n_s, theta_s, q_s))
        )

    found = optimize.minimize_scalar(divergence, bounds=(-12, 12), method="bounded")
    q_c, q_s = twobytwo.nearest(n_c, n_s, n_c * theta_c + n_s * theta_s, times)
    assert divergence(math.log(q_s / (1 - q_s))) <= found.fun + 1e-9
    assert q_c / (1 - q_c) == pytest.approx(times * q_s / (1 - q_s))


def test_an_arm_without_requests_and_a_guess_within_the_null_say_nothing() -> None:
    assert twobytwo.increment(1.25, (0.9, 0.1), (0, 0), (10, 1)) == 0
    assert twobytwo.increment(1.25, (0.9, 0.1), (10, 9), (0, 0)) == 0
    assert twobytwo.increment(1.25, (0.11, 0.1), (10, 9), (10, 1)) == 0
