"""The checkpoint: small, never more certain than what was saved, and picky about what it reads."""

from __future__ import annotations

import copy
import json
import math
import random
from typing import TYPE_CHECKING, Any

import pytest

from rollouts.analysis import (
    AnalysisError,
    Both,
    Histogram,
    Increment,
    Measure,
    Scores,
    Settings,
    State,
    Tick,
    start,
    update,
)
from rollouts.analysis.state import MOST_BYTES, VERSION
from tests.rollouts.analysis.paths import after, by_chance, steady

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = Settings()


def busy_state() -> State:
    state = after(SETTINGS, by_chance(5, 900, candidate=0.008, stable=0.005))
    return after(
        SETTINGS, steady(100, candidate=(20, 0.01), stable=(1, 0.5), concurrent=False), state
    )


def saved(state: State) -> str:
    return json.dumps(state.to_json(), separators=(",", ":"))


def restored(state: State) -> State:
    return State.from_json(json.loads(saved(state)), SETTINGS)


@pytest.mark.parametrize("state", [start(SETTINGS), busy_state()], ids=["start", "busy"])
def test_a_checkpoint_is_small_and_comes_back(state: State) -> None:
    assert len(saved(state)) < 1500
    back = restored(state)
    assert restored(back) == back
    assert (back.candidate, back.stable, back.baseline) == (
        state.candidate,
        state.stable,
        state.baseline,
    )
    assert (back.blind, back.episode.candidate) == (state.blind, state.episode.candidate)
    assert back.worse == pytest.approx(state.worse, abs=2e-4)


def test_a_checkpoint_of_an_extreme_rollout_is_still_small() -> None:
    state = after(SETTINGS, steady(50, candidate=(10**9, 1.0), stable=(10**9, 0.001)))
    assert len(saved(state)) < 2000


def test_a_restored_state_is_never_more_certain() -> None:
    state = start(SETTINGS)
    for tick in by_chance(9, 300, candidate=0.03, stable=0.01):
        state = update(state, SETTINGS, tick)
        back = restored(state)
        for logs in ("worse", "limit", "ratio", "absolute"):
            pairs = zip(getattr(back, logs), getattr(state, logs), strict=True)
            assert all(a <= b + 1e-9 for a, b in pairs)
        assert back.log_e <= state.log_e + 1e-9


def test_restoring_at_every_tick_leads_to_the_same_verdict_within_a_tick_s_evidence() -> None:
    straight, hobbled = start(SETTINGS), start(SETTINGS)
    for tick in by_chance(11, 600, candidate=0.02, stable=0.005):
        straight = update(straight, SETTINGS, tick)
        hobbled = restored(update(hobbled, SETTINGS, tick))
    assert hobbled.log_e == pytest.approx(straight.log_e, abs=600 * 1e-4)


def test_p5_one_coarse_tick_after_a_crash_is_close_to_the_fine_ones() -> None:
    ticks = list(by_chance(13, 615, candidate=0.02, stable=0.005))
    fine = after(SETTINGS, ticks)
    crashed = restored(after(SETTINGS, ticks[:600]))
    lost = ticks[600:]
    candidate, stable = lost[0].candidate, lost[0].stable
    for tick in lost[1:]:
        candidate, stable = candidate + tick.candidate, stable + tick.stable
    coarse = update(crashed, SETTINGS, type(lost[0])(15.0, candidate, stable))
    assert (coarse.candidate, coarse.stable) == (fine.candidate, fine.stable)
    assert coarse.log_e == pytest.approx(fine.log_e, abs=0.7)


def damaged() -> list[Any]:
    good = busy_state().to_json()
    changes: list[tuple[str, Any]] = [
        ("version", VERSION + 1),
        ("version", None),
        ("settings", [0.02, *good["settings"][1:]]),
        ("worse", good["worse"][1:]),
        ("worse", [math.nan, *good["worse"][1:]]),
        ("worse", [math.inf, *good["worse"][1:]]),
        ("worse", ["x", *good["worse"][1:]]),
        ("worse", None),
        ("logE", "much"),
        ("candidate", [1, 2]),
        ("candidate", [1.5, 0]),
        ("candidate", [-1, 0]),
        ("candidate", [1]),
        ("episode", []),
        ("recent", [1, 2, 3]),
        ("baseline", "x"),
        ("seconds", None),
    ]
    cases: list[Any] = [None, [], "x", {}]
    for key, value in changes:
        case = copy.deepcopy(good)
        case[key] = value
        cases.append(case)
    for key in good:
        cases.append({name: value for name, value in good.items() if name != key})
    return cases


@pytest.mark.parametrize("data", damaged(), ids=lambda data: str(data)[:40])
def test_k10_a_damaged_or_newer_checkpoint_is_refused(data: Any) -> None:
    with pytest.raises(AnalysisError, match="saved analysis"):
        State.from_json(data, SETTINGS)


def test_a_checkpoint_means_nothing_under_other_settings() -> None:
    with pytest.raises(AnalysisError, match="other settings"):
        State.from_json(busy_state().to_json(), Settings(r0=1.2))


EVERYTHING = Settings.from_spec({"tolerance": {"drift": "0.05"}}, frozenset(Measure))


def full_ticks(seed: int, seconds: int, scale: int = 1) -> Iterator[Tick]:
    """Everything that can be measured, with more boundaries than are kept."""
    chance = random.Random(seed)
    bounds = tuple(0.001 * 1.4**i for i in range(30))
    for tick in by_chance(seed, seconds, candidate=0.02, stable=0.01):
        arms = [
            Increment(arm.requests * scale, arm.errors * scale)
            for arm in (tick.candidate, tick.stable)
        ]
        slow, scores = [], []
        for arm in arms:
            within = sorted(chance.randint(0, arm.requests) for _ in bounds)
            slow.append(Histogram(bounds, tuple(within), arm.requests))
            scores.append(Scores(arm.requests, arm.requests * chance.random()))
        both = Both(arms[0], arms[1])
        yield Tick(
            1.0,
            arms[0],
            arms[1],
            share=0.1,
            latency=Both(slow[0], slow[1]),
            labels=both,
            scores=Both(scores[0], scores[1]),
        )


@pytest.mark.parametrize("scale", [1, 10**9])
def test_a_checkpoint_of_everything_that_can_be_measured_is_bounded(scale: int) -> None:
    state = after(EVERYTHING, full_ticks(21, 200, scale))
    text = saved(state)
    assert len(text) < MOST_BYTES
    back = State.from_json(json.loads(text), EVERYTHING)
    if scale == 1:  # logs in the thousands of millions are beyond the fourth decimal
        assert saved(back) == text
    assert back.latency is not None
    assert state.latency is not None
    assert back.log_e <= state.log_e + 1e-9


def test_p5_everything_measured_survives_a_crash_with_nothing_counted_twice() -> None:
    ticks = list(full_ticks(23, 115))
    straight = after(EVERYTHING, ticks)
    crashed = State.from_json(json.loads(saved(after(EVERYTHING, ticks[:100]))), EVERYTHING)
    both = after(EVERYTHING, ticks[100:], crashed)
    assert (both.candidate, both.stable) == (straight.candidate, straight.stable)
    assert both.arrival.seen == straight.arrival.seen
    assert both.log_e == pytest.approx(straight.log_e, abs=0.1)
    assert both.scores is not None
    assert straight.scores is not None
    counted = straight.scores.candidate.count
    assert both.scores.candidate.count == pytest.approx(counted, abs=0.1)
