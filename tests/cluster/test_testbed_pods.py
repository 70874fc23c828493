"""Pods on the testbed's node behave as on a real one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster import workloads
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from tests.testbed.kube import Kube
    from tests.testbed.kubelet.kubelet import Kubelet
    from tests.testbed.oci import ImageStore
    from tests.testbed.registry import Registry

Json = dict[str, Any]


@pytest.fixture
def server_image(image_store: ImageStore, registry: Registry) -> str:
    digest = image_store.build(workloads.SERVER_FILES, command=workloads.SERVER_COMMAND)
    return registry.reference("acme/server", digest)


def is_ready(pod: Json) -> bool:
    conditions = {c["type"]: c["status"] for c in pod.get("status", {}).get("conditions", [])}
    return conditions.get("Ready") == "True"


def only_status(pod: Json) -> Json:
    statuses: list[Json] = pod.get("status", {}).get("containerStatuses", [{}])
    return statuses[0]


def waits_for(pod: Json, reason: str) -> bool:
    found = only_status(pod).get("state", {}).get("waiting", {}).get("reason")
    return bool(found == reason)


def ready_addresses(kube: Kube, service: str) -> set[str]:
    slices = kube.list("discovery.k8s.io/v1/EndpointSlice", f"kubernetes.io/service-name={service}")
    return {
        address
        for one in slices
        for endpoint in one.get("endpoints") or []
        if endpoint["conditions"].get("ready")
        for address in endpoint["addresses"]
    }


def test_a_deployment_runs_two_pods_from_an_image_and_gets_endpoints(
    kube: Kube, kubelet: Kubelet, server_image: str
) -> None:
    kube.create(workloads.service("web"))
    kube.create(workloads.deployment("web", workloads.server_container(server_image), 2))
    kube.wait_until(
        "apps/v1/Deployment",
        "web",
        lambda found: found.get("status", {}).get("readyReplicas") == 2,
        "have two ready replicas",
    )
    pods = kube.list("v1/Pod", "app=web")
    addresses = {pod["status"]["podIP"] for pod in pods}
    assert len(addresses) == 2
    assert all(address.startswith("10.244.") for address in addresses)
    digest = server_image.partition("@")[2]
    assert {only_status(pod)["imageID"].partition("@")[2] for pod in pods} == {digest}
    found = wait_until(lambda: ready_addresses(kube, "web") == addresses, 10, "both endpoints")
    assert found


def test_a_pod_of_the_standard_library_starts_in_half_a_second(
    kube: Kube, kubelet: Kubelet, server_image: str
) -> None:
    container = workloads.server_container(server_image)
    began = time.monotonic()
    kube.create(workloads.pod("quick", container))
    kube.wait_until("v1/Pod", "quick", is_ready, "be ready")
    print("pod ready after", time.monotonic() - began)
