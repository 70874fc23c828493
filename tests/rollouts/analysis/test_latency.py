"""Latency along ticks: what is compared, what is said, and what keeps still."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from rollouts.analysis import (
    AnalysisError,
    Both,
    Histogram,
    Increment,
    Kind,
    Measure,
    Part,
    Settings,
    State,
    Tick,
    evidence,
    judge,
    start,
    update,
)
from rollouts.analysis.latency import MOST_BOUNDS
from rollouts.reasons import Reason

SETTINGS = Settings.from_spec({}, {Measure.LATENCY})
BOUNDS = (0.05, 0.1, 0.25, 1.0)
FAST = (0.4, 0.85, 0.99, 1.0)  # shares within the bounds
SLOW = (0.3, 0.7, 0.97, 1.0)
OVER = (0.3, 0.7, 0.8, 0.85)


def histogram(requests: int, shares: tuple[float, ...]) -> Histogram:
    return Histogram(BOUNDS, tuple(round(requests * share) for share in shares), requests)


def tick(
    candidate: tuple[int, tuple[float, ...]],
    stable: tuple[int, tuple[float, ...]] = (900, FAST),
    *,
    concurrent: bool = True,
) -> Tick:
    seen = Both(histogram(*candidate), histogram(*stable))
    return Tick(
        1.0, Increment(candidate[0]), Increment(stable[0]), concurrent=concurrent, latency=seen
    )


def after(ticks: list[Tick], state: State | None = None, settings: Settings = SETTINGS) -> State:
    state = state or start(settings)
    for each in ticks:
        state = update(state, settings, each)
    return state


def test_a_slower_candidate_is_worse_and_it_is_said_where() -> None:
    judgement = judge(after([tick((100, SLOW))] * 30), SETTINGS)
    assert judgement.kind is Kind.WORSE
    assert judgement.reason is Reason.CANDIDATE_WORSE
    assert judgement.part is Part.LATENCY
    assert "30 % of the candidate's last requests took longer than 100 ms" in judgement.message
    assert ", 15 % of stable's: more than 1.25 times the odds" in judgement.message


def test_as_fast_or_a_little_slower_is_no_evidence_at_all() -> None:
    for shares in (FAST, (0.37, 0.83, 0.99, 1.0)):
        state = after([tick((100, shares))] * 2000)
        assert state.log_e < math.log(1.3)
        assert judge(state, SETTINGS).kind is Kind.FINE


def test_an_incident_that_makes_both_arms_slow_is_no_evidence() -> None:
    state = after([tick((100, FAST))] * 300)
    state = after([tick((100, OVER), (900, OVER))] * 240, state)
    assert state.log_e < math.log(1.3)


def test_slowness_that_begins_late_is_found_as_soon_nearly() -> None:
    state = after([tick((100, FAST))] * 1800)
    late = after([tick((100, SLOW))] * 45, state)
    assert judge(late, SETTINGS).kind is Kind.WORSE


def test_over_the_limit_is_worse_even_where_stable_is_unknown() -> None:
    alone = tick((100, OVER), (0, FAST), concurrent=False)
    judgement = judge(after([alone] * 20), SETTINGS)
    assert (judgement.kind, judgement.part) == (Kind.WORSE, Part.LATENCY_LIMIT)
    assert judgement.reason is Reason.LIMIT_BREACHED
    expected = "15 % of the candidate's last requests took longer than 1 s: over 5 %"
    assert expected in judgement.message


def test_without_stable_its_last_shares_are_the_measure() -> None:
    state = after([tick((100, FAST))] * 60)
    healthy = after([tick((1000, FAST), (0, FAST), concurrent=False)] * 600, state)
    assert healthy.log_e < math.log(1.5)
    judgement = judge(
        after([tick((1000, SLOW), (0, FAST), concurrent=False)] * 20, state), SETTINGS
    )
    assert (judgement.kind, judgement.part) == (Kind.WORSE, Part.LATENCY)
    assert "stable's before it was switched off" in judgement.message


def test_fine_waits_while_latency_speaks_against_it() -> None:
    state = after([tick((100, FAST))] * 60)
    assert judge(state, SETTINGS).kind is Kind.FINE
    while judge(state, SETTINGS).kind is Kind.FINE:
        state = after([tick((20, SLOW), (180, FAST))], state)
    judgement = judge(state, SETTINGS)
    assert judgement.kind is Kind.UNDECIDED
    assert "too much to go on and too little to go back" in judgement.message


def test_more_requests_is_about_right_for_a_slow_candidate_with_errors() -> None:
    """So many errors on both sides that only latency can tell soon."""
    settings = Settings.from_spec({"limits": {}}, {Measure.LATENCY})
    slow = tick((10, (0.3, 0.7, 0.9, 1.0)), (90, FAST))
    slow = replace(slow, candidate=Increment(10, 1), stable=Increment(90, 6))
    states = [start(settings)]
    while judge(states[-1], settings).kind is not Kind.WORSE:
        states.append(update(states[-1], settings, slow))
    needed = len(states) - 1
    halfway = judge(states[needed // 2], settings)
    left = (needed - needed // 2) * 10
    assert halfway.more_requests is not None
    assert left / 2 <= halfway.more_requests <= left * 2


def test_the_arms_are_compared_at_the_boundaries_that_both_have() -> None:
    other = Histogram((0.02, 0.1, 1.0), (10, 70, 100), 100)
    both = Both(other, histogram(900, FAST))
    state = after([Tick(1.0, Increment(100), Increment(900), latency=both)])
    assert state.latency is not None
    assert state.latency.bounds == (0.1, 1.0)
    without = Both(Histogram((0.02,), (1,), 2), histogram(900, FAST))
    again = after([Tick(1.0, Increment(2), Increment(900), latency=without)], state)
    assert again.latency == state.latency, "an arm that shows other boundaries says nothing"


def test_stable_that_shows_later_and_with_other_boundaries_is_compared_all_the_same() -> None:
    """Its first requests are left out as warm-up, so the candidate's figures may come first."""
    nothing = Histogram((), (), 0)
    alone = Both(histogram(100, SLOW), nothing)
    state = after([Tick(1.0, Increment(100), Increment(900), latency=alone)] * 5)
    assert state.latency is not None
    assert state.latency.bounds == BOUNDS
    other = Histogram((0.1, 1.0, 5.0), (765, 900, 900), 900)
    both = Both(histogram(100, SLOW), other)
    ticks = [Tick(1.0, Increment(100), Increment(900), latency=both)] * 60
    judgement = judge(after(ticks, state), SETTINGS)
    assert (judgement.kind, judgement.part) == (Kind.WORSE, Part.LATENCY)


