"""The GatewayAPI router against a real API server and a real gateway: written, accepted, obeyed."""

from __future__ import annotations

import collections
import http.client
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from rollouts import kube as rollouts_kube
from rollouts.traffic import AcceptanceState, RouteView, TrafficIntent, find, of
from tests.cluster import workloads
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from tests.testbed.control_plane import ControlPlane
    from tests.testbed.gateway import Gateway
    from tests.testbed.kube import Kube
    from tests.testbed.kubelet.kubelet import Kubelet

Json = dict[str, Any]
ALIAS, STABLE, CANDIDATE = "lending", "lending-stable", "lending-candidate"
SERVICES = frozenset({ALIAS, STABLE, CANDIDATE})
ROUTER = find("GatewayAPI")


class Target:
    """One target's route, written the way the controller writes it."""

    def __init__(self, cluster: rollouts_kube.Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.router = ROUTER

    def read(self) -> Json:
        return self.cluster.get(rollouts_kube.HTTP_ROUTES, self.namespace, "route")

    def view(self) -> RouteView:
        return self.router.view(self.read(), SERVICES)

    def write(self, sequence: int, weight: int) -> TrafficIntent:
        """Replaces the route; a conflict with the gateway's status is tried again."""
        weights = ((STABLE, 100 - weight), (CANDIDATE, weight))
        intent = TrafficIntent(sequence, weights, weight > 0, ALIAS, SERVICES)

        def replaced() -> bool:
            body = self.router.apply(self.read(), intent)
            try:
                self.cluster.replace(rollouts_kube.HTTP_ROUTES, self.namespace, body)
            except rollouts_kube.Conflict:
                return False
            return True

        wait_until(replaced, 10, "the route to be written")
        return intent

    def is_accepted(self) -> bool:
        return self.view().accepted.state is AcceptanceState.ACCEPTED


@pytest.fixture
def hostname(namespace: str) -> str:
    return f"{namespace}.test"


@pytest.fixture
def target(
    kube: Kube,
    kubelet: Kubelet,
    gateway: Gateway,
    control_plane: ControlPlane,
    server_image: str,
    namespace: str,
    hostname: str,
) -> Iterator[Target]:
    """Two ready revisions, the alias Service on stable, and a route to the alias."""
    for name in (STABLE, CANDIDATE):
        kube.create(workloads.service(name))
        kube.create(workloads.deployment(name, workloads.server_container(server_image, name)))
        kube.wait_until(
            "apps/v1/Deployment",
            name,
            lambda found: found.get("status", {}).get("readyReplicas") == 1,
            "be ready",
        )
    alias = workloads.service(STABLE)
    alias["metadata"]["name"] = ALIAS
    kube.create(alias)
    kube.create(workloads.http_route("route", hostname, gateway.parent_ref, {ALIAS: 1}))
    with_cluster = rollouts_kube.Cluster.connect(str(control_plane.kubeconfig))
    yield Target(with_cluster, namespace)
    with_cluster.close()


def answers(gateway: Gateway, hostname: str, count: int) -> collections.Counter[tuple[int, str]]:
    found = (gateway.request(hostname) for _ in range(count))
    return collections.Counter((status, body.decode()) for status, body in found)


def test_a_canary_goes_up_and_is_taken_back(
    target: Target, gateway: Gateway, hostname: str
) -> None:
    wait_until(target.is_accepted, 30, "the route to be accepted before anything is written")
    assert dict(target.view().weights) == {ALIAS: 100}

    quarter = target.write(1, 25)
    assert target.view().matches(quarter)
    wait_until(target.is_accepted, 10, "25 % to be accepted")
    wait_until(lambda: answers(gateway, hostname, 8)[200, CANDIDATE], 10, "the candidate's answer")
    counted = answers(gateway, hostname, 400)
    assert set(counted) == {(200, STABLE), (200, CANDIDATE)}
    assert 80 <= counted[200, CANDIDATE] <= 120

    nothing = target.write(2, 0)
    assert target.view().matches(nothing)
    assert CANDIDATE not in target.view().weights
    wait_until(target.is_accepted, 10, "0 % to be accepted")
    wait_until(
        lambda: set(answers(gateway, hostname, 8)) == {(200, STABLE)}, 10, "the way back to take"
    )
    assert answers(gateway, hostname, 200) == {(200, STABLE): 200}


def test_a_tester_s_header_reaches_the_candidate_until_it_is_taken_back(
    target: Target, gateway: Gateway, hostname: str
) -> None:
    wait_until(target.is_accepted, 30, "the route to be accepted")
    header = {"name": "x-canary", "value": "always"}
    target.router = of({"type": "GatewayAPI", "gatewayAPI": {"header": header}})

    def tester() -> tuple[int, str]:
        connection = http.client.HTTPConnection(gateway.host, gateway.port, timeout=10)
        connection.request("GET", "/", headers={"Host": hostname, "x-canary": "always"})
        response = connection.getresponse()
        found = response.status, response.read().decode()
        connection.close()
        return found

    shown = target.write(1, 1)
    wait_until(target.is_accepted, 10, "1 % to be accepted")
    assert target.view().matches(shown)
    wait_until(lambda: tester() == (200, CANDIDATE), 10, "the header to take")
    assert {tester() for _ in range(30)} == {(200, CANDIDATE)}
    assert answers(gateway, hostname, 50)[200, STABLE] > 40
    target.write(2, 0)
    wait_until(lambda: tester() == (200, STABLE), 10, "the header to lead nowhere else")
    assert {tester() for _ in range(30)} == {(200, STABLE)}


def test_what_a_gateway_cannot_resolve_is_refused_until_it_is_taken_back(
    target: Target, kube: Kube
) -> None:
    wait_until(target.is_accepted, 30, "the route to be accepted")
    kube.delete("v1/Service", CANDIDATE)
    kube.wait_gone("v1/Service", CANDIDATE)
    target.write(1, 25)
    wait_until(lambda: target.view().accepted.state is AcceptanceState.REFUSED, 10, "a refusal")
    assert "ResolvedRefs" in target.view().accepted.message
    target.write(2, 0)
    wait_until(target.is_accepted, 10, "the abort to be accepted without the Service")
