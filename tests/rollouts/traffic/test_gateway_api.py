"""The HTTPRoute router in particulars: which rules, which fields, what the gateway said."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from rollouts.reasons import Reason
from rollouts.traffic import (
    IN_PROGRESS_LABEL,
    SEQUENCE_ANNOTATION,
    TARGET_ANNOTATION,
    AcceptanceState,
    RouteView,
    TrafficError,
    TrafficIntent,
    find,
)
from tests.rollouts.traffic.cases import ALIAS, CANDIDATE, OWNED, STABLE

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject

ROUTER = find("GatewayAPI")
SERVICES = OWNED | {ALIAS}


def ref(name: str, weight: int | None = None, **more: Any) -> JsonObject:
    weighted = {} if weight is None else {"weight": weight}
    return {"name": name, "port": 80, **weighted, **more}


def route(
    *rules: list[JsonObject], status: JsonObject | None = None, **metadata: Any
) -> JsonObject:
    return {
        "metadata": {"name": "route", "namespace": "prod", "generation": 4, **metadata},
        "spec": {
            "parentRefs": [{"name": "gateway"}],
            "rules": [{"backendRefs": refs} for refs in rules],
        },
        "status": status or {},
    }


def intent(weight: int, sequence: int = 7, *, in_progress: bool = True) -> TrafficIntent:
    weights = ((STABLE, 100 - weight), (CANDIDATE, weight))
    return TrafficIntent(sequence, weights, in_progress, ALIAS, OWNED)


def refs(obj: JsonObject, rule: int = 0) -> list[JsonObject]:
    found: list[JsonObject] = obj["spec"]["rules"][rule]["backendRefs"]
    return found


def view(obj: JsonObject) -> RouteView:
    return ROUTER.view(obj, SERVICES)


def test_the_first_write_turns_the_alias_into_the_revisions() -> None:
    after = ROUTER.apply(route([ref(ALIAS)]), intent(25))
    assert refs(after) == [ref(STABLE, 75), ref(CANDIDATE, 25)]
    assert after["metadata"]["annotations"] == {SEQUENCE_ANNOTATION: "7", TARGET_ANNOTATION: ALIAS}
    assert after["metadata"]["labels"] == {IN_PROGRESS_LABEL: "true"}


def test_the_label_goes_when_the_rollout_is_over_and_other_labels_stay() -> None:
    during = ROUTER.apply(route([ref(ALIAS)], labels={"team": "risk"}), intent(25))
    over = ROUTER.apply(during, intent(0, 8, in_progress=False))
    assert over["metadata"]["labels"] == {"team": "risk"}


def test_a_service_at_0_per_cent_is_left_out() -> None:
    during = ROUTER.apply(route([ref(ALIAS)]), intent(25))
    assert refs(ROUTER.apply(during, intent(0, 8))) == [ref(STABLE, 100)]
    assert refs(ROUTER.apply(during, intent(100, 8))) == [ref(CANDIDATE, 100)]


def test_port_filters_and_other_fields_of_a_backend_are_kept_and_copied() -> None:
    extras: JsonObject = {
        "filters": [{"type": "RequestHeaderModifier"}],
        "x-of-a-later-version": {"a": 1},
    }
    after = ROUTER.apply(route([ref(ALIAS, **extras)]), intent(25))
    assert refs(after) == [ref(STABLE, 75, **extras), ref(CANDIDATE, 25, **extras)]
    refs(after)[1]["port"] = 9090
    again = ROUTER.apply(after, intent(50, 8))
    assert [r["port"] for r in refs(again)] == [80, 9090]


def test_every_rule_of_the_target_is_written_and_no_other() -> None:
    shop = [ref("shop", 3), ref("shop-2", 1)]
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": ALIAS}}}
    before = route([ref(ALIAS)], shop, [ref(STABLE, 1)], [])
    before["spec"]["rules"][1]["filters"] = [mirror]
    before["spec"]["rules"][2]["matches"] = [{"headers": [{"name": "x-beta", "value": "1"}]}]
    after = ROUTER.apply(before, intent(10))
    split = [ref(STABLE, 90), ref(CANDIDATE, 10)]
    assert [refs(after, rule) for rule in range(4)] == [split, shop, split, []]
    assert after["spec"]["rules"][1] == before["spec"]["rules"][1]
    assert after["spec"]["rules"][2]["matches"] == before["spec"]["rules"][2]["matches"]


@pytest.mark.parametrize(
    ("ours", "theirs", "written"),
    [
        (100, 50, [75, 25, 50]),
        (1, 1, [75, 25, 100]),
        (8, 3, [150, 50, 75]),
        (200, 7, [150, 50, 7]),
        (100, 0, [75, 25, 0]),
        (1_000_000, 1_000_000, [750_000, 250_000, 1_000_000]),
        (99_999, 50_000, [75_000, 25_000, 50_000]),
    ],
)
def test_a_rule_shared_with_another_service_keeps_the_proportion(
    ours: int, theirs: int, written: list[int]
) -> None:
    before = route([ref(ALIAS, ours), ref("shop", theirs)])
    after = ROUTER.apply(before, intent(25))
    assert [r["name"] for r in refs(after)] == [STABLE, CANDIDATE, "shop"]
    assert [r["weight"] for r in refs(after)] == written
    assert view(after).matches(intent(25))


def test_a_shared_rule_that_sends_the_target_nothing_is_left_alone() -> None:
    drained = [ref(ALIAS, 0), ref("shop", 1)]
    after = ROUTER.apply(route(drained, [ref(ALIAS)]), intent(25))
    assert refs(after, 0) == drained
    assert view(after).matches(intent(25))
    with pytest.raises(TrafficError) as caught:
        ROUTER.apply(route(drained), intent(25))
    assert caught.value.reason is Reason.ROUTE_MISSING


def test_a_route_of_another_target_is_neither_read_nor_written() -> None:
    theirs = route([ref(ALIAS)], annotations={TARGET_ANNOTATION: "shop"})
    for act in (lambda: ROUTER.apply(theirs, intent(25)), lambda: view(theirs)):
        with pytest.raises(TrafficError, match=r"'shop'.*give each its own HTTPRoute") as caught:
            act()
        assert caught.value.reason is Reason.SPEC_INVALID


@pytest.mark.parametrize(
    ("backends", "shown"),
    [
        ([ref(ALIAS)], {ALIAS: 100}),
        ([ref(STABLE), ref(CANDIDATE)], {STABLE: 50, CANDIDATE: 50}),
        ([ref(STABLE, 3), ref(CANDIDATE, 1)], {STABLE: 75, CANDIDATE: 25}),
        ([ref(STABLE, 750_000), ref(CANDIDATE, 250_000)], {STABLE: 75, CANDIDATE: 25}),
        ([ref(STABLE, 100), ref(CANDIDATE, 0)], {STABLE: 100}),
        ([ref(STABLE, 50), ref(STABLE, 50)], {STABLE: 100}),
        ([ref(STABLE, 75), ref(CANDIDATE, 25), ref("shop", 300)], {STABLE: 75, CANDIDATE: 25}),
    ],
)
def test_weights_are_seen_as_per_cents_of_the_target_s_traffic(
    backends: list[JsonObject], shown: dict[str, int]
) -> None:
    seen = view(route(backends))
    assert (dict(seen.weights), seen.drift) == (shown, "")


@pytest.mark.parametrize(
    ("rules", "shown", "said"),
    [
        ([[ref(STABLE)], [ref(CANDIDATE)]], {STABLE: 100, CANDIDATE: 100}, "differently"),
        (
            [[ref(STABLE)], [ref(STABLE, 99), ref(CANDIDATE, 1)]],
            {STABLE: 100, CANDIDATE: 1},
            "differently",
        ),
        (
            [[ref(STABLE, 999), ref(CANDIDATE, 1)]],
            {STABLE: 100, CANDIDATE: 1},
            "no whole per cents",
        ),
        ([[ref(STABLE, 0)]], {}, "every weight in the route is 0"),
    ],
)
def test_what_no_intent_would_write_is_drift_and_never_hides_a_candidate(
    rules: list[list[JsonObject]], shown: dict[str, int], said: str
) -> None:
    seen = view(route(*rules, annotations={SEQUENCE_ANNOTATION: "7"}))
    assert dict(seen.weights) == shown
    assert said in seen.drift
    assert not seen.matches(intent(0))


def test_an_edited_weight_number_or_label_no_longer_matches() -> None:
    written = ROUTER.apply(route([ref(ALIAS)]), intent(25))
    assert view(written).matches(intent(25))
    weight = copy.deepcopy(written)
    refs(weight)[1]["weight"] = 26
    number = copy.deepcopy(written)
    number["metadata"]["annotations"][SEQUENCE_ANNOTATION] = "6"
    label = copy.deepcopy(written)
    del label["metadata"]["labels"][IN_PROGRESS_LABEL]
    for edited in (weight, number, label):
        assert not view(edited).matches(intent(25))


@pytest.mark.parametrize("text", ["seven", "-1", "", "1e3", "7 ", "\u0667", "9" * 19])
def test_a_broken_number_is_drift_and_is_written_over(text: str) -> None:
    broken = route([ref(ALIAS)], annotations={SEQUENCE_ANNOTATION: text})
    seen = view(broken)
    assert seen.sequence is None
    assert "no number" in seen.drift
    assert view(ROUTER.apply(broken, intent(25))).sequence == 7


@pytest.mark.parametrize(
    "weights",
    [
        ((STABLE, 90), (CANDIDATE, 9)),
        ((STABLE, 101), (CANDIDATE, -1)),
        ((STABLE, 50), (STABLE, 50)),
    ],
)
def test_an_intent_that_cannot_be_is_refused(weights: tuple[tuple[str, int], ...]) -> None:
    with pytest.raises(ValueError, match=r"weights|Service"):
        TrafficIntent(1, weights, in_progress=True, alias=ALIAS)


# What the gateway said


def condition(kind: str, status: str = "True", generation: int = 4, **more: str) -> JsonObject:
    return {"type": kind, "status": status, "observedGeneration": generation, **more}


OK = [condition("Accepted"), condition("ResolvedRefs")]


def said(
    *parents: tuple[JsonObject, list[JsonObject]], names: tuple[str, ...] = ("gateway",)
) -> Any:
    answers = [{"parentRef": parent, "conditions": conditions} for parent, conditions in parents]
    obj = route([ref(ALIAS)], status={"parents": answers})
    obj["spec"]["parentRefs"] = [{"name": name} for name in names]
    return view(obj).accepted


GATEWAY = {"name": "gateway"}
WHOLE = {
    "group": "gateway.networking.k8s.io",
    "kind": "Gateway",
    "namespace": "prod",
    "name": "gateway",
}


@pytest.mark.parametrize("parent", [GATEWAY, WHOLE])
def test_a_parent_that_accepts_this_generation_has_accepted(parent: JsonObject) -> None:
    assert said((parent, OK)).state is AcceptanceState.ACCEPTED


@pytest.mark.parametrize(
    "conditions",
    [
        [],
        OK[:1],
        OK[1:],
        [condition("Accepted", generation=3), condition("ResolvedRefs")],
        [condition("Accepted"), condition("ResolvedRefs", generation=3)],
        [condition("Accepted", generation=5), condition("ResolvedRefs", generation=5)],
        [{"type": "Accepted", "status": "True"}, {"type": "ResolvedRefs", "status": "True"}],
        [condition("Accepted", "False", 3), condition("ResolvedRefs")],
    ],
)
def test_an_answer_for_another_generation_or_none_is_pending(conditions: list[JsonObject]) -> None:
    answer = said((GATEWAY, conditions))
    assert answer.state is AcceptanceState.PENDING
    assert "gateway" in answer.message
    assert said().state is AcceptanceState.PENDING


@pytest.mark.parametrize("kind", ["Accepted", "ResolvedRefs"])
def test_a_refusal_says_what_the_gateway_says(kind: str) -> None:
    bad = condition(kind, "False", reason="BackendNotFound", message="no such Service")
    answer = said((GATEWAY, [bad, *[good for good in OK if good["type"] != kind]]))
    assert answer.state is AcceptanceState.REFUSED
    assert answer.message == f"gateway gateway: not {kind} (BackendNotFound: no such Service)"


def test_an_unknown_status_is_unknown() -> None:
    answer = said((GATEWAY, [condition("Accepted", "Unknown"), OK[1]]))
    assert answer.state is AcceptanceState.UNKNOWN


def test_every_parent_of_the_spec_has_to_accept() -> None:
    both = ("gateway", "other")
    other = {"name": "other"}
    refused = [condition("Accepted", "False"), OK[1]]
    assert said((GATEWAY, OK), (other, OK), names=both).state is AcceptanceState.ACCEPTED
    assert said((GATEWAY, OK), names=both).state is AcceptanceState.PENDING
    assert said((GATEWAY, OK), (other, refused), names=both).state is AcceptanceState.REFUSED
    assert said((GATEWAY, []), (other, refused), names=both).state is AcceptanceState.REFUSED


def test_a_parent_that_the_spec_no_longer_names_does_not_matter() -> None:
    old = ({"name": "old"}, [condition("Accepted", "False", 3)])
    assert said((GATEWAY, OK), old).state is AcceptanceState.ACCEPTED
    assert said(old).state is AcceptanceState.PENDING


def test_sections_and_ports_are_parents_of_their_own() -> None:
    section = {**GATEWAY, "sectionName": "https"}
    assert said((section, OK)).state is AcceptanceState.PENDING


def test_another_controller_s_not_mine_does_not_count_beside_the_answer_of_the_one_in_charge() -> (
    None
):
    not_mine = [condition("Accepted", "False", reason="NoMatchingParent")]
    assert said((GATEWAY, not_mine), (GATEWAY, OK)).state is AcceptanceState.ACCEPTED
    assert said((GATEWAY, not_mine)).state is AcceptanceState.REFUSED


def test_a_route_without_a_parent_is_refused() -> None:
    assert said(names=()).state is AcceptanceState.REFUSED