def test_many_boundaries_are_thinned_and_the_limits_is_kept() -> None:
    bounds = tuple(round(0.013 * i, 4) for i in range(1, 101))
    seen = Histogram(bounds, (1,) * 100, 1)
    state = after([Tick(1.0, Increment(1), Increment(1), latency=Both(seen, seen))])
    assert state.latency is not None
    assert len(state.latency.bounds) <= MOST_BOUNDS
    assert (state.latency.bounds[0], state.latency.bounds[-1]) == (bounds[0], bounds[-1])
    assert 1.001 in state.latency.bounds
    assert state.latency.limit_at(SETTINGS) == state.latency.bounds.index(1.001)


def test_latency_that_is_not_asked_for_is_not_looked_at() -> None:
    settings = Settings()
    state = after([tick((100, SLOW))] * 30, settings=settings)
    assert state.latency is None
    assert judge(state, settings).kind is Kind.FINE


def test_ticks_without_latency_leave_it_where_it_is() -> None:
    state = after([tick((100, SLOW))] * 5)
    still = after([Tick(1.0, Increment(100), Increment(900))] * 3, state)
    assert still.latency == state.latency


def test_what_begins_to_be_seen_late_has_the_evidence_that_nothing_leaves() -> None:
    """E is a mixture over start times: it must not matter when the first sample came."""
    quiet = after([Tick(1.0, Increment(100), Increment(900))] * 100)
    state = after([tick((100, FAST))], quiet)
    before, now = (evidence.parts(each, SETTINGS)[Part.LATENCY] for each in (quiet, state))
    assert (before, now) == pytest.approx((0, 0), abs=1e-9)


def test_a_checkpoint_keeps_latency() -> None:
    state = after([tick((100, SLOW))] * 7)
    back = State.from_json(state.to_json(), SETTINGS)
    assert back.latency is not None
    assert state.latency is not None
    assert back.latency.bounds == state.latency.bounds
    logs = state.latency.compared.logs
    assert back.latency.compared.logs == pytest.approx(logs, abs=2e-4)
    assert all(a <= b for a, b in zip(back.latency.compared.logs, logs, strict=True))
    falling = [[1, 0.5, 0.25, 0.1], *state.to_json()["latency"][1:]]
    damages: list[object] = [[], [[], [], []], falling, "x", None]
    for damage in damages:
        with pytest.raises(AnalysisError, match="damaged"):
            State.from_json({**state.to_json(), "latency": damage}, SETTINGS)


def test_a_coarse_tick_counts_like_the_small_ones_it_stands_for() -> None:
    """After a crash fifteen seconds come as one."""
    begun = after([tick((100, SLOW))] * 20)
    coarse = replace(tick((1500, SLOW), (13500, FAST)), seconds=15.0)
    together, apart = after([coarse], begun), after([tick((100, SLOW))] * 15, begun)
    assert together.candidate == apart.candidate
    assert together.log_e == pytest.approx(apart.log_e, rel=0.1)


def test_random_boundaries_never_break_it() -> None:
    chance = np.random.default_rng(3)
    state = start(SETTINGS)
    for _ in range(300):
        n_c, n_s = (int(chance.integers(0, 4)) for _ in range(2))
        shares = sorted(chance.random(4))
        seen = [Histogram(BOUNDS, tuple(int(n * share) for share in shares), n) for n in (n_c, n_s)]
        arms = Increment(n_c), Increment(n_s)
        together = bool(chance.random() < 0.7)
        state = update(state, SETTINGS, Tick(1.0, *arms, concurrent=together, latency=Both(*seen)))
        assert math.isfinite(state.log_e)
        judge(state, SETTINGS)
