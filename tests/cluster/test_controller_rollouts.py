"""Rollouts through the real API server and the real gateway."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.load import Load
from tests.cluster.rollout_bed import NAME, ROOT, ROUTE, Bed, install
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.testbed.control_plane import ControlPlane
    from tests.testbed.gateway import Gateway
    from tests.testbed.kube import Kube
    from tests.testbed.kubelet.kubelet import Kubelet
    from tests.testbed.oci import ImageStore
    from tests.testbed.registry import Registry

MODEL = "sha256:" + "a" * 64
EVIDENCE = {"ready": True, "modelDigest": MODEL, "expiresAt": "2099-01-01T00:00:00Z"}


class Images:
    """Images of tests/rollouts/service.py that differ in a label, and so in their digest."""

    def __init__(self, store: ImageStore, registry: Registry) -> None:
        self._store = store
        self._registry = registry

    def build(self, version: str) -> str:
        digest = self._store.build(
            {"/app/service.py": (ROOT / "tests/rollouts/service.py").read_bytes()},
            command=("python3", "-S", "/app/service.py"),
            labels={"version": version},
        )
        return self._registry.reference("acme/lending", digest)


@pytest.fixture(scope="session")
def images(image_store: ImageStore, registry: Registry) -> Images:
    return Images(image_store, registry)


@pytest.fixture(scope="session")
def installed(control_plane: ControlPlane, gateway: Gateway, kubelet: Kubelet) -> None:
    install(control_plane.kube())


@pytest.fixture
def bed(
    installed: None, control_plane: ControlPlane, gateway: Gateway, kube: Kube, tmp_path: Path
) -> Iterator[Bed]:
    made = Bed(control_plane, gateway, kube, tmp_path)
    try:
        yield made
    finally:
        made.stop()


def start(bed: Bed, image: str, **spec: Any) -> str:
    """A controller, and the first revision with all the traffic; its name."""
    bed.start_controller()
    bed.deploy(image, **spec)
    status = bed.wait_stable("InitialRevision")
    wait_until(
        lambda: bed.gateway.request(bed.host, "/readyz")[0] == 200, 20, "the gateway to serve it"
    )
    return str(status["stable"]["name"])


def test_the_first_revision_gets_everything(bed: Bed, images: Images) -> None:
    first = start(bed, images.build("1"))
    assert bed.weights() == {first: 100}
    alias = bed.kube.get("v1/Service", NAME)
    assert alias["spec"]["selector"] == {"holdpoint.dev/revision": first}
    assert bed.kube.get("apps/v1/ControllerRevision", first)["data"]["inputs"]["port"] == 8080
    bed.wait_event("InitialRevision")
    shown = bed.rollout("status", NAME, "-o", "json")
    assert json.loads(shown.stdout)["status"] == "Stable", shown
    assert bed.rollout("status", "absent").returncode == 1
    assert bed.rollout("history", NAME).stdout.count("\n") >= 2


def test_a_good_image_is_promoted_with_the_pods_that_were_judged(bed: Bed, images: Images) -> None:
    start(bed, images.build("1"))
    with Load(bed.gateway.port, bed.host) as load:
        bed.edit(image=images.build("2"))
        status = bed.wait(lambda s: s.get("weight", {}).get("confirmed") == 25, "have 25 %")
        candidate = status["candidate"]["name"]
        judged = {pod["metadata"]["uid"] for pod in bed.pods(candidate)}
        bed.wait(lambda s: s.get("phase") == "Baking", "bake")
        status = bed.wait_stable("Promoted")
        promoted = {pod["metadata"]["uid"]: pod for pod in bed.pods(candidate)}
    assert status["stable"]["name"] == candidate
    assert bed.weights() == {candidate: 100}
    assert judged <= set(promoted), "the pods that were analysed serve"
    restarts = [p["status"]["containerStatuses"][0]["restartCount"] for p in promoted.values()]
    assert restarts == [0, 0]
    assert set(load.answers) == {200}, load.answers


def test_a_failing_candidate_is_taken_back(bed: Bed, images: Images) -> None:
    first = start(bed, images.build("1"))
    with Load(bed.gateway.port, bed.host):
        bad = images.build("3")
        bed.edit(image=bad, env=[{"name": "FAULT_RATE", "value": "0.3"}])
        status = bed.wait(lambda s: s.get("rejected"), "reject it")
    status = bed.wait_stable()
    assert status["reason"] in {"CandidateWorse", "LimitBreached"}
    assert status["rejected"][0]["image"] == bad
    assert status["history"][-1]["reason"] == status["reason"]
    assert bed.weights() == {first: 100}
    bed.wait_event(status["reason"])


def test_a_request_moves_traffic_and_another_promotes(bed: Bed, images: Images) -> None:
    one, two = images.build("1"), images.build("2")
    first = start(bed, one, gates={"request": "Required"})
    evidence = {**EVIDENCE, "imageDigest": two.partition("@")[2]}
    arguments = {"image": two, "modelDigest": MODEL, "weight": 25}
    bed.ask("wrong", "Canary", arguments={**arguments, "image": one}, evidence=evidence)
    refused = bed.wait_request("wrong", "Refused")
    assert refused["reason"] == "EvidenceMismatch", refused
    bed.wait_event("EvidenceMismatch")

    bed.ask("canary", "Canary", arguments=arguments, evidence=evidence)
    status = bed.wait(lambda s: s.get("phase") == "Holding", "hold")
    candidate = status["candidate"]["name"]
    assert bed.weights() == {first: 75, candidate: 25}
    assert bed.wait_request("canary", "Accepted")["weight"] == 25
    label = bed.kube.get(ROUTE, NAME)["metadata"]["labels"]["holdpoint.dev/in-progress"]
    assert label == "true"

    bed.ask("promote", "Promote")
    bed.wait_stable("Promoted")
    assert bed.wait_request("canary", "Done")["outcome"] == "Promoted"
    assert bed.wait_request("promote", "Done")["outcome"] == "Promoted"
    assert bed.weights() == {candidate: 100}


def test_a_gated_image_starts_nothing_by_kubectl(bed: Bed, images: Images) -> None:
    first = start(bed, images.build("1"), gates={"request": "Required"})
    bed.edit(image=images.build("2"))
    status = bed.wait(lambda s: s.get("reason") == "AwaitingRequest", "wait for a request")
    assert "candidate" not in status
    assert [d["metadata"]["name"] for d in bed.kube.list("apps/v1/Deployment")] == [first]


def test_an_edit_of_the_route_is_put_back(bed: Bed, images: Images) -> None:
    first = start(bed, images.build("1"), start="OnRequest")
    bed.ask("canary", "Canary", arguments={"image": images.build("2"), "weight": 25})
    bed.wait(lambda s: s.get("phase") == "Holding", "hold")
    route = bed.kube.get(ROUTE, NAME)
    for ref in route["spec"]["rules"][0]["backendRefs"]:
        ref["weight"] = 50
    bed.kube.patch(ROUTE, NAME, {"spec": {"rules": route["spec"]["rules"]}})
    wait_until(lambda: bed.weights()[first] == 75, 20, "the route to be put back")
    bed.wait_event("RouteEdited")
    bed.wait(lambda s: s["writeSequence"] == s["confirmedSequence"], "confirm it")


def test_a_killed_controller_goes_on_where_it_was(bed: Bed, images: Images) -> None:
    start(bed, images.build("1"))
    with Load(bed.gateway.port, bed.host):
        bed.edit(image=images.build("2"))
        for weight in (0, 25):
            bed.wait(
                lambda s, w=weight: s.get("candidate") and s["weight"]["asked"] >= w,
                f"ask for {weight} %",
            )
            assert bed.controller is not None
            bed.controller.kill()
            bed.start_controller()
        status = bed.wait_stable("Promoted")
    assert [e["action"] for e in status["history"]].count("Promoted") == 2
    bed.wait_event("Promoted")
    assert bed.event_reasons().count("Promoted") == 1


def test_a_controller_that_is_told_to_stop_gives_the_lease_away(bed: Bed, images: Images) -> None:
    start(bed, images.build("1"))
    assert bed.controller is not None
    bed.controller.stop(20)
    lease = bed.kube.get("coordination.k8s.io/v1/Lease", "holdpoint-controller")
    assert lease["spec"].get("holderIdentity", "") == ""
