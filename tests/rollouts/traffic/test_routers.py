"""What Istio, NGINX and Replicas do that is theirs alone; and what every router declares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from rollouts import revisions
from rollouts.reasons import Reason
from rollouts.traffic import AcceptanceState, TrafficError, TrafficIntent, find, routers
from rollouts.traffic.nginx import CANARY, TOTAL, WEIGHT
from rollouts.traffic.replicas import REVISION_LABEL, TARGET_LABEL
from tests.rollouts.traffic.cases import ALIAS, CANDIDATE, NAMESPACE, OLD, OWNED, STABLE

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject

SERVICES = OWNED | {ALIAS}
ISTIO, NGINX, REPLICAS = find("Istio"), find("NGINX"), find("Replicas")
RBAC = Path(__file__).parents[3] / "deploy/rbac/controller.yaml"


def intent(weight: int, sequence: int = 1, **sizes: int) -> TrafficIntent:
    named = {"stable": STABLE, "candidate": CANDIDATE, "old": OLD}
    return TrafficIntent(
        sequence=sequence,
        weights=((STABLE, 100 - weight), (CANDIDATE, weight)),
        in_progress=weight > 0,
        alias=ALIAS,
        owned=OWNED,
        sizes={named[name]: size for name, size in sizes.items()},
    )


# Istio


def virtual_service(*destinations: JsonObject, **status: Any) -> JsonObject:
    return {
        "metadata": {"name": "r", "namespace": NAMESPACE, "generation": 3},
        "spec": {"http": [{"route": list(destinations)}]},
        "status": status,
    }


def to(host: str, weight: int | None = None, **more: Any) -> JsonObject:
    found: JsonObject = {"destination": {"host": host, **more}}
    return found if weight is None else {**found, "weight": weight}


def test_a_host_keeps_its_ending_and_its_port() -> None:
    long = f"{ALIAS}.{NAMESPACE}.svc.cluster.local"
    obj = ISTIO.apply(virtual_service(to(long, port={"number": 80})), intent(25))
    assert obj["spec"]["http"][0]["route"] == [
        to(f"{STABLE}.prod.svc.cluster.local", 75, port={"number": 80}),
        to(f"{CANDIDATE}.prod.svc.cluster.local", 25, port={"number": 80}),
    ]


def test_a_missing_weight_is_nothing_beside_others_and_everything_alone() -> None:
    assert ISTIO.view(virtual_service(to(STABLE)), SERVICES).weights == {STABLE: 100}
    assert ISTIO.view(virtual_service(to(STABLE, 0)), SERVICES).weights == {STABLE: 100}
    both = virtual_service(to(STABLE), to(CANDIDATE, 5))
    assert ISTIO.view(both, SERVICES).weights == {CANDIDATE: 100}


def test_a_subset_is_refused_with_what_to_do() -> None:
    obj = virtual_service(to(ALIAS, subset="v1"))
    for act in (lambda: ISTIO.view(obj, SERVICES), lambda: ISTIO.apply(obj, intent(25))):
        with pytest.raises(TrafficError, match="remove it from the destination") as caught:
            act()
        assert caught.value.reason is Reason.SPEC_INVALID


def test_a_complaint_of_the_mesh_counts_for_its_generation_only() -> None:
    complaint = {"validationMessages": [{"level": "ERROR", "type": {"name": "NoHost"}}]}
    new = virtual_service(to(STABLE), observedGeneration="3", **complaint)
    old = virtual_service(to(STABLE), observedGeneration="2", **complaint)
    refused = ISTIO.view(new, SERVICES).accepted
    assert (refused.state, "NoHost" in refused.message) == (AcceptanceState.REFUSED, True)
    assert ISTIO.view(old, SERVICES).accepted.state is AcceptanceState.ACCEPTED


# NGINX


def ingress(service: str = ALIAS, **annotations: str) -> JsonObject:
    return {
        "metadata": {
            "name": "r",
            "namespace": NAMESPACE,
            "annotations": {CANARY: "true", **annotations},
        },
        "spec": {"rules": [{"http": {"paths": [{"backend": {"service": {"name": service}}}]}}]},
    }


def backend(obj: JsonObject) -> str:
    return str(obj["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"])


@pytest.mark.parametrize(
    ("weight", "leads_to", "written"),
    [(0, STABLE, "100"), (25, CANDIDATE, "25"), (100, CANDIDATE, "100")],
)
def test_whoever_has_everything_is_behind_the_canary_ingress(
    weight: int, leads_to: str, written: str
) -> None:
    obj = NGINX.apply(ingress(), intent(weight))
    assert backend(obj) == leads_to
    assert obj["metadata"]["annotations"][WEIGHT] == written


@pytest.mark.parametrize(
    "edit",
    [
        {WEIGHT: "50"},
        {WEIGHT: "many"},
        {WEIGHT: "-1"},
        {WEIGHT: "٢٥"},
        {TOTAL: "50"},
        {TOTAL: "0"},
        {CANARY: "false"},
        {"holdpoint.dev/rest": ALIAS},
    ],
)
def test_an_annotation_edited_by_hand_is_seen_and_put_back(edit: dict[str, str]) -> None:
    good = NGINX.apply(ingress(), intent(25))
    metadata = {**good["metadata"], "annotations": {**good["metadata"]["annotations"], **edit}}
    edited = {**good, "metadata": metadata}
    assert not NGINX.view(edited, SERVICES).matches(intent(25))
    assert NGINX.apply(edited, intent(25)) == good


def test_what_nobody_can_read_counts_as_all_of_the_traffic() -> None:
    shown = NGINX.view(ingress(CANDIDATE, **{WEIGHT: "?"}), SERVICES)
    assert shown.weights == {CANDIDATE: 100}
    assert shown.drift


def test_the_main_ingress_named_by_mistake_is_not_touched() -> None:
    main = ingress()
    main["metadata"]["annotations"] = {}
    with pytest.raises(TrafficError, match="is no canary Ingress") as caught:
        NGINX.apply(main, intent(25))
    assert caught.value.reason is Reason.ROUTE_MISSING


# Replicas


def service(**selector: str) -> JsonObject:
    chosen = selector or {TARGET_LABEL: ALIAS}
    return {"metadata": {"name": "r", "namespace": NAMESPACE}, "spec": {"selector": chosen}}


@pytest.mark.parametrize(
    ("weight", "sizes", "reached", "said"),
    [
        (25, {"stable": 3, "candidate": 1}, 25, ""),
        (25, {"stable": 4, "candidate": 1}, 20, "20 %: 1 of 5 pods"),
        (25, {"stable": 2, "candidate": 1}, 0, "1 of 3 pods would be 33 %; with 3 pods"),
        (50, {"stable": 2, "candidate": 2}, 50, ""),
        (75, {"stable": 4, "candidate": 4}, 50, "50 %: 4 of 8 pods"),
        (99, {"stable": 0, "candidate": 4}, 0, "not both revisions have ready pods"),
        (10, {"stable": 9, "candidate": 0}, 0, "not both revisions have ready pods"),
        (50, {"stable": 2, "candidate": 1, "old": 1}, 0, "set warmReplicas: 0"),
        (50, {}, 0, "not both revisions have ready pods"),
        (0, {"stable": 2, "candidate": 2}, 0, ""),
        (100, {"stable": 2, "candidate": 2}, 0, ""),
    ],
)
def test_the_weight_is_rounded_down_and_what_is_reached_is_said(
    weight: int, sizes: dict[str, int], reached: int, said: str
) -> None:
    asked = intent(weight, **sizes)
    assert REPLICAS.achieved(asked) == reached <= weight
    obj = REPLICAS.apply(service(), asked)
    alone = {REVISION_LABEL: CANDIDATE if weight == 100 else STABLE}
    assert obj["spec"]["selector"] == ({TARGET_LABEL: ALIAS} if reached else alone)
    shown = REPLICAS.view(obj, SERVICES)
    assert shown.matches(asked)
    assert said in shown.note
    assert bool(shown.note) == bool(said)


@pytest.mark.parametrize("weight", [0, 25])
def test_a_selector_changed_by_hand_is_seen_and_put_back(weight: int) -> None:
    asked = intent(weight, stable=3, candidate=1)
    good = REPLICAS.apply(service(), asked)
    for label in (CANDIDATE, "nobody"):
        edited = {**good, "spec": {"selector": {REVISION_LABEL: label}}}
        shown = REPLICAS.view(edited, SERVICES)
        assert not shown.matches(asked)
        assert shown.weights.get(CANDIDATE) == 100 or label != CANDIDATE
        assert REPLICAS.apply(edited, asked) == good


@pytest.mark.parametrize("text", ["{", "[]", '{"weights": {"a": "b"}}', '{"weights": {"x": 1}}'])
def test_a_broken_record_is_no_intent(text: str) -> None:
    good = REPLICAS.apply(service(), intent(0))
    good["metadata"]["annotations"]["holdpoint.dev/split"] = text
    assert REPLICAS.view(good, SERVICES).drift


def test_labels_are_those_of_the_revisions() -> None:
    labels = (revisions.MODEL_DEPLOYMENT_LABEL, revisions.REVISION_LABEL)
    assert labels == (TARGET_LABEL, REVISION_LABEL)


# What every router declares


def rules() -> list[JsonObject]:
    for manifest in yaml.safe_load_all(RBAC.read_text()):
        if manifest["kind"] == "ClusterRole":
            return list(manifest["rules"])
    raise AssertionError("there is no ClusterRole")


@pytest.mark.parametrize("name", sorted(routers()))
def test_the_account_may_do_what_a_router_needs_and_says_who_bypasses_it(name: str) -> None:
    router = routers()[name]
    assert router.bypass
    assert router.resource.plural in {permission.resource for permission in router.permissions}
    for permission in router.permissions:
        granted = {
            verb
            for rule in rules()
            if permission.group in rule["apiGroups"] and permission.resource in rule["resources"]
            for verb in rule["verbs"]
        }
        assert granted >= set(permission.verbs), permission


def test_the_account_may_do_nothing_with_routes_that_no_router_declares() -> None:
    declared = {
        (permission.group, permission.resource): set(permission.verbs)
        for router in routers().values()
        for permission in router.permissions
    }
    groups = {group for group, _ in declared if group}
    for rule in rules():
        for group in groups & set(rule["apiGroups"]):
            for resource in rule["resources"]:
                assert set(rule["verbs"]) == declared[group, resource], rule
