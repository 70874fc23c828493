"""Verdicts: what is said, with which figures, and when it is said."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rollouts.analysis import (
    Increment,
    Judgement,
    Kind,
    Settings,
    State,
    Tick,
    judge,
    start,
    update,
    words,
)
from rollouts.reasons import Reason
from tests.rollouts.analysis.paths import after, by_chance, steady

if TYPE_CHECKING:
    from collections.abc import Iterable

SETTINGS = Settings()
HEALTHY = (18, 0.005)


def first(
    kind: Kind, ticks: Iterable[Tick], settings: Settings = SETTINGS, state: State | None = None
) -> tuple[Judgement, State]:
    """The first judgement of that kind along the ticks."""
    state = state or start(settings)
    for tick in ticks:
        state = update(state, settings, tick)
        judgement = judge(state, settings)
        if judgement.kind is kind:
            return judgement, state
    pytest.fail(f"never {kind}; at the end: {judge(state, settings)}")


def test_nothing_seen_is_undecided_and_says_what_is_needed() -> None:
    for state in (start(SETTINGS), after(SETTINGS, steady(600, candidate=(0, 0), stable=HEALTHY))):
        judgement = judge(state, SETTINGS)
        assert judgement.kind is Kind.UNDECIDED
        assert judgement.reason is Reason.NOT_ENOUGH_EVIDENCE
        assert "no request to the candidate has been counted yet" in judgement.message
        assert judgement.eta_s is None


def test_a_bad_candidate_is_worse_with_its_figures() -> None:
    judgement, _ = first(Kind.WORSE, steady(600, candidate=(10, 0.2), stable=(90, 0.01)))
    assert judgement.reason is Reason.CANDIDATE_WORSE
    assert judgement.log_e >= math.log(100)
    candidate, stable = judgement.candidate, judgement.stable
    figures = (
        f"candidate {candidate.errors} of {candidate.requests} requests failed (20 %), "
        f"stable {stable.errors} of {stable.requests} ("
    )
    assert figures in judgement.message
    assert "more than 1.5 times as often" in judgement.message
    assert "100 to 1 is enough" in judgement.message


def test_the_figures_of_a_late_fault_are_the_fault_s() -> None:
    state = after(SETTINGS, steady(1800, candidate=(100, 0.01), stable=(900, 0.01)))
    bad = steady(60, candidate=(100, 0.3), stable=(900, 0.01))
    judgement, _ = first(Kind.WORSE, bad, state=state)
    assert judgement.candidate.requests > 180_000
    assert "of 100 requests failed (30 %)" in judgement.message
    assert judgement.message.startswith("in the last 1 s ")


def test_a_candidate_over_the_limit_but_hardly_worse_breaches_the_limit() -> None:
    ticks = list(steady(3600, candidate=(100, 0.065), stable=(900, 0.045)))
    judgement, _ = first(Kind.WORSE, ticks)
    assert judgement.reason is Reason.LIMIT_BREACHED
    assert "over the limit of 5 %" in judgement.message
    without = Settings(error_limit=None)
    assert judge(after(without, ticks), without).kind is not Kind.WORSE


def test_a_limit_that_stable_breaches_too_is_suspended() -> None:
    state = after(SETTINGS, steady(300, candidate=(10, 0.01), stable=(90, 0.01)))
    for rate in (0.08, 1.0):
        incident = steady(240, candidate=(10, rate), stable=(90, rate))
        assert judge(after(SETTINGS, incident, state), SETTINGS).kind is not Kind.WORSE


def test_a_service_without_any_error_is_fine_in_about_300_requests() -> None:
    judgement, _ = first(Kind.FINE, steady(500, candidate=(1, 0.0), stable=(9, 0.0)))
    assert judgement.reason is Reason.CANDIDATE_FINE
    assert 290 <= judgement.candidate.requests <= 330
    assert "less than the tolerated 1 % fails" in judgement.message
    assert "candidate 0 of 3" in judgement.message


def test_a_candidate_like_stable_is_fine_by_the_ratio() -> None:
    settings = Settings(tolerated=0.001)
    judgement, _ = first(
        Kind.FINE, steady(3600, candidate=(20, 0.05), stable=(180, 0.05)), settings
    )
    assert "less than 2 times stable's rate" in judgement.message


def test_fine_is_taken_back_soon_by_a_fault_that_begins_after_hours_of_health() -> None:
    settings = Settings(alpha=1e-12)  # so that it is not "worse" that takes it back
    state = after(settings, steady(7200, candidate=(10, 0.0), stable=(90, 0.0)))
    assert judge(state, settings).kind is Kind.FINE
    for _ in range(5):
        state = update(state, settings, Tick(1.0, Increment(10, 1), Increment(90, 0)))
    assert judge(state, settings).kind is Kind.UNDECIDED


def test_a_fault_after_the_horizon_is_still_found() -> None:
    settings = Settings(horizon_s=600)
    state = after(settings, steady(7200, candidate=(10, 0.01), stable=(90, 0.01)))
    judgement, _ = first(
        Kind.WORSE, steady(60, candidate=(10, 0.2), stable=(90, 0.01)), settings, state
    )
    assert judgement.reason is Reason.CANDIDATE_WORSE


def test_worse_wins_a_tie() -> None:
    fine, state = first(Kind.FINE, steady(500, candidate=(1, 0.0), stable=(9, 0.0)))
    assert fine.kind is Kind.FINE
    both = replace(state, log_e=math.log(1 / SETTINGS.alpha))
    assert judge(both, SETTINGS).kind is Kind.WORSE


def test_more_requests_is_about_right() -> None:
    """Along steady paths, the estimate made on the way is within a factor of two of the truth."""
    for candidate, kind in (
        ((10, 0.0), Kind.FINE),
        ((10, 0.3), Kind.WORSE),
        ((10, 0.1), Kind.WORSE),
    ):
        ticks = list(steady(2000, candidate=candidate, stable=(90, 0.02)))
        verdict, _ = first(kind, ticks)
        needed = verdict.candidate.requests // 2
        halfway = after(SETTINGS, ticks[: needed // 10])
        judgement = judge(halfway, SETTINGS)
        left = verdict.candidate.requests - halfway.candidate.requests
        assert judgement.more_requests is not None
        assert left / 2 <= judgement.more_requests <= left * 2
        assert judgement.eta_s == pytest.approx(judgement.more_requests / 10)
        assert f"about {words.whole(judgement.more_requests)} more requests" in judgement.message


def test_rates_between_the_two_tests_say_that_no_verdict_is_in_sight() -> None:
    settings = Settings(r0=1.5, r1=1.5, tolerated=0.001)
    state = after(settings, steady(1000, candidate=(100, 0.015), stable=(1000, 0.01)))
    judgement = judge(state, settings)
    assert judgement.kind is Kind.UNDECIDED
    assert judgement.more_requests is None or judgement.more_requests > 10_000


def switched(candidate: tuple[int, float], seconds: int = 600) -> list[Tick]:
    return list(steady(seconds, candidate=candidate, concurrent=False))


def test_without_stable_the_candidate_is_compared_with_the_frozen_baseline_and_it_says_so() -> None:
    state = after(SETTINGS, steady(300, candidate=(10, 0.01), stable=(90, 0.01)))
    before = state.stable
    judgement, state = first(Kind.WORSE, switched((100, 0.2)), state=state)
    assert judgement.blind
    assert judgement.reason is Reason.CANDIDATE_WORSE
    assert "stable before it was switched off" in judgement.message
    assert f"of {words.whole(before.requests)} (" in judgement.message
    assert state.baseline == before


def test_a_healthy_candidate_is_not_worse_than_the_frozen_baseline() -> None:
    for seed in range(5):
        state = after(SETTINGS, by_chance(seed, 300, candidate=0.01, stable=0.01))
        for tick in by_chance(seed + 100, 900, candidate=0.01, stable=0.01):
            blind = Tick(1.0, tick.stable, Increment(), concurrent=False)
            state = update(state, SETTINGS, blind)
            assert judge(state, SETTINGS).kind is not Kind.WORSE


def test_without_any_baseline_only_rates_of_its_own_can_speak() -> None:
    fine, state = first(Kind.FINE, switched((10, 0.0)))
    assert fine.blind
    assert state.baseline is None
    assert "nothing to compare with from stable" in fine.message
    worse, _ = first(Kind.WORSE, switched((10, 0.5)))
    assert worse.reason is Reason.LIMIT_BREACHED


def test_the_baseline_is_frozen_at_the_switch_and_thawed_when_stable_is_back() -> None:
    state = after(SETTINGS, steady(100, candidate=(10, 0.01), stable=(90, 0.01)))
    frozen = state.stable
    draining = Tick(1.0, Increment(100, 1), Increment(5, 5), concurrent=False)
    state = after(SETTINGS, [draining] * 3, state)
    assert state.baseline == frozen
    state = after(SETTINGS, steady(1, candidate=(10, 0.0), stable=(90, 0.0)), state)
    assert (state.baseline, state.blind) == (None, False)


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (words.whole(1530), "1 530"),
        (words.per_cent(41 / 503), "8.2 %"),
        (words.per_cent(0), "0 %"),
        (words.per_cent(1), "100 %"),
        (words.per_cent(0.2), "20 %"),
        (words.per_cent(0.0005), "0.05 %"),
        (words.per_cent(0.00001), "under 0.01 %"),
        (words.odds(math.log(140)), "140 to 1"),
        (words.odds(0.0), "1.0 to 1"),
        (words.odds(1e9), "over 1 000 000 to 1"),
        (words.duration(0.2), "1 s"),
        (words.duration(89), "89 s"),
        (words.duration(170), "3 min"),
        (words.duration(9000), "2.5 h"),
    ],
)
def test_figures_are_worded_for_people(shown: str, said: str) -> None:
    assert shown == said


def test_the_sentence_is_the_one_in_the_manual() -> None:
    sentence = words.arms(Increment(503, 41), Increment(1530, 9))
    assert sentence == "candidate 41 of 503 requests failed (8.2 %), stable 9 of 1 530 (0.6 %)"
