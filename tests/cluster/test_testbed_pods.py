"""Pods on the testbed's node behave as on a real one."""

from __future__ import annotations

import functools
import http.client
from typing import TYPE_CHECKING, Any

from tests.cluster import workloads
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from tests.testbed.kube import Kube
    from tests.testbed.kubelet.kubelet import Kubelet
    from tests.testbed.oci import ImageStore
    from tests.testbed.registry import Registry

Json = dict[str, Any]


def only_status(pod: Json) -> Json:
    statuses: list[Json] = pod.get("status", {}).get("containerStatuses", [{}])
    return statuses[0]


def waits_for(pod: Json, reason: str) -> bool:
    found = only_status(pod).get("state", {}).get("waiting", {}).get("reason")
    return bool(found == reason)


def has_event(kube: Kube, reason: str) -> bool:
    return any(event["reason"] == reason for event in kube.list("v1/Event"))


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
    wait_until(lambda: ready_addresses(kube, "web") == addresses, 10, "both endpoints")


def touch(pod: Json, name: str) -> None:
    """Make the file /tmp/NAME in the pod, as soon as it serves."""

    def served() -> bool:
        connection = http.client.HTTPConnection(pod["status"]["podIP"], 8080, timeout=5)
        try:
            connection.request("GET", f"/touch?{name}")
            return connection.getresponse().status == 200
        except ConnectionRefusedError:
            return False
        finally:
            connection.close()

    wait_until(served, 10, "the pod to serve")


def test_a_failing_readiness_probe_takes_the_endpoint_out(
    kube: Kube, kubelet: Kubelet, server_image: str
) -> None:
    kube.create(workloads.service("web"))
    kube.create(workloads.pod("web", workloads.server_container(server_image)))
    pod = kube.wait_until("v1/Pod", "web", workloads.is_ready, "be ready")
    wait_until(lambda: ready_addresses(kube, "web"), 10, "an endpoint")
    touch(pod, "unready")
    pod = kube.wait_until(
        "v1/Pod", "web", lambda found: not workloads.is_ready(found), "be unready"
    )
    wait_until(lambda: not ready_addresses(kube, "web"), 10, "no endpoint")
    assert pod["status"]["phase"] == "Running"
    assert only_status(pod)["restartCount"] == 0


def test_a_failing_liveness_probe_restarts_the_container(
    kube: Kube, kubelet: Kubelet, server_image: str, namespace: str
) -> None:
    probe = {"httpGet": {"path": "/healthy", "port": "http"}, "periodSeconds": 1}
    container = workloads.server_container(
        server_image, livenessProbe={**probe, "failureThreshold": 1, "initialDelaySeconds": 1}
    )
    kube.create(workloads.pod("web", container))
    pod = kube.wait_until("v1/Pod", "web", workloads.is_ready, "be ready")
    touch(pod, "unhealthy")
    pod = kube.wait_until(
        "v1/Pod", "web", lambda found: only_status(found).get("restartCount") == 1, "be restarted"
    )
    kube.wait_until("v1/Pod", "web", workloads.is_ready, "be ready again")
    # The writable layer went with the first run, and so did the file that made it unhealthy.
    assert "ending in order" in kubelet.logs(namespace, "web", previous=True)
    assert only_status(pod)["lastState"]["terminated"]["exitCode"] == 0


def test_a_startup_probe_holds_the_others_back(
    kube: Kube, kubelet: Kubelet, server_image: str
) -> None:
    exists = {"exec": {"command": ["test", "-e", "/tmp/started"]}}
    container = workloads.server_container(
        server_image, startupProbe={**exists, "periodSeconds": 1, "failureThreshold": 60}
    )
    kube.create(workloads.pod("web", container))

    def runs(found: Json) -> bool:
        return "running" in only_status(found).get("state", {})

    pod = kube.wait_until("v1/Pod", "web", runs, "run")
    wait_until(lambda: has_event(kube, "Unhealthy"), 10, "the startup probe's first failure")
    assert only_status(pod)["started"] is False
    assert not workloads.is_ready(kube.get("v1/Pod", "web"))
    touch(pod, "started")
    pod = kube.wait_until("v1/Pod", "web", workloads.is_ready, "be ready")
    assert only_status(pod)["started"] is True


