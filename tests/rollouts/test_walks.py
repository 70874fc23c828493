"""Whole rollouts in memory, through the controller's own loop, and the same with it killed."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts import kube
from rollouts.analysis import Kind
from tests.rollouts.simulated.cluster import Killed
from tests.rollouts.simulated.world import NAME, World, digest, image

EVIDENCE: dict[str, Any] = {
    "ready": True,
    "score": "0.93",
    "imageDigest": digest("two"),
    "modelDigest": digest("model two"),
    "reportDigest": digest("report"),
    "expiresAt": "2026-02-01T00:00:00Z",
}
CANARY: dict[str, Any] = {
    "arguments": {"image": image("two"), "modelDigest": digest("model two"), "weight": 25},
    "evidence": EVIDENCE,
    "expiresAt": "2026-02-01T00:00:00Z",
}


def first_revision(world: World, **spec: Any) -> str:
    world.deploy(**spec)
    world.run_until(lambda: world.phase == "Stable" and world.weights() != {NAME: 100})
    world.run(15)
    return str(world.status["stable"]["name"])


def test_the_first_revision_becomes_stable() -> None:
    world = World()
    stable = first_revision(world)
    assert world.weights() == {stable: 100}
    assert world.reason == "InitialRevision"
    assert world.outcome()["alias"] == {"holdpoint.dev/revision": stable}
    assert world.event_reasons().count("InitialRevision") == 2, "started, and serving"


def test_a_changed_image_goes_through_its_steps_and_is_promoted() -> None:
    world = World()
    first = first_revision(world)
    world.edit(image=image("two"))
    seen: list[int] = []

    def promoted() -> bool:
        seen.append(max((w for n, w in world.weights().items() if n != first), default=0))
        return world.phase == "Stable" and world.reason == "Promoted"

    world.run_until(promoted)
    world.run(30)
    assert [w for n, w in enumerate(seen) if n == 0 or seen[n - 1] != w] == [0, 25, 50, 100]
    assert world.status["previous"]["name"] == first
    outcome = world.outcome()
    assert outcome["replicas"] == {first: 1, world.status["stable"]["name"]: 2}, "kept warm"
    assert outcome["alias"] == {"holdpoint.dev/revision": world.status["stable"]["name"]}


def test_the_pods_that_were_analysed_are_the_pods_that_are_promoted() -> None:
    world = World()
    first_revision(world)
    world.edit(image=image("two"))
    world.run_until(lambda: world.phase == "Holding" or 25 in world.weights().values())
    name = world.status["candidate"]["name"]
    deployment = world.cluster.get(kube.DEPLOYMENTS, "prod", name)
    world.run_until(lambda: world.reason == "Promoted")
    again = world.cluster.get(kube.DEPLOYMENTS, "prod", name)
    assert again["metadata"]["uid"] == deployment["metadata"]["uid"]
    assert again["spec"]["template"] == deployment["spec"]["template"]


def test_a_worse_candidate_is_taken_back_and_not_tried_again() -> None:
    world = World()
    first = first_revision(world)
    world.edit(image=image("two"))
    world.run_until(lambda: 25 in world.weights().values())
    world.verdict = lambda _: Kind.WORSE
    world.run_until(lambda: world.phase == "Stable")
    world.run(60)
    assert (world.phase, world.reason) == ("Stable", "CandidateWorse")
    assert world.weights() == {first: 100}
    assert world.status["rejected"][0]["image"] == image("two")
    assert sum(world.outcome()["replicas"].values()) == 2, "the rejected one has no pods"
    assert "CandidateWorse" in world.event_reasons()


def test_a_worse_candidate_in_the_bake_is_taken_back() -> None:
    world = World()
    first = first_revision(world)
    world.edit(image=image("two"))
    world.run_until(lambda: world.phase == "Baking")
    assert world.outcome()["replicas"][first] == 2, "the previous one is at full size in the bake"
    world.verdict = lambda _: Kind.WORSE
    world.run_until(lambda: world.phase == "Stable")
    world.run(30)
    assert world.weights() == {first: 100}
    assert world.reason == "CandidateWorse"
    assert world.outcome()["alias"] == {"holdpoint.dev/revision": first}


def test_no_evidence_is_never_a_pass() -> None:
    world = World(verdict=lambda _: Kind.UNDECIDED)
    first_revision(world)
    world.edit(image=image("two"))
    world.run(4000)
    assert (world.phase, world.reason) == ("Holding", "NotEnoughEvidence")
    assert 25 in world.weights().values()


def test_a_request_moves_holds_promotes() -> None:
    world = World()
    first = first_revision(world, gates={"request": "Required"})
    world.approved = {image("one"), image("two")}
    world.ask("r1", "Canary", **CANARY)
    world.run_until(lambda: world.phase == "Holding")
    world.run(100)
    assert world.weights()[first] == 75
    assert world.event_reasons().count("HoldingAtWeight") == 1
    assert world.request_status("r1")["phase"] == "Accepted"
    world.ask("r2", "Promote")
    world.run_until(lambda: world.reason == "Promoted")
    world.run(30)
    for name in ("r1", "r2"):
        assert world.request_status(name)["phase"] == "Done"
        assert world.request_status(name)["outcome"] == "Promoted"
    assert world.weights() == {world.status["stable"]["name"]: 100}
    assert world.status["stable"]["image"] == image("two")


def test_a_request_that_is_rolled_back_says_the_same_everywhere() -> None:
    world = World()
    first_revision(world, gates={"request": "Required"})
    world.ask("r1", "Canary", **CANARY)
    world.run_until(lambda: world.phase == "Holding")
    world.verdict = lambda _: Kind.WORSE
    world.run_until(lambda: world.request_status("r1").get("phase") == "Done")
    world.run(2)
    status = world.request_status("r1")
    assert (status["outcome"], status["reason"]) == ("RolledBack", "CandidateWorse")
    assert world.reason == world.status["history"][-1]["reason"] == "CandidateWorse"
    assert world.event_reasons()[-1] == "CandidateWorse"


def test_going_back_after_the_bake() -> None:
    world = World()
    first = first_revision(world)
    world.edit(image=image("two"))
    world.run_until(lambda: world.reason == "Promoted")
    world.run(30)
    second = world.status["stable"]["name"]
    world.ask("back", "RollBack")
    world.run_until(lambda: world.request_status("back").get("phase") == "Done")
    world.run(60)
    assert world.weights() == {first: 100}
    assert world.request_status("back")["outcome"] == "RolledBack"
    assert world.reason == "RollbackRequested"
    assert second in [r["name"] for r in world.status["rejected"]], "the spec still names it"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"arguments": {**CANARY["arguments"], "modelDigest": digest("x")}}, "EvidenceMismatch"),
        ({"arguments": {**CANARY["arguments"], "image": image("x")}}, "EvidenceMismatch"),
        ({"arguments": {"image": image("two"), "weight": 25}}, "EvidenceMismatch"),
        ({"evidence": {**EVIDENCE, "ready": False}}, "EvidenceMissing"),
        ({"evidence": None}, "EvidenceMissing"),
        ({"evidence": {**EVIDENCE, "expiresAt": "2025-12-01T00:00:00Z"}}, "EvidenceExpired"),
        ({"expiresAt": "2025-12-01T00:00:00Z"}, "RequestExpired"),
        ({"arguments": {**CANARY["arguments"], "image": "a/b:latest"}}, "ImageNotByDigest"),
        ({"arguments": {**CANARY["arguments"], "weight": 101}}, "RequestInvalid"),
        ({"seen": {"generation": 7}}, "RequestStale"),
        ({"seen": {"stableImage": image("x")}}, "RequestStale"),
    ],
)
def test_a_request_is_refused_with_its_reason(change: dict[str, Any], reason: str) -> None:
    world = World()
    first = first_revision(world, gates={"request": "Required"})
    world.approved = {image("one")}
    world.ask("r1", "Canary", **{**CANARY, **change})
    world.run(10)
    status = world.request_status("r1")
    assert (status["phase"], status["reason"]) == ("Refused", reason)
    assert status["message"]
    assert world.weights() == {first: 100}
    assert reason in world.event_reasons()


def test_a_gated_spec_change_starts_nothing() -> None:
    world = World()
    first = first_revision(world, gates={"request": "Required"})
    world.approved = {image("one")}
    world.edit(image=image("two"))
    world.run(100)
    assert (world.phase, world.reason) == ("Stable", "AwaitingRequest")
    assert world.weights() == {first: 100}


def test_a_gated_spec_change_in_the_midst_of_a_write_is_still_said() -> None:
    world = World()
    world.deploy(gates={"request": "Required"})

    def edit(write: str) -> None:
        if write == "replace HTTPRoute" and world.phase == "Stable":
            world.cluster.check = world.check_invariants
            world.edit(image=image("two"))

    world.cluster.check = edit
    world.run(60)
    assert (world.phase, world.reason) == ("Stable", "AwaitingRequest")
    world.edit(image=image("one"))
    world.run(5)
    assert world.reason == "InitialRevision", "nothing is waited for any more"


def test_a_third_image_supersedes_a_rollout() -> None:
    world = World()
    first_revision(world)
    world.edit(image=image("two"))
    world.run_until(lambda: 25 in world.weights().values())
    world.edit(image=image("three"))
    world.run_until(lambda: world.reason == "Promoted")
    assert world.status["stable"]["image"] == image("three")
    assert world.status["rejected"] == [], "nobody found anything wrong with the second"


def test_pods_that_never_start_end_at_the_deadline() -> None:
    world = World()
    first = first_revision(world, progressDeadlineSeconds=60)
    world.edit(image=image("two"))
    world.run_until(lambda: "candidate" in world.status)
    world.broken.add(world.status["candidate"]["name"])
    world.run_until(lambda: world.phase == "Stable")
    assert world.reason == "ProgressDeadlineExceeded"
    assert world.weights() == {first: 100}


def test_a_candidate_that_loses_its_pods_is_taken_back() -> None:
    world = World()
    first = first_revision(world)
    world.edit(image=image("two"))
    world.run_until(lambda: 25 in world.weights().values())
    world.broken.add(world.status["candidate"]["name"])
    world.run_until(lambda: world.phase == "Stable")
    assert world.reason == "CandidateNotReady"
    assert world.weights() == {first: 100}


def test_an_edited_route_is_put_back() -> None:
    world = World()
    first = first_revision(world)
    world.edit(image=image("two"))
    world.run_until(lambda: 25 in world.weights().values() and world.reason == "Soaking")
    world.verdict = lambda _: Kind.UNDECIDED

    def edit(route: dict[str, Any]) -> None:
        for ref in route["spec"]["rules"][0]["backendRefs"]:
            ref["weight"] = 10 if ref["name"] == first else 90

    world.cluster.change(kube.HTTP_ROUTES, NAME, edit)
    world.run(5)
    assert world.weights()[first] == 75
    assert "RouteEdited" in world.event_reasons()


def test_a_rollback_that_the_gateway_does_not_take_is_said_aloud() -> None:
    world = World()
    first = first_revision(world)
    world.edit(image=image("two"))
    world.run_until(lambda: 25 in world.weights().values() and world.reason == "Soaking")
    world.gateway_accepts = False
    world.verdict = lambda _: Kind.WORSE
    world.run_until(lambda: world.reason == "AbortNotConfirmed", within_s=60)
    assert world.phase == "RollingBack"
    world.run(100)
    assert world.event_reasons().count("AbortNotConfirmed") == 1
    world.gateway_accepts = True
    world.run_until(lambda: world.phase == "Stable")
    assert world.reason == "CandidateWorse"
    assert world.weights() == {first: 100}


def test_a_corrupt_status_changes_nothing() -> None:
    world = World()
    first = first_revision(world)
    world.cluster.change(kube.MODEL_DEPLOYMENTS, NAME, lambda obj: obj["status"].update(schema=2))
    world.edit(image=image("two"))
    before = len(world.cluster.writes)
    world.run(100)
    assert world.cluster.writes[before:] == ["create Event"]
    assert world.event_reasons()[-1] == "StatusCorrupt"
    assert world.weights() == {first: 100}


def test_nothing_is_written_while_nothing_happens() -> None:
    world = World()
    first_revision(world)
    before = len(world.cluster.writes)
    world.run(3600)
    assert len(world.cluster.writes) == before


def whole_life(world: World) -> World:
    """A first revision, a request, a promotion, a bad one, a way back."""
    first_revision(world)
    world.ask("r1", "Canary", **CANARY)
    world.run_until(lambda: world.phase == "Holding")
    world.run(5)
    world.ask("r2", "Promote")
    world.run_until(lambda: world.reason == "Promoted")
    world.run(30)
    second = world.status["stable"]["name"]
    world.verdict = lambda name: Kind.FINE if name == second else Kind.WORSE
    world.edit(image=image("three"))
    world.run_until(lambda: world.reason == "CandidateWorse" and world.phase == "Stable")
    world.run(30)
    world.ask("r3", "RollBack")
    world.run_until(lambda: world.request_status("r3").get("phase") == "Done")
    world.run(60)
    return world


def test_k1_the_controller_is_killed_at_each_of_its_writes() -> None:
    calm = whole_life(World())
    expected, writes = calm.outcome(), len(calm.cluster.writes)
    assert writes > 40
    for number in range(1, writes + 1):
        for moment in ("on_write", "after_write"):
            world = World()
            strike_once(world, number, moment)
            whole_life(world)
            assert world.deaths == 1
            assert world.outcome() == expected, (
                f"{moment} {number}: {calm.cluster.writes[number - 1]}"
            )


def test_k2_an_answer_that_is_lost_doubles_nothing() -> None:
    calm = whole_life(World())
    expected, writes = calm.outcome(), len(calm.cluster.writes)
    for number in range(1, writes + 1, 3):
        world = World()
        strike_once(world, number, "after_write", kube.Unreachable("no answer"))
        whole_life(world)
        assert world.outcome() == expected, f"{number}: {calm.cluster.writes[number - 1]}"


@pytest.mark.parametrize("error", [kube.Conflict("409"), kube.Unreachable("503")])
def test_k3_k4_each_write_is_refused_once(error: kube.ClusterError) -> None:
    calm = whole_life(World())
    expected, writes = calm.outcome(), len(calm.cluster.writes)
    for number in range(2, writes + 1, 4):
        world = World()
        strike_once(world, number, "on_write", error)
        whole_life(world)
        assert world.outcome() == expected, f"{number}: {calm.cluster.writes[number - 1]}"


@pytest.mark.parametrize("fresh", [(), (kube.MODEL_DEPLOYMENTS,)], ids=["all", "all-but-one"])
def test_k5_a_restart_against_a_stale_list_writes_nothing_unsafe(
    fresh: tuple[kube.Resource, ...],
) -> None:
    """The lists stop after some write of a rollout that was taken back and swept up long since."""
    world = World()
    first = first_revision(world, revisionHistoryLimit=0)
    stale: list[dict[kube.Resource, list[dict[str, Any]]]] = []

    def remember(write: str) -> None:
        world.check_invariants(write)
        stale.append(world.freeze())

    world.cluster.check = remember
    world.ask("r1", "Canary", **CANARY)
    world.run_until(lambda: world.phase == "Holding")
    world.ask("r2", "Promote")
    world.run_until(lambda: world.phase == "Baking")
    world.ask("back", "RollBack")
    world.run_until(lambda: world.request_status("back").get("phase") == "Done")
    world.run(60)
    # Long ago: no line of history tells any more.
    world.cluster.change(kube.MODEL_DEPLOYMENTS, NAME, lambda o: o["status"].update(history=[]))
    world.cluster.change(kube.MODEL_DEPLOYMENTS, NAME, lambda o: o["status"].pop("request"))
    world.cluster.check = world.check_invariants
    world.approved = {image("one")}
    before = world.outcome()
    assert len(stale) > 30
    for number, lists in enumerate(stale):
        world.restart({kind: objects for kind, objects in lists.items() if kind not in fresh})
        for kind in fresh:
            world.store.replace_all(kind, list(world.cluster.objects[kind].values()))
        world.run(60)
        after = world.outcome()
        for field in ("weights", "replicas", "alias", "stable", "weight", "requests", "objects"):
            assert after[field] == before[field], (field, number)
    assert world.weights() == {first: 100}


def strike_once(world: World, number: int, moment: str, error: BaseException | None = None) -> None:
    struck: list[int] = []

    def strike(write: int) -> None:
        if write == number and not struck:
            struck.append(write)
            raise error or Killed

    setattr(world.cluster, moment, strike)
