"""Traefik moves requests as HTTPRoutes say."""

from __future__ import annotations

import collections
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster import workloads
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from tests.testbed.gateway import Gateway
    from tests.testbed.kube import Kube
    from tests.testbed.kubelet.kubelet import Kubelet

Json = dict[str, Any]
ROUTE = "gateway.networking.k8s.io/v1/HTTPRoute"


@pytest.fixture
def hostname(namespace: str) -> str:
    """A host of its own, so that routes of other tests do not match."""
    return f"{namespace}.test"


@pytest.fixture
def route(
    kube: Kube,
    kubelet: Kubelet,
    gateway: Gateway,
    server_image: str,
    hostname: str,
) -> str:
    """Deployments `stable` and `candidate` behind the HTTPRoute `web`, weights 100 and 0."""
    for name in ("stable", "candidate"):
        kube.create(workloads.service(name))
        kube.create(workloads.deployment(name, workloads.server_container(server_image, name)))
    kube.create(
        workloads.http_route("web", hostname, gateway.parent_ref, {"stable": 100, "candidate": 0})
    )
    kube.wait_until(ROUTE, "web", is_accepted, "be accepted")
    wait_until(lambda: ask(gateway, hostname) == (200, "stable"), 30, "an answer of stable")
    for name in ("stable", "candidate"):
        kube.wait_until(
            "apps/v1/Deployment",
            name,
            lambda found: found.get("status", {}).get("readyReplicas") == 1,
            "be ready",
        )
    return "web"


def is_accepted(route: Json) -> bool:
    """Both conditions are true, and said of the generation that is there now."""
    parents = route.get("status", {}).get("parents", [])
    conditions = [c for parent in parents for c in parent["conditions"]]
    current = {
        c["type"]: c["status"]
        for c in conditions
        if c["observedGeneration"] == route["metadata"]["generation"]
    }
    return current.get("Accepted") == "True" and current.get("ResolvedRefs") == "True"


def ask(gateway: Gateway, hostname: str) -> tuple[int, str]:
    status, body = gateway.request(hostname)
    return status, body.decode()


def set_weights(kube: Kube, stable: int, candidate: int) -> Json:
    backends = [
        {"name": "stable", "port": 80, "weight": stable},
        {"name": "candidate", "port": 80, "weight": candidate},
    ]
    return kube.patch(ROUTE, "web", {"spec": {"rules": [{"backendRefs": backends}]}})


def test_weights_decide_where_requests_go(
    kube: Kube, gateway: Gateway, route: str, hostname: str
) -> None:
    set_weights(kube, 75, 25)
    kube.wait_until(ROUTE, route, is_accepted, "be accepted")
    wait_until(lambda: ask(gateway, hostname)[1] == "candidate", 10, "the first candidate answer")
    answers = collections.Counter(ask(gateway, hostname) for _ in range(400))
    assert set(answers) == {(200, "stable"), (200, "candidate")}
    # Traefik deals requests out in turn by weight, so the share is nearly exact.
    assert 90 <= answers[200, "candidate"] <= 110


def test_a_weight_takes_effect_within_a_second(
    kube: Kube, gateway: Gateway, route: str, hostname: str
) -> None:
    delays = []
    for wanted in ("candidate", "stable", "candidate", "stable"):
        set_weights(kube, *((0, 100) if wanted == "candidate" else (100, 0)))
        began = time.monotonic()
        wait_until(
            lambda w=wanted: ask(gateway, hostname) == (200, w),  # type: ignore[misc]
            5,
            f"an answer of {wanted}",
            every_s=0.002,
        )
        effect = time.monotonic() - began
        kube.wait_until(ROUTE, route, is_accepted, "be accepted")
        delays.append((round(effect, 3), round(time.monotonic() - began, 3)))
    print("seconds from a patch to its effect, and to its status:", delays)
    assert max(effect for effect, _ in delays) < 1


def test_a_route_to_a_missing_service_is_reported(
    kube: Kube, gateway: Gateway, hostname: str
) -> None:
    kube.create(workloads.http_route("lost", hostname, gateway.parent_ref, {"nowhere": 1}))

    def unresolved(found: Json) -> bool:
        parents = found.get("status", {}).get("parents", [])
        conditions = {c["type"]: c for parent in parents for c in parent["conditions"]}
        return bool(conditions.get("ResolvedRefs", {}).get("reason") == "BackendNotFound")

    kube.wait_until(ROUTE, "lost", unresolved, "be reported as unresolved")
