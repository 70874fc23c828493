"""Strategies: the catalogue, what each must keep to, and the canary's own rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts import strategies
from rollouts.reasons import Reason
from rollouts.strategies import Finish, GoTo, Progress, Stay, StrategyError
from rollouts.strategies.canary import DEFAULT_STEPS, Settings

CANARY = strategies.find("Canary")
STEPS = {"steps": [{"weight": 25, "soakSeconds": 60}, {"weight": 50}]}


def test_an_unknown_strategy_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(StrategyError, match=r"known are .*Canary"):
        strategies.find("Cannary")


@pytest.mark.parametrize("strategy", strategies.strategies().values(), ids=lambda s: str(s.type))
@given(weight=st.integers(0, 100), replicas=st.integers(1, 50))
def test_every_strategy_sizes_its_candidate_within_stable(
    strategy: strategies.Strategy, weight: int, replicas: int
) -> None:
    settings = strategy.parse({})
    size = strategy.candidate_size(settings, weight, replicas)
    assert 1 <= size <= replicas
    assert strategy.candidate_size(settings, 100, replicas) == replicas
    assert strategy.bake_s(settings) >= 0
    assert strategy.warm_replicas(settings) >= 0


@pytest.mark.parametrize("strategy", strategies.strategies().values(), ids=lambda s: str(s.type))
def test_every_strategy_ends_when_all_is_well_and_never_without_evidence(
    strategy: strategies.Strategy,
) -> None:
    settings, weight, moves = strategy.parse({}), 0, 0
    while not isinstance(move := strategy.next(settings, Progress(weight, 1e6, True)), Finish):
        assert isinstance(move, GoTo)
        assert move.weight > weight, "steps rise"
        without = strategy.next(settings, Progress(move.weight, 1e6, False))
        assert isinstance(without, Stay), "no evidence is never a pass"
        weight, moves = move.weight, moves + 1
        assert moves <= 100


def test_the_canary_soaks_and_needs_evidence() -> None:
    settings = CANARY.parse(STEPS)
    assert CANARY.next(settings, Progress(0, 0, False)) == GoTo(25, 1)
    soaking = CANARY.next(settings, Progress(25, 20, True))
    assert isinstance(soaking, Stay)
    assert (soaking.reason, soaking.for_s) == (Reason.SOAKING, 40)
    waiting = CANARY.next(settings, Progress(25, 61, False))
    assert isinstance(waiting, Stay)
    assert (waiting.reason, waiting.for_s) == (Reason.NOT_ENOUGH_EVIDENCE, None)
    assert CANARY.next(settings, Progress(25, 61, True)) == GoTo(50, 2)
    assert CANARY.next(settings, Progress(50, 61, True)) == Finish()


def test_a_weight_that_somebody_asked_for_continues_with_the_next_step() -> None:
    settings = CANARY.parse(STEPS)
    assert CANARY.next(settings, Progress(30, 61, True)) == GoTo(50, 2)
    assert CANARY.next(settings, Progress(100, 0, False)) == Finish(), "what follows is the bake"


@pytest.mark.parametrize(
    "options",
    [
        {"steps": [{"weight": 25}, {"weight": 25}]},
        {"steps": [{"weight": 50}, {"weight": 25}]},
        {"steps": [{"weight": 0}]},
        {"steps": [{"weight": 101}]},
        {"steps": [{"soakSeconds": 1}]},
        {"steps": [25]},
        {"steps": 25},
        {"bakeSeconds": "long"},
        {"warmReplicas": True},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(StrategyError, match=r"spec\.strategy\.canary"):
        CANARY.parse(options)


def test_no_steps_means_the_default_ones() -> None:
    assert CANARY.parse({"steps": []}) == Settings(steps=DEFAULT_STEPS)


@pytest.mark.parametrize(
    ("weight", "replicas", "size"), [(25, 2, 1), (25, 10, 3), (50, 10, 6), (90, 10, 10), (1, 1, 1)]
)
def test_the_candidate_has_headroom(weight: int, replicas: int, size: int) -> None:
    assert CANARY.candidate_size(Settings(), weight, replicas) == size
