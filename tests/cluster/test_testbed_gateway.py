"""Traefik moves requests as HTTPRoutes say."""

from __future__ import annotations

import collections
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster import workloads
from tests.cluster.load import Load
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
    # Traefik hears of a deletion after the pod does: without the wait some requests get a 502.
    waits = {"preStop": {"sleep": {"seconds": 2}}}
    for name in ("stable", "candidate"):
        kube.create(workloads.service(name))
        container = workloads.server_container(server_image, name, lifecycle=waits)
        kube.create(workloads.deployment(name, container))
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


def test_moving_the_weight_loses_no_request(
    kube: Kube, gateway: Gateway, route: str, hostname: str
) -> None:
    with Load(gateway.port, hostname) as load:
        wait_until(lambda: load.answers[200] > 50, 10, "50 answers")
        for stable in (75, 50, 0, 100, 0, 100):
            set_weights(kube, stable, 100 - stable)
            kube.wait_until(ROUTE, route, is_accepted, "be accepted")
            before = load.answers.total()
            wait_until(lambda b=before: load.answers.total() > b + 20, 10, "20 more answers")  # type: ignore[misc]
    assert set(load.answers) == {200}, load.answers


def test_a_pod_that_waits_before_it_ends_loses_no_request(
    kube: Kube, gateway: Gateway, route: str, hostname: str
) -> None:
    kube.patch("apps/v1/Deployment", "stable", {"spec": {"replicas": 2}})
    kube.wait_until("apps/v1/Deployment", "stable", is_rolled_out, "be rolled out")
    pods = [pod["metadata"]["name"] for pod in kube.list("v1/Pod", "app=stable")]
    with Load(gateway.port, hostname) as load:
        wait_until(lambda: load.answers[200] > 50, 10, "50 answers")
        kube.delete("v1/Pod", pods[0])
        kube.wait_gone("v1/Pod", pods[0])
        before = load.answers.total()
        wait_until(lambda: load.answers.total() > before + 50, 10, "50 more answers")
    assert set(load.answers) == {200}, load.answers


def test_the_share_of_a_service_without_endpoints_is_refused_but_accepted_in_status(
    kube: Kube, gateway: Gateway, route: str, hostname: str
) -> None:
    # Why nobody may give weight to a Service before its endpoints are ready: the status does not
    # tell, and every second request fails.
    kube.patch("apps/v1/Deployment", "candidate", {"spec": {"replicas": 0}})
    wait_until(lambda: not kube.list("v1/Pod", "app=candidate"), 20, "the candidate to be gone")
    set_weights(kube, 50, 50)
    wait_until(lambda: ask(gateway, hostname)[0] == 503, 10, "a refused request")
    kube.wait_until(ROUTE, route, is_accepted, "be accepted")


def is_rolled_out(deployment: Json) -> bool:
    status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
    counts = [status.get(name, 0) for name in ("updatedReplicas", "readyReplicas", "replicas")]
    observed = status.get("observedGeneration") == deployment["metadata"]["generation"]
    return bool(observed and counts == [wanted] * 3)
