"""Betting on bounded scores: exact means, power, and what is said."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from rollouts.analysis import (
    AnalysisError,
    Both,
    Increment,
    Kind,
    Measure,
    Part,
    Scores,
    Settings,
    State,
    Tick,
    evidence,
    judge,
    start,
    update,
)

SETTINGS = Settings.from_spec({}, {Measure.SCORES})
EITHER = Settings.from_spec({"tolerance": {"drift": "0.05"}}, {Measure.SCORES})


def tick(candidate: float, stable: float, n: tuple[int, int] = (10, 90)) -> Tick:
    seen = Both(Scores(n[0], candidate * n[0]), Scores(n[1], stable * n[1]))
    return Tick(1.0, Increment(n[0]), Increment(n[1]), concurrent=n[1] > 0, scores=seen)


def after(ticks: list[Tick], settings: Settings = SETTINGS, state: State | None = None) -> State:
    state = state or start(settings)
    for each in ticks:
        state = update(state, settings, each)
    return state


def log_e(state: State, settings: Settings = SETTINGS) -> float:
    return evidence.parts(state, settings)[Part.SCORES]


@pytest.mark.parametrize("settings", [SETTINGS, EITHER])
def test_e_never_gains_on_average_under_the_null(settings: Settings) -> None:
    """Scores of 0 or 1, the widest there are, summed over every path of six ticks."""
    outcomes = [
        (tick(c, s, (1, 1)), (0.55 if c else 0.45) * (0.6 if s else 0.4))
        for c, s in product((0, 1), repeat=2)
    ]
    level = [(start(settings), 1.0)]
    for _ in range(6):
        level = [
            (update(state, settings, each), chance * more)
            for state, chance in level
            for each, more in outcomes
        ]
    mean = sum(chance * math.exp(log_e(state, settings)) for state, chance in level)
    assert mean <= 1 + 1e-9
    assert max(math.exp(log_e(state, settings)) for state, _ in level) > 2


def test_a_lower_mean_is_worse_and_it_is_said_by_how_much() -> None:
    judgement = judge(after([tick(0.6, 0.8)] * 120), SETTINGS)
    assert (judgement.kind, judgement.part) == (Kind.WORSE, Part.SCORES)
    assert "the candidate's last mean score is 0.6, stable's 0.8: more than 0.05 lower" in (
        judgement.message
    )


def test_a_higher_mean_is_worse_only_where_drift_to_either_side_is() -> None:
    ticks = [tick(0.8, 0.6)] * 200
    assert judge(after(ticks), SETTINGS).kind is Kind.FINE
    judgement = judge(after(ticks, EITHER), EITHER)
    assert (judgement.kind, judgement.part) == (Kind.WORSE, Part.SCORES)
    assert "more than 0.05 away" in judgement.message


def test_the_same_scores_are_no_evidence_with_noise_and_with_a_shared_drop() -> None:
    chance = np.random.default_rng(5)
    state = start(EITHER)
    for second in range(900):
        mean = 0.8 if second < 400 else 0.3
        n_c, n_s = int(chance.poisson(2)), int(chance.poisson(18))
        drawn = [chance.beta(5 * mean, 5 * (1 - mean), n) for n in (n_c, n_s)]
        seen = [Scores(len(some), float(some.sum())) for some in drawn]
        arms = Increment(n_c), Increment(n_s)
        state = update(state, EITHER, Tick(1.0, *arms, scores=Both(*seen)))
    assert log_e(state, EITHER) < math.log(20)


def test_a_tick_in_which_an_arm_has_no_score_says_nothing() -> None:
    state = after([tick(0.6, 0.8)] * 5)
    still = update(state, SETTINGS, tick(0.6, 0.8, (0, 90)))
    assert still.scores is not None
    assert state.scores is not None
    assert still.scores.logs == state.scores.logs


def test_without_stable_its_last_mean_is_the_measure() -> None:
    state = after([tick(0.8, 0.8)] * 30)
    healthy = after([tick(0.78, 0.0, (100, 0))] * 300, state=state)
    assert log_e(healthy) < math.log(1.5)
    judgement = judge(after([tick(0.5, 0.0, (100, 0))] * 120, state=state), SETTINGS)
    assert (judgement.kind, judgement.part) == (Kind.WORSE, Part.SCORES)
    assert "stable's before it was switched off 0.8" in judgement.message


@pytest.mark.parametrize("settings", [SETTINGS, EITHER])
def test_a_checkpoint_keeps_scores(settings: Settings) -> None:
    state = after([tick(0.6, 0.8)] * 30, settings)
    back = State.from_json(state.to_json(), settings)
    assert back.scores is not None
    assert state.scores is not None
    assert back.scores.logs == pytest.approx(state.scores.logs, abs=2e-4)
    assert back.scores.candidate.value == pytest.approx(state.scores.candidate.value, abs=1e-4)
    bad: list[object] = [[], "x", [[0.0], [0.0, -1.0], [0, 0, 0, 0]], None]
    for damage in bad:
        with pytest.raises(AnalysisError, match="damaged"):
            State.from_json({**state.to_json(), "scores": damage}, settings)


def test_wrong_labels_are_compared_as_common_events() -> None:
    settings = Settings.from_spec({}, {Measure.LABELS})
    arms = Increment(10), Increment(90)

    def labels(wrong: int) -> Tick:
        return Tick(1.0, *arms, labels=Both(Increment(10, wrong), Increment(90, 9)))

    state = after([labels(1)] * 600, settings)
    assert judge(state, settings).kind is Kind.FINE
    judgement = judge(after([labels(3)] * 90, settings, state), settings)
    assert (judgement.kind, judgement.part) == (Kind.WORSE, Part.LABELS)
    assert "of the candidate's last labelled predictions were wrong, 10 % of stable's" in (
        judgement.message
    )
    back = State.from_json(state.to_json(), settings)
    assert back.labels is not None
    assert state.labels is not None
    assert back.labels.logs == pytest.approx(state.labels.logs, abs=2e-4)
