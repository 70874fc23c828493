"""Requests that wait for consent, through the controller's own loop: none starts without it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from rollouts import kube
from rollouts.model import DETAILS, bound_of
from tests.rollouts.simulated.world import NAMESPACE, World, image
from tests.rollouts.test_walks import CANARY, first_revision, strike_once

SETTINGS = "sha256:" + "5" * 64
HOLD: dict[str, Any] = {"required": 2, "weight": 25, "configuration": SETTINGS}
UNTIL = {"expiresAt": "2026-02-01T00:00:00Z"}
Json = dict[str, Any]


def held(**spec: Any) -> tuple[World, str]:
    """A target that runs only what was asked for, and a canary of 25 % that waits for two."""
    world = World()
    first = first_revision(world, gates={"request": "Required"}, **spec)
    world.approved = {image("one")}
    world.ask("r1", "Canary", **CANARY, approvals=HOLD)
    world.run(3)
    return world, first


def approve(world: World, who: str, to: str = "r1", **changes: Any) -> None:
    """An approval as the bot writes it, with changes to its spec."""
    asked = world.cluster.get(kube.ROLLOUT_REQUESTS, NAMESPACE, to)
    bound = bound_of(asked)
    spec = {
        "request": {"name": bound.request, "uid": bound.uid},
        "decision": "Approve",
        "approvedBy": {"id": f"slack:T1/{who}", "name": who.title()},
        "bound": {key: getattr(bound, field) for key, field in DETAILS.items()},
        "expiresAt": "2026-02-01T00:00:00Z",
    }
    name = f"a{len(world.cluster.objects[kube.ROLLOUT_APPROVALS])}"
    metadata = {"name": name, "namespace": NAMESPACE}
    spec = copy.deepcopy({**spec, **changes})
    world.cluster.put_new(kube.ROLLOUT_APPROVALS, {"metadata": metadata, "spec": spec})
    world.run(3)


def test_it_waits_for_two_people_and_then_starts() -> None:
    world, first = held()
    assert world.request_status("r1")["phase"] == "Pending"
    assert world.request_status("r1")["reason"] == "AwaitingApproval"
    assert world.request_status("r1")["message"].startswith("0 of 2 approvals")
    assert (world.phase, world.reason) == ("Stable", "AwaitingApproval")
    approve(world, "bob")
    assert world.request_status("r1")["message"].startswith("1 of 2 approvals (by Bob)")
    world.run(60)
    assert world.weights() == {first: 100}
    world.approved.add(image("two"))
    approve(world, "cyd")
    world.run_until(lambda: world.status["weight"] == {"asked": 25, "confirmed": 25})
    started = next(e for e in world.status["history"] if e.get("request") == "r1")
    assert started["message"].endswith("approved by Bob, Cyd")
    assert world.request_status("r1")["phase"] == "Accepted"
    assert world.event_reasons().count("AwaitingApproval") == 2
    assert "CandidateStarted" in world.event_reasons()


OTHER = "sha256:" + "0" * 64
FORGED: dict[str, tuple[Json, str]] = {
    "self": ({"approvedBy": {"id": "slack:T1/U1", "name": "Bob"}}, "asked for themselves"),
    "twice by one person": ({"approvedBy": {"id": "slack:T1/cyd", "name": "Bob"}}, ""),
    "expired": ({"expiresAt": "2025-12-31T00:00:00Z"}, "it has expired"),
    "for another request": ({"request": {"name": "r0", "uid": "uid-0"}}, ""),
    "for an earlier one of that name": ({"request": {"name": "r1", "uid": "uid-0"}}, "another uid"),
    "other digest": ({"image": f"x@{OTHER}"}, "another image"),
    "other model": ({"modelDigest": OTHER}, "another model digest"),
    "other commit": ({"commit": "9" * 40}, "another commit"),
    "other verb": ({"verb": "Promote"}, "another verb"),
    "less weight": ({"weight": 10}, "another weight"),
    "other generation": ({"generation": 9}, "another generation"),
    "edited configuration": ({"configuration": OTHER}, "another configuration"),
    "other target": ({"target": "fraud"}, ""),
    "bound to nothing": ({"bound": {}}, ""),
}


@pytest.mark.parametrize("name", FORGED)
def test_one_approval_and_a_forged_one_start_nothing(name: str) -> None:
    changes, said = FORGED[name]
    world, first = held()
    approve(world, "cyd")
    bound = bound_of(world.cluster.get(kube.ROLLOUT_REQUESTS, NAMESPACE, "r1"))
    if changes.keys() <= DETAILS.keys():
        true = {key: getattr(bound, field) for key, field in DETAILS.items()}
        changes = {"bound": {**true, **changes}}
    approve(world, "bob", **changes)
    world.run(60)
    assert world.weights() == {first: 100}
    told = world.request_status("r1")
    assert told["reason"] == "AwaitingApproval"
    assert told["message"].startswith("1 of 2 approvals (by ")
    assert said in told["message"]


def test_two_accounts_of_one_person_are_one() -> None:
    world, first = held()
    approve(world, "u2", approvedBy={"id": "slack:T1/U2", "name": "Bob", "person": "human:bob"})
    approve(world, "u3", approvedBy={"id": "github:bob", "name": "Bob", "person": "human:bob"})
    world.run(60)
    assert world.weights() == {first: 100}


def test_one_no_ends_it() -> None:
    world, first = held()
    approve(world, "bob", decision="Reject")
    assert world.request_status("r1")["phase"] == "Refused"
    assert world.request_status("r1")["reason"] == "RequestRejected"
    assert "Bob" in world.request_status("r1")["message"]
    approve(world, "cyd")
    approve(world, "dan")
    assert world.weights() == {first: 100}
    assert world.reason != "AwaitingApproval"
    assert "RequestRejected" in world.event_reasons()


def test_approvals_are_used_once() -> None:
    """Neither a later request for the same, nor one of the same name, is started by them."""
    world, first = held()
    world.approved.add(image("two"))
    approve(world, "bob")
    approve(world, "cyd")
    world.run_until(lambda: world.phase == "Holding")
    world.ask("back", "RollBack")
    world.run_until(lambda: world.phase == "Stable")
    world.ask("r2", "Canary", **CANARY, approvals=HOLD)
    world.cluster.objects[kube.ROLLOUT_REQUESTS].pop((NAMESPACE, "r1"))
    world.run(60)
    assert world.request_status("r2")["message"].startswith("0 of 2")
    assert world.weights() == {first: 100}


def test_it_expires_while_it_waits() -> None:
    world = World()
    first_revision(world, gates={"request": "Required"})
    expires = world.now.replace(microsecond=0).isoformat()
    soon = {**CANARY, "expiresAt": expires.replace("00:00:", "00:05:")}
    world.ask("r1", "Canary", **soon, approvals=HOLD)
    world.run(3)
    assert world.request_status("r1")["reason"] == "AwaitingApproval"
    world.run(400)
    assert world.request_status("r1")["reason"] == "RequestExpired"


def test_a_spec_changed_meanwhile_ends_the_wait() -> None:
    """Whoever approves consents to what was looked at; kubectl starts nothing past them."""
    world = World()
    first = first_revision(world, gates={"request": "Required"})
    world.approved = {image("one")}
    seen = {"generation": 1}
    world.ask("r1", "Canary", **CANARY, approvals=HOLD, seen=seen)
    world.run(3)
    world.edit(image=image("two"))
    world.run(3)
    assert world.request_status("r1")["reason"] == "RequestStale"
    world.run(60)
    assert (world.reason, world.weights()) == ("AwaitingRequest", {first: 100})


def test_a_request_that_waits_holds_up_none_behind_it() -> None:
    world, _ = held()
    world.approved.add(image("two"))
    world.ask("r2", "Canary", **CANARY)
    world.run_until(lambda: world.phase == "Holding")
    world.ask("p1", "Promote", approvals={**HOLD, "weight": 100, "required": 1}, **UNTIL)
    world.run(3)
    assert world.request_status("p1")["reason"] == "AwaitingApproval"
    assert world.status["weight"] == {"asked": 25, "confirmed": 25}
    assert world.request_status("r1")["reason"] == "AwaitingApproval"
    approve(world, "bob", "p1")
    world.run_until(lambda: world.phase in {"Baking", "Stable"})


def test_a_request_that_would_never_expire_is_refused() -> None:
    world = World()
    first_revision(world)
    world.ask("r1", "Canary", **{**CANARY, "expiresAt": None}, approvals=HOLD)
    world.run(3)
    assert world.request_status("r1")["reason"] == "RequestInvalid"


def approved_walk(world: World) -> World:
    """From the request to its promotion, with one person of two, then the other."""
    first_revision(world, gates={"request": "Required"})
    world.ask("r1", "Canary", **CANARY, approvals=HOLD)
    world.run(5)
    approve(world, "bob")
    approve(world, "cyd")
    world.run_until(lambda: world.phase == "Holding")
    world.ask("p1", "Promote", approvals={**HOLD, "required": 1, "weight": 100}, **UNTIL)
    world.run(5)
    approve(world, "cyd", "p1")
    world.run_until(lambda: world.phase == "Stable" and world.reason == "Promoted", 5000)
    world.run(60)
    return world


@pytest.mark.parametrize("when", ["on_write", "after_write"])
def test_k1_killed_at_each_write(when: str) -> None:
    """Whatever dies at whichever write, the same consent leads to the same end, and is said."""
    calm, before = approved_walk(World()), World()
    first_revision(before, gates={"request": "Required"})
    begin, total = len(before.cluster.writes), len(calm.cluster.writes)
    assert total - begin > 20
    for number in range(begin, total + 1):
        world = World()
        strike_once(world, number, when)
        approved_walk(world)
        assert world.deaths == 1, number
        assert world.outcome() == calm.outcome(), number
