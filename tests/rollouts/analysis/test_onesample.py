"""One-sample increments and the interval of a baseline against exact sums."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import pytest
from hypothesis import given
from scipy import stats

from rollouts.analysis import Increment, onesample

RATES = st.floats(0.001, 0.9)


def means(alternatives: tuple[float, ...], null: float, n: int, p: float) -> list[float]:
    sums = [0.0] * len(alternatives)
    for k in range(n + 1):
        chance = math.comb(n, k) * p**k * (1 - p) ** (n - k)
        logs = onesample.increments(alternatives, null, Increment(n, k))
        for i, log in enumerate(logs or [0.0] * len(alternatives)):
            sums[i] += chance * math.exp(log)
    return sums


@given(RATES, st.integers(0, 12), st.floats(0, 1))
def test_over_a_limit_never_gains_on_average_at_or_below_it(
    limit: float, n: int, part: float
) -> None:
    alternatives = onesample.by_odds(limit, onesample.LIMIT_TIMES)
    assert all(limit < q < 1 for q in alternatives)
    assert all(mean <= 1 + 1e-9 for mean in means(alternatives, limit, n, limit * part))


@given(RATES, st.integers(0, 12), st.floats(0, 1))
def test_under_the_tolerated_rate_never_gains_at_or_above_it(
    tolerated: float, n: int, part: float
) -> None:
    p = tolerated + (1 - tolerated) * part
    alternatives = onesample.below(tolerated)
    assert all(mean <= 1 + 1e-9 for mean in means(alternatives, tolerated, n, p))


def test_the_increment_is_the_binomial_likelihood_ratio() -> None:
    for k in range(6):
        logs = onesample.increments((0.2, 0.0), 0.05, Increment(5, k))
        assert logs is not None
        ratio = stats.binom.pmf(k, 5, 0.2) / stats.binom.pmf(k, 5, 0.05)
        assert math.exp(logs[0]) == pytest.approx(ratio)
        none_at_all = stats.binom.pmf(k, 5, 0.0) / stats.binom.pmf(k, 5, 0.05)
        assert math.exp(logs[1]) == pytest.approx(none_at_all)


@pytest.mark.parametrize(("n", "k"), [(10, 0), (10, 10), (100, 3), (1530, 9), (10**6, 5000)])
def test_the_interval_is_wilson_s(n: int, k: int) -> None:
    oracle = stats.binomtest(k, n).proportion_ci(0.90, method="wilson")
    low, high = onesample.interval(Increment(n, k))
    assert low == pytest.approx(oracle.low, abs=1e-9)
    assert high == pytest.approx(oracle.high, abs=1e-9)
