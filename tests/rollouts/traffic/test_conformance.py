"""What every router must do, over whatever routes people have: one test for all of them."""

from __future__ import annotations

import copy
import importlib
import pkgutil
from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

import rollouts.traffic
from rollouts.reasons import Reason
from rollouts.traffic import (
    Router,
    StaleIntent,
    TrafficError,
    TrafficIntent,
    UnknownRouter,
    find,
    routers,
)
from rollouts.traffic.catalogue import NOT_ROUTERS
from tests.rollouts.traffic.cases import ALIAS, CANDIDATE, NAMESPACE, OWNED, STABLE, Case

FILES = sorted({module.name for module in pkgutil.iter_modules(rollouts.traffic.__path__)})
UNITS = [name for name in FILES if name not in NOT_ROUTERS]

intents = st.builds(
    lambda weight, sequence, in_progress, only: TrafficIntent(
        sequence=sequence,
        weights=((STABLE, 100),) if only else ((STABLE, 100 - weight), (CANDIDATE, weight)),
        in_progress=in_progress,
        alias=ALIAS,
        owned=OWNED,
    ),
    weight=st.integers(0, 100),
    sequence=st.integers(0, 10**6),
    in_progress=st.booleans(),
    only=st.booleans(),
)
slow = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(params=UNITS, scope="module")
def unit(request: pytest.FixtureRequest) -> tuple[Router, Case]:
    name = request.param
    case: Case = importlib.import_module(f"tests.rollouts.traffic.cases.{name}").CASE
    router: Router = importlib.import_module(f"rollouts.traffic.{name}").ROUTER
    return router, case


def test_every_file_that_is_no_plumbing_is_found_by_its_type(unit: tuple[Router, Case]) -> None:
    router, _ = unit
    assert find(router.type) is router
    assert len(routers()) == len(UNITS)
    assert set(FILES) >= NOT_ROUTERS


def test_an_unknown_type_is_refused_with_the_known_ones(unit: tuple[Router, Case]) -> None:
    with pytest.raises(UnknownRouter, match=unit[0].type) as caught:
        find(unit[0].type.lower())
    assert caught.value.reason is Reason.SPEC_INVALID


def test_the_reference_is_in_the_deployment_s_namespace(unit: tuple[Router, Case]) -> None:
    router, case = unit
    assert router.reference(case.spec, NAMESPACE).namespace == NAMESPACE
    for bad in case.bad_specs:
        with pytest.raises(TrafficError, match=r"spec\.traffic") as caught:
            router.reference(bad, NAMESPACE)
        assert caught.value.reason is Reason.SPEC_INVALID


@given(data=st.data(), intent=intents)
@slow
def test_what_is_applied_is_what_is_seen(
    unit: tuple[Router, Case], data: st.DataObject, intent: TrafficIntent
) -> None:
    router, case = unit
    before = data.draw(case.objects)
    kept = copy.deepcopy(before)
    after = router.apply(before, intent)
    assert before == kept, "apply changed what it was given"
    view = router.view(after, intent.services)
    assert view.matches(intent), view
    assert view.sequence == intent.sequence
    assert dict(view.weights) == {name: weight for name, weight in intent.weights if weight}
    assert case.untouched(after) == case.untouched(before)
    assert router.apply(after, intent) == after, "applying twice changed something"


@given(data=st.data(), first=intents, second=intents)
@slow
def test_the_way_to_an_intent_leaves_no_trace(
    unit: tuple[Router, Case], data: st.DataObject, first: TrafficIntent, second: TrafficIntent
) -> None:
    router, case = unit
    route = data.draw(case.objects)
    second = replace(second, sequence=first.sequence + 1)
    on_the_way = router.apply(router.apply(route, first), second)
    view = router.view(on_the_way, second.services)
    assert view.matches(second)
    if shown(first) != shown(second):
        assert not view.matches(replace(first, sequence=second.sequence))


def shown(intent: TrafficIntent) -> tuple[dict[str, int], bool]:
    """What of an intent can be seen, beside its number."""
    return {name: weight for name, weight in intent.weights if weight}, intent.in_progress


@given(data=st.data(), newer=intents, older=intents, behind=st.integers(1, 50))
@slow
def test_a_lower_sequence_is_never_written_over_a_higher(
    unit: tuple[Router, Case],
    data: st.DataObject,
    newer: TrafficIntent,
    older: TrafficIntent,
    behind: int,
) -> None:
    router, case = unit
    newer = replace(newer, sequence=behind + 3)
    written = router.apply(data.draw(case.objects), newer)
    with pytest.raises(StaleIntent) as caught:
        router.apply(written, replace(older, sequence=3))
    assert (caught.value.held, caught.value.shown) == (3, behind + 3)


@given(data=st.data(), intent=intents)
@slow
def test_an_object_without_the_target_is_a_missing_route(
    unit: tuple[Router, Case], data: st.DataObject, intent: TrafficIntent
) -> None:
    router, case = unit
    stranger = data.draw(case.strangers)
    for act in (
        lambda: router.view(stranger, intent.services),
        lambda: router.apply(stranger, intent),
    ):
        with pytest.raises(TrafficError) as caught:
            act()
        assert caught.value.reason is Reason.ROUTE_MISSING
        assert ALIAS in caught.value.sentence
