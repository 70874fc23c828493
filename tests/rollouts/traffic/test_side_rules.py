"""Header rules and mirrors in an HTTPRoute: there with the weight, gone with it, put back."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from rollouts.reasons import Reason
from rollouts.traffic import RouteView, TrafficError, TrafficIntent, of
from tests.rollouts.traffic.cases import ALIAS, CANDIDATE, NAMESPACE, OWNED, STABLE

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject

SERVICES = OWNED | {ALIAS}
HEADER = {"header": {"name": "x-canary", "value": "always"}}
MIRROR = {"mirror": {"percent": 10}}
BOTH = of({"type": "GatewayAPI", "gatewayAPI": {"httpRoute": "r", **HEADER, **MIRROR}})
PLAIN = of({"type": "GatewayAPI", "gatewayAPI": {"httpRoute": "r"}})


def route() -> JsonObject:
    return {
        "metadata": {"name": "r", "namespace": NAMESPACE},
        "spec": {
            "parentRefs": [{"name": "gateway"}],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": "/v1"}}],
                    "filters": [
                        {
                            "type": "RequestMirror",
                            "requestMirror": {"backendRef": {"name": "audit", "port": 1}},
                        }
                    ],
                    "backendRefs": [{"name": ALIAS, "port": 80}],
                },
                {"backendRefs": [{"name": "docs", "port": 80}]},
                {"backendRefs": [{"name": ALIAS, "port": 81}]},
            ],
        },
    }


def intent(weight: int, sequence: int = 1) -> TrafficIntent:
    weights = ((STABLE, 100 - weight), (CANDIDATE, weight))
    return TrafficIntent(sequence, weights, True, ALIAS, OWNED)


def view(obj: JsonObject) -> RouteView:
    return BOTH.view(obj, SERVICES)


def test_a_tester_s_header_leads_to_the_candidate_whatever_the_weight() -> None:
    rules = BOTH.apply(route(), intent(25))["spec"]["rules"]
    extra = {"type": "Exact", "name": "x-canary", "value": "always"}
    assert [rule.get("name") for rule in rules] == [
        *("holdpoint-header-0", "holdpoint-header-1", None, None, None)
    ]
    assert rules[0]["matches"] == [
        {"path": {"type": "PathPrefix", "value": "/v1"}, "headers": [extra]}
    ]
    assert rules[0]["backendRefs"] == [{"name": CANDIDATE, "port": 80, "weight": 1}]
    assert rules[1]["matches"][0]["headers"] == [extra]
    assert rules[1]["backendRefs"] == [{"name": CANDIDATE, "port": 81, "weight": 1}]


def test_every_rule_of_the_target_is_mirrored_and_a_person_s_mirror_stays() -> None:
    rules = BOTH.apply(route(), intent(25))["spec"]["rules"]
    audit = route()["spec"]["rules"][0]["filters"][0]
    ours = {
        "type": "RequestMirror",
        "requestMirror": {"backendRef": {"name": CANDIDATE, "port": 80}, "percent": 10},
    }
    assert rules[2]["filters"] == [audit, ours]
    assert "filters" not in rules[3]
    assert rules[4]["filters"][0]["requestMirror"]["backendRef"]["name"] == CANDIDATE
    assert rules[0]["filters"] == [audit], "what the header leads to it is not mirrored to it too"


@pytest.mark.parametrize("weight", [0, 100])
def test_with_the_weight_the_side_rules_go(weight: int) -> None:
    before = BOTH.apply(route(), intent(25))
    after = BOTH.apply(before, intent(weight, 2))
    bare = PLAIN.apply(route(), intent(weight, 2))
    assert after["spec"] == bare["spec"]
    assert view(after).matches(intent(weight, 2))
    assert not view(before).matches(intent(weight))


def test_they_are_read_back() -> None:
    shown = view(BOTH.apply(route(), intent(25)))
    assert shown.matches(intent(25)), shown
    assert shown.beside == {"header": CANDIDATE, "mirror": CANDIDATE}
    assert shown.weights == {STABLE: 75, CANDIDATE: 25}


def _without_header(rules: Any) -> None:
    del rules[:2]


def _other_value(rules: Any) -> None:
    rules[0]["matches"][0]["headers"][0]["value"] = "never"


def _to_another(rules: Any) -> None:
    rules[0]["backendRefs"][0]["name"] = STABLE


def _without_one_mirror(rules: Any) -> None:
    del rules[4]["filters"]


def _more_mirrored(rules: Any) -> None:
    rules[2]["filters"][1]["requestMirror"]["percent"] = 100


@pytest.mark.parametrize(
    "edit", [_without_header, _other_value, _to_another, _without_one_mirror, _more_mirrored]
)
def test_an_edit_by_hand_is_seen_and_put_back(edit: Any) -> None:
    good = BOTH.apply(route(), intent(25))
    edited = copy.deepcopy(good)
    edit(edited["spec"]["rules"])
    assert not view(edited).matches(intent(25))
    assert BOTH.apply(edited, intent(25))["spec"] == good["spec"]


def test_what_is_no_longer_asked_for_is_seen_and_taken_away() -> None:
    before = BOTH.apply(route(), intent(25))
    assert "leads to" in PLAIN.view(before, SERVICES).drift
    assert PLAIN.apply(before, intent(25))["spec"] == PLAIN.apply(route(), intent(25))["spec"]


@pytest.mark.parametrize(
    "options",
    [
        {"header": "x"},
        {"header": {"name": "a b", "value": "v"}},
        {"header": {"name": "x"}},
        {"header": {"name": "x", "value": "a\r\nb"}},
        {"mirror": {}},
        {"mirror": {"percent": 0}},
        {"mirror": {"percent": 101}},
        {"mirror": {"percent": True}},
    ],
)
def test_options_that_make_no_sense_are_refused(options: JsonObject) -> None:
    with pytest.raises(TrafficError, match=r"spec\.traffic\.gatewayAPI\.") as caught:
        of({"type": "GatewayAPI", "gatewayAPI": {"httpRoute": "r", **options}})
    assert caught.value.reason is Reason.SPEC_INVALID


def test_more_rules_than_a_route_holds_are_refused() -> None:
    full = route()
    full["spec"]["rules"] *= 5
    with pytest.raises(TrafficError, match="at most 16"):
        BOTH.apply(full, intent(25))
    BOTH.apply(full, intent(0))
