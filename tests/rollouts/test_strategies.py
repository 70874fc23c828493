"""Strategies: the catalogue, what each must keep to, and the canary's own rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts import strategies
from rollouts.reasons import Reason
from rollouts.strategies import Check, Finish, GoTo, Progress, Stay, StrategyError
from rollouts.strategies.canary import DEFAULT_STEPS, Settings

CANARY = strategies.find("Canary")
BLUE_GREEN, RECREATE, ROLLING = map(strategies.find, ("BlueGreen", "Recreate", "Rolling"))
STEPS = {"steps": [{"weight": 25, "soakSeconds": 60}, {"weight": 50}]}


def test_an_unknown_strategy_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(StrategyError, match=r"known are .*Canary"):
        strategies.find("Cannary")


@pytest.mark.parametrize("strategy", strategies.strategies().values(), ids=lambda s: str(s.type))
@given(weight=st.integers(1, 100), replicas=st.integers(1, 50))
def test_every_strategy_sizes_its_candidate_within_stable(
    strategy: strategies.Strategy, weight: int, replicas: int
) -> None:
    settings = strategy.parse({})
    size = strategy.candidate_size(settings, weight, replicas)
    assert 1 <= size <= replicas
    at_rest = strategy.candidate_size(settings, 0, replicas)
    assert (at_rest == 0) == strategy.exclusive
    if not strategy.shares:
        assert strategy.candidate_size(settings, 100, replicas) == replicas
        assert strategy.stable_size(settings, weight, replicas) == replicas, "stable keeps its pods"
    assert strategy.bake_s(settings) >= 0
    assert strategy.warm_replicas(settings) >= 0


@pytest.mark.parametrize("strategy", strategies.strategies().values(), ids=lambda s: str(s.type))
def test_every_strategy_ends_when_all_is_well_and_never_without_evidence(
    strategy: strategies.Strategy,
) -> None:
    settings, weight, moves = strategy.parse({}), 0, 0
    while not isinstance(move := strategy.next(settings, Progress(weight, 1e6, True, 7)), Finish):
        assert isinstance(move, GoTo)
        assert move.weight > weight, "steps rise"
        without = strategy.next(settings, Progress(move.weight, 1e6, False, 7))
        if strategy.judged:
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


def test_only_a_strategy_that_never_has_both_serving_goes_on_unjudged() -> None:
    unjudged = {name for name, found in strategies.strategies().items() if not found.judged}
    assert unjudged == {"BlueGreen", "Recreate", "Rolling"}, "say so in its docstring and its docs"


amounts = st.one_of(st.integers(0, 12), st.integers(0, 100).map("{}%".format))


@given(replicas=st.integers(1, 60), surge=amounts, missing=amounts)
def test_a_rolling_update_keeps_to_its_surge_and_to_what_may_be_missing(
    replicas: int, surge: int | str, missing: int | str
) -> None:
    options = {"maxSurge": surge, "maxUnavailable": missing}
    if {str(surge), str(missing)} <= {"0", "0%"}:
        with pytest.raises(StrategyError, match="both 0"):
            ROLLING.parse(options)
        return
    settings = ROLLING.parse(options)
    more, less = settings.room(replicas)
    weight, here, stable, moves = 0, 0, replicas, 0
    while isinstance(move := ROLLING.next(settings, Progress(weight, 1e6, False, replicas)), GoTo):
        assert move.stable is not None
        assert move.pods is not None
        assert ROLLING.stable_size(settings, weight, replicas) <= move.stable <= stable
        stable = move.stable
        assert stable >= 1, "stable has traffic, so it has a pod"
        assert here + stable >= replicas - less, "before the new ones are ready"
        assert here <= move.pods <= replicas + more - stable, "and all of them together"
        here, weight, moves = move.pods, move.weight, moves + 1
        assert ROLLING.candidate_size(settings, weight, replicas) <= here
        assert moves <= replicas
    assert weight == 100
    assert here >= replicas - less


def test_a_rolling_update_has_kubernetes_defaults() -> None:
    settings = ROLLING.parse({})
    assert settings.room(10) == (3, 2)
    assert settings.room(1) == (1, 0)
    assert ROLLING.next(settings, Progress(0, 0, False, 10)) == GoTo(50, 5, stable=8, pods=5)


def test_blue_green_goes_all_at_once_and_may_wait_for_somebody() -> None:
    checks = [{"path": "/predict-check", "times": 2}]
    settings = BLUE_GREEN.parse({"checks": checks, "switch": "Manual"})
    assert BLUE_GREEN.checks(settings) == (Check("/predict-check", None, 2),)
    waiting = BLUE_GREEN.next(settings, Progress(0, 1e6, True))
    assert isinstance(waiting, Stay)
    assert waiting.reason is Reason.AWAITING_PROMOTION
    assert BLUE_GREEN.next(BLUE_GREEN.parse({}), Progress(0, 0, False)) == GoTo(100, 1)


def test_recreate_clears_the_way_first_and_says_what_that_means() -> None:
    settings = RECREATE.parse({})
    assert RECREATE.next(settings, Progress(0, 0, False, 3)) == GoTo(100, 1, stable=0)
    assert "nobody serves" in RECREATE.outage
    assert not [s.type for s in strategies.strategies().values() if s.outage and not s.exclusive]


@pytest.mark.parametrize(
    ("strategy", "options"),
    [
        ("BlueGreen", {"checks": [{"path": "healthz"}]}),
        ("BlueGreen", {"checks": [{"path": "/a b"}]}),
        ("BlueGreen", {"checks": [{}]}),
        ("BlueGreen", {"checks": [{"path": "/", "port": 70000}]}),
        ("BlueGreen", {"checks": [{"path": "/", "times": 0}]}),
        ("BlueGreen", {"switch": "Sometimes"}),
        ("Rolling", {"maxSurge": -1}),
        ("Rolling", {"maxSurge": "some"}),
        ("Rolling", {"maxUnavailable": True}),
        ("Recreate", {"bakeSeconds": "long"}),
    ],
)
def test_other_options_that_make_no_sense_are_refused(
    strategy: str, options: dict[str, object]
) -> None:
    with pytest.raises(StrategyError, match=r"spec\.strategy\."):
        strategies.find(strategy).parse(options)
