"""What the analysis promises, simulated: false rollbacks, power, and `fine`, each with its r0.

Requests arrive by a Poisson process, 10 % at the candidate, and fail independently; stable fails
with 0.5 %. The runs are few enough for every day; a count's bound is passed by chance once in ten
thousand tests, so a failure here is a fault. The vectorised twin is first compared with the code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from rollouts.analysis import Increment, Kind, Settings, Tick, judge, start, update
from tests.rollouts.analysis.simulation import (
    STABLE,
    all_fine,
    all_rolled_back,
    most,
    simulate,
    sprt_median,
)
from tests.rollouts.analysis.twin import Twin

if TYPE_CHECKING:
    from tests.rollouts.analysis.twin import Floats


def incident(second: int) -> float:
    """8 % for four minutes."""
    return 0.08 if 600 <= second < 840 else STABLE


def outage(second: int) -> float:
    """Everything fails for four minutes."""
    return 1.0 if 600 <= second < 840 else STABLE


@pytest.mark.parametrize("settings", [Settings(), Settings(r0=1.0, error_limit=None)])
def test_the_twin_is_the_pure_code(settings: Settings) -> None:
    chance = np.random.default_rng(1)
    runs = 6
    twin = Twin(settings, runs)
    states = [start(settings)] * runs
    rates = np.array([0, 0.005, 0.005, 0.02, 0.2, 0.08])
    for second in range(1, 301):
        n_c, n_s = chance.poisson(2.0, runs), chance.poisson(18.0, runs)
        shared = 0.3 if 100 <= second < 130 else STABLE
        k_c, k_s = chance.binomial(n_c, rates), chance.binomial(n_s, shared)
        twin.step(n_c, k_c, n_s, k_s)
        for run in range(runs):
            candidate = Increment(int(n_c[run]), int(k_c[run]))
            stable = Increment(int(n_s[run]), int(k_s[run]))
            states[run] = update(states[run], settings, Tick(1.0, candidate, stable))
        assert [state.log_e for state in states] == pytest.approx(twin.log_e.tolist(), abs=1e-6)
        kinds = [judge(state, settings).kind for state in states]
        assert [kind is Kind.WORSE for kind in kinds] == twin.is_worse.tolist()
        fine = twin.is_fine & ~twin.is_worse
        assert [kind is Kind.FINE for kind in kinds] == fine.tolist()


@pytest.mark.parametrize("r0", [1.0, 1.5])
@pytest.mark.parametrize(("per_second", "runs"), [(20, 200), (100, 40)])
def test_healthy_candidates_are_rolled_back_in_at_most_alpha_of_hours(
    r0: float, per_second: float, runs: int
) -> None:
    """r0 = 1 and 1.5, with the limit: at most 1 % an hour, in shared incidents too."""

    def rates(second: int) -> Floats:
        return np.repeat([STABLE, incident(second), outage(second)], runs)

    settings = Settings(r0=r0)
    outcome = simulate(settings, per_second, rates, stable=rates, runs=3 * runs, seed=7)
    for group in outcome.worse_at.reshape(3, runs):
        assert np.isfinite(group).sum() <= most(runs, settings.alpha)


def test_a_candidate_at_the_edge_of_what_is_tolerated_is_rolled_back_in_at_most_alpha() -> None:
    """r0 = 1.5 and a candidate with 1.5 times stable's errors: the least favourable null."""
    settings = Settings(error_limit=None)
    outcome = simulate(settings, 100, 1.5 * STABLE, runs=100, seed=8)
    assert outcome.rolled_back <= most(100, settings.alpha)


@pytest.mark.parametrize("error_limit", [None, 0.05])
def test_with_r0_1_four_times_the_errors_are_caught_in_15_minutes_at_20_a_second(
    error_limit: float | None,
) -> None:
    """r0 = 1: 95 % of rollouts whose candidate fails with 2 %."""
    settings = Settings(r0=1.0, error_limit=error_limit)
    outcome = simulate(settings, 20, 0.02, runs=1000, seconds=900, seed=9)
    assert outcome.rolled_back >= 0.95 * 1000


@pytest.mark.parametrize(
    ("per_second", "candidate"),
    [
        *((20, 0.02), (20, 0.05), (20, 0.2)),
        *((100, 0.02), (100, 0.05), (100, 0.2)),
        *((1000, 0.02), (1000, 0.05), (1000, 0.2)),
    ],
)
def test_with_r0_1_the_median_is_at_most_2_4_times_what_is_possible(
    per_second: float, candidate: float
) -> None:
    """r0 = 1, every cell with p_c >= 2 %: seconds to roll back against the SPRT's."""
    settings = Settings(r0=1.0)
    outcome = simulate(settings, per_second, candidate, runs=600, seed=10, until=all_rolled_back)
    limit = sprt_median(per_second, candidate, settings.alpha, runs=2000, seed=11)
    assert np.median(outcome.worse_at) <= 2.4 * limit


@pytest.mark.parametrize(
    ("per_second", "candidate", "seconds", "bad"),
    [
        (20, 0.05, 120, 14),
        (20, 0.2, 16, 7),
        (100, 0.05, 24, 14),
        (100, 0.2, 4, 9),
        (1000, 0.2, 1, 26),
    ],
)
def test_with_the_default_r0_1_5_a_clear_fault_is_caught_soon(
    per_second: float, candidate: float, seconds: float, bad: float
) -> None:
    """r0 = 1.5, the default: median seconds and failed requests, a quarter above the measured."""
    outcome = simulate(Settings(), per_second, candidate, runs=600, seed=12, until=all_rolled_back)
    assert np.median(outcome.worse_at) <= seconds
    assert np.median(outcome.bad) <= bad


def test_a_fault_that_begins_late_is_caught_as_a_fault_from_the_start_is() -> None:
    """r0 = 1.5: 20 % errors after half an hour of health, at 100 requests a second."""
    late = simulate(
        Settings(),
        100,
        lambda second: 0.2 if second > 1800 else STABLE,
        runs=60,
        seconds=1860,
        seed=13,
    )
    assert np.median(late.worse_at) - 1800 <= 8


@pytest.mark.parametrize(("per_second", "runs"), [(20, 150), (100, 40)])
def test_twice_the_errors_are_called_fine_by_ratio_in_at_most_alpha2_of_hours(
    per_second: float, runs: int
) -> None:
    """r1 = 2, whatever r0."""
    settings = Settings()
    outcome = simulate(settings, per_second, 2 * STABLE, runs=runs, seed=14, fine=True)
    called_fine = int(np.isfinite(outcome.fine_by_ratio_at).sum())
    assert called_fine <= most(runs, settings.alpha2)


def test_healthy_candidates_advance() -> None:
    """r1 = 2 and tolerated 1 %, at 100 requests a second: half of them within three minutes."""
    outcome = simulate(
        Settings(), 100, STABLE, runs=300, seconds=900, seed=15, fine=True, until=all_fine
    )
    assert np.median(outcome.fine_at) <= 200
    assert np.isfinite(outcome.fine_at).mean() > 0.95
