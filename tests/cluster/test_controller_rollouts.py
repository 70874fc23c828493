"""Rollouts through the real API server and the real gateway."""

from __future__ import annotations

import json

from tests.cluster.installing import MD, NAME, ROUTE
from tests.cluster.load import Load
from tests.cluster.rollout_bed import Bed, Images, model_deployment, start
from tests.testbed.processes import tail
from tests.testbed.wait import wait_until

MODEL = "sha256:" + "a" * 64
EVIDENCE = {"ready": True, "modelDigest": MODEL, "expiresAt": "2099-01-01T00:00:00Z"}


def test_the_first_revision_gets_everything(bed: Bed, images: Images) -> None:
    first = start(bed, images.build("1"))
    assert bed.weights() == {first: 100}
    alias = bed.kube.get("v1/Service", NAME)
    assert alias["spec"]["selector"] == {"holdpoint.dev/revision": first}
    inputs = bed.kube.get("apps/v1/ControllerRevision", first)["data"]["inputs"]
    assert set(inputs) == {"model", "image", "probes"}, "what the user put in, no defaults of ours"
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


def test_a_second_controller_waits_and_takes_over(bed: Bed, images: Images) -> None:
    start(bed, images.build("1"))
    leader = bed.controller
    assert leader is not None
    second = bed.start_controller("second", "second.log")
    try:
        bed.edit(image=images.build("2"))
        bed.wait(lambda s: s.get("candidate"), "start a candidate")
        assert "leading" not in tail(second.log), "the first one still holds the Lease"
        leader.kill()
        with Load(bed.gateway.port, bed.host):
            bed.wait_stable("Promoted")
        lease = bed.kube.get("coordination.k8s.io/v1/Lease", "holdpoint-controller")
        assert lease["spec"]["holderIdentity"] == "second"
        assert lease["spec"]["leaseTransitions"] == 1
    finally:
        leader.stop()


def test_deleted_and_made_again(bed: Bed, images: Images) -> None:
    image = images.build("1")
    first = start(bed, image)
    bed.kube.delete(MD, NAME)
    bed.kube.wait_gone("apps/v1/Deployment", first)
    bed.kube.wait_gone("v1/Service", NAME)
    bed.kube.create(model_deployment(image))
    status = bed.wait_stable("InitialRevision")
    assert status["stable"]["name"] == first
    assert status["writeSequence"] > 2, "numbered on above what the route carries"
    assert bed.weights() == {first: 100}


def test_a_request_for_nobody_is_told_so(bed: Bed) -> None:
    bed.start_controller()
    bed.ask("lost", "Promote")
    assert bed.wait_request("lost", "Refused")["reason"] == "TargetNotFound"


def test_an_image_that_does_not_exist_is_taken_back_at_the_deadline(
    bed: Bed, images: Images
) -> None:
    one = images.build("1")
    first = start(bed, one, progressDeadlineSeconds=5)
    bed.edit(image=f"{one.partition('@')[0]}@sha256:{'0' * 64}")
    bed.wait_stable("ProgressDeadlineExceeded")
    assert bed.weights() == {first: 100}