def test_a_crashing_container_is_restarted_with_back_off(
    kube: Kube, kubelet: Kubelet, registry: Registry, image_store: ImageStore, namespace: str
) -> None:
    digest = image_store.build({"/app/crash.py": workloads.CRASHER})
    image = registry.reference("acme/crash", digest)
    container = {"name": "crash", "image": image, "command": ["python3", "/app/crash.py"]}
    kube.create(workloads.pod("crash", container))
    pod = kube.wait_until(
        "v1/Pod",
        "crash",
        lambda found: (
            waits_for(found, "CrashLoopBackOff") and only_status(found)["restartCount"] >= 1
        ),
        "be in CrashLoopBackOff",
    )
    ended = only_status(pod)["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (3, "Error")
    assert pod["status"]["phase"] == "Running"
    assert kubelet.logs(namespace, "crash", previous=True) == "crashing\n"
    kube.delete("v1/Pod", "crash")
    kube.wait_gone("v1/Pod", "crash", 5)


def test_an_unknown_digest_is_never_pulled(
    kube: Kube, kubelet: Kubelet, registry: Registry
) -> None:
    image = registry.reference("acme/server", "sha256:" + "0" * 64)
    kube.create(workloads.pod("lost", {"name": "lost", "image": image}))
    for reason in ("ErrImagePull", "ImagePullBackOff"):
        kube.wait_until(
            "v1/Pod", "lost", functools.partial(waits_for, reason=reason), f"report {reason}"
        )
    assert kube.get("v1/Pod", "lost")["status"]["phase"] == "Pending"


def test_a_tag_names_the_digest_that_runs(
    kube: Kube, kubelet: Kubelet, registry: Registry, image_store: ImageStore
) -> None:
    digest = image_store.build(workloads.SERVER_FILES, command=workloads.SERVER_COMMAND)
    image = registry.tag("acme/tagged", "v1", digest)
    kube.create(workloads.pod("web", workloads.server_container(image)))
    pod = kube.wait_until("v1/Pod", "web", workloads.is_ready, "be ready")
    assert only_status(pod)["imageID"] == registry.reference("acme/tagged", digest)


def test_a_deleted_pod_ends_in_order(
    kube: Kube, kubelet: Kubelet, server_image: str, namespace: str
) -> None:
    kube.create(workloads.pod("web", workloads.server_container(server_image)))
    kube.wait_until("v1/Pod", "web", workloads.is_ready, "be ready")
    kube.delete("v1/Pod", "web")
    kube.wait_gone("v1/Pod", "web", 10)
    assert "ending in order" in kubelet.logs(namespace, "web")


def test_a_pod_that_ignores_sigterm_is_killed_after_its_grace(
    kube: Kube, kubelet: Kubelet, registry: Registry, image_store: ImageStore
) -> None:
    # Process 1 of a container that handles no SIGTERM does not get it, here as anywhere.
    image = registry.reference("acme/deaf", image_store.build({"/app/deaf.txt": b""}))
    container = {"name": "deaf", "image": image, "command": ["sleep", "1000"]}
    kube.create(workloads.pod("deaf", container, terminationGracePeriodSeconds=1))
    kube.wait_until("v1/Pod", "deaf", workloads.is_ready, "be ready")
    kube.delete("v1/Pod", "deaf")
    kube.wait_gone("v1/Pod", "deaf", 10)


def test_a_job_like_pod_succeeds_and_sees_its_configuration(
    kube: Kube, kubelet: Kubelet, registry: Registry, image_store: ImageStore, namespace: str
) -> None:
    image = registry.reference("acme/print", image_store.build({"/app/x.txt": b"from the image"}))
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    kube.create({**config, "data": {"colour": "green", "file.txt": "from the volume"}})
    key = {"configMapKeyRef": {"name": "c", "key": "colour"}}
    account = "/var/run/secrets/kubernetes.io/serviceaccount"
    script = f"cat /app/x.txt /config/file.txt {account}/namespace; echo $(COLOUR); hostname"
    container = {
        "name": "print",
        "image": image,
        "command": ["sh", "-c", script],
        "env": [{"name": "COLOUR", "valueFrom": key}],
        "volumeMounts": [{"name": "config", "mountPath": "/config"}],
    }
    volumes = [{"name": "config", "configMap": {"name": "c"}}]
    kube.create(workloads.pod("print", container, volumes=volumes, restartPolicy="Never"))
    pod = kube.wait_until(
        "v1/Pod", "print", lambda found: found["status"]["phase"] == "Succeeded", "succeed"
    )
    assert only_status(pod)["state"]["terminated"]["reason"] == "Completed"
    # Through the API server, as kubectl logs reads it.
    assert kube.logs("print") == f"from the imagefrom the volume{namespace}green\nprint\n"


def test_init_containers_run_first_and_share_volumes(
    kube: Kube, kubelet: Kubelet, registry: Registry, image_store: ImageStore, namespace: str
) -> None:
    image = registry.reference("acme/init", image_store.build({"/app/x.txt": b""}))
    mount = {"volumeMounts": [{"name": "shared", "mountPath": "/shared"}], "image": image}
    write = {"name": "write", "command": ["sh", "-c", "echo prepared > /shared/file"], **mount}
    read = {"name": "read", "command": ["cat", "/shared/file"], **mount}
    volumes = [{"name": "shared", "emptyDir": {}}]
    kube.create(
        workloads.pod("init", read, initContainers=[write], volumes=volumes, restartPolicy="Never")
    )
    kube.wait_until("v1/Pod", "init", lambda pod: pod["status"]["phase"] == "Succeeded", "succeed")
    assert kubelet.logs(namespace, "init", "read") == "prepared\n"


def test_hollow_pods_are_ready_without_a_process(kube: Kube, kubelet: Kubelet) -> None:
    manifest = workloads.deployment("many", {"name": "none", "image": "none:1"}, 50)
    annotations = {"testbed.holdpoint.dev/hollow": "true"}
    manifest["spec"]["template"]["metadata"]["annotations"] = annotations
    kube.create(manifest)
    kube.wait_until(
        "apps/v1/Deployment",
        "many",
        lambda found: found.get("status", {}).get("readyReplicas") == 50,
        "have 50 ready replicas",
    )
    kube.delete("apps/v1/Deployment", "many")
    wait_until(lambda: not kube.list("v1/Pod"), 30, "the pods to be gone")
