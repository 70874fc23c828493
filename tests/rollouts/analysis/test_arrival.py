"""The sample-ratio check: what arrives against what was planned."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rollouts.analysis import (
    AnalysisError,
    Increment,
    Kind,
    Settings,
    State,
    Tick,
    arrival,
    judge,
    start,
    update,
)
from rollouts.reasons import Reason

SETTINGS = Settings()


def ticks(
    seconds: int, requests: tuple[int, int], share: float | None = 0.25, *, concurrent: bool = True
) -> list[Tick]:
    arms = Increment(requests[0]), Increment(requests[1])
    return [Tick(1.0, *arms, share=share, concurrent=concurrent)] * seconds


def after(some: list[Tick], state: State | None = None) -> State:
    state = state or start(SETTINGS)
    for each in some:
        state = update(state, SETTINGS, each)
    return state


def is_off(state: State) -> bool:
    return arrival.is_off(state.arrival, SETTINGS)


@pytest.mark.parametrize("requests", [(3, 97), (0, 100), (60, 40), (100, 0)])
def test_a_share_that_does_not_arrive_keeps_fine_back_and_is_said(
    requests: tuple[int, int],
) -> None:
    state = after(ticks(600, requests))
    assert is_off(state)
    if requests[0]:
        judgement = judge(state, SETTINGS)
        assert judgement.kind is Kind.UNDECIDED
        assert judgement.reason is Reason.SAMPLE_RATIO_MISMATCH
        assert "not the planned 25 %" in judgement.message
        assert f"{requests[0]} % of the requests reach the candidate" in judgement.message


@pytest.mark.parametrize("requests", [(25, 75), (20, 80), (30, 70)])
def test_a_share_that_arrives_more_or_less_is_well(requests: tuple[int, int]) -> None:
    state = after(ticks(600, requests))
    assert not is_off(state)
    assert judge(state, SETTINGS).kind is Kind.FINE


def test_it_does_not_matter_to_a_candidate_that_is_worse() -> None:
    bad = [Tick(1.0, Increment(3, 1), Increment(97, 0), share=0.25)] * 300
    assert judge(after(bad), SETTINGS).kind is Kind.WORSE


def test_the_first_seconds_of_a_share_are_left_out() -> None:
    state = after(ticks(600, (10, 90), 0.1))
    moved = after(ticks(10, (10, 90), 0.5), state)
    assert moved.arrival.seen.requests == 0
    settled = after(ticks(300, (50, 50), 0.5), moved)
    assert not is_off(settled)
    assert settled.arrival.seen.rate == 0.5


def test_while_the_share_is_being_changed_and_without_stable_nothing_is_checked() -> None:
    for some in (ticks(300, (3, 97), None), ticks(300, (100, 0), 1.0, concurrent=False)):
        state = after(some)
        assert state.arrival == arrival.Arrival()


def test_a_share_that_is_right_again_is_seen_soon_after_an_hour() -> None:
    wrong = after(ticks(3600, (3, 97)))
    assert is_off(wrong)
    assert not is_off(after(ticks(30, (25, 75)), wrong))


def test_a_share_that_goes_wrong_after_an_hour_is_seen() -> None:
    right = after(ticks(3600, (25, 75)))
    assert is_off(after(ticks(60, (3, 97)), right))


def test_planned_shares_are_called_off_in_at_most_alpha_of_runs() -> None:
    """60 runs of five minutes by chance, at 10 % of 20 requests a second: nearly none."""
    chance = np.random.default_rng(6)
    off = 0
    for _ in range(60):
        state = start(SETTINGS)
        seen = False
        for _ in range(300):
            n = int(chance.poisson(20))
            n_c = int(chance.binomial(n, 0.1))
            state = after([Tick(1.0, Increment(n_c), Increment(n - n_c), share=0.1)], state)
            seen = seen or is_off(state)
        off += seen
    assert off <= 3


def test_a_checkpoint_keeps_it() -> None:
    state = after(ticks(60, (3, 97)))
    data = json.loads(json.dumps(state.to_json()))
    back = State.from_json(data, SETTINGS)
    assert back.arrival.few == pytest.approx(state.arrival.few, abs=2e-4)
    assert (back.arrival.share, back.arrival.seen) == (0.25, state.arrival.seen)
    damages: list[object] = [None, [], [2, 1, [0] * 10, [1, 1]], [0.2, 1, [0] * 9, [1, 1]]]
    for damage in damages:
        with pytest.raises(AnalysisError, match="damaged"):
            State.from_json({**data, "arrival": damage}, SETTINGS)


def test_it_can_be_switched_off_by_nobody_but_widened_by_everybody() -> None:
    wide = Settings.from_spec({"tolerance": {"share": "50"}})
    state = start(wide)
    for each in ticks(600, (3, 97)):
        state = update(state, wide, each)
    assert judge(state, wide).kind is Kind.FINE
