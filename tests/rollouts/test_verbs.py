"""What people can ask of a rollout under way, each verb through the controller's own loop."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.analysis import Kind
from tests.rollouts.simulated.world import World, digest, image
from tests.rollouts.test_walks import CANARY, EVIDENCE, first_revision


def at_25(**spec: Any) -> tuple[World, str, str]:
    """A rollout at its first step; the names of stable and candidate."""
    world = World()
    first = first_revision(world, **spec)
    world.edit(image=image("two"))
    world.run_until(lambda: world.status.get("weight") == {"asked": 25, "confirmed": 25})
    return world, first, world.status["candidate"]["name"]


def ask(world: World, name: str, verb: str, **arguments: Any) -> dict[str, Any]:
    """Asks, and gives the controller a moment; what became of it."""
    world.ask(name, verb, arguments=arguments)
    world.run(3)
    return world.request_status(name)


def promoted(world: World) -> bool:
    return world.phase == "Stable" and world.reason == "Promoted"


def test_pause_stops_it_where_it_is_and_resume_lets_it_go_on() -> None:
    world, first, _ = at_25()
    paused = ask(world, "p", "Pause")
    assert (paused["phase"], paused["outcome"], paused["reason"]) == ("Done", "None", "Paused")
    world.run(5000)
    assert (world.phase, world.reason, world.weights()[first]) == ("Holding", "Paused", 75)
    assert ask(world, "p2", "Pause")["reason"] == "NothingToPause"
    assert ask(world, "r", "Resume")["reason"] == "Resumed"
    assert world.weights()[first] == 75, "the step's time begins anew"
    world.run_until(lambda: promoted(world))
    assert "paused" not in world.status


def test_a_paused_rollout_is_taken_back_as_ever() -> None:
    world, first, _ = at_25()
    ask(world, "p", "Pause")
    world.verdict = lambda _: Kind.WORSE
    world.run_until(lambda: world.weights() == {first: 100}, within_s=5)
    world.run_until(lambda: world.phase == "Stable")
    assert world.reason == "CandidateWorse"


def test_a_pause_in_the_bake_keeps_the_way_back_open() -> None:
    world, first, _ = at_25()
    world.run_until(lambda: world.phase == "Baking")
    ask(world, "p", "Pause")
    world.run(500)
    assert (world.phase, world.reason) == ("Baking", "Paused")
    assert world.ready(first) == 2
    ask(world, "r", "Resume")
    world.run_until(lambda: promoted(world))


def test_resume_goes_on_from_a_weight_that_was_held() -> None:
    world = World()
    first = first_revision(world, start="OnRequest")
    world.ask("r1", "Canary", **{**CANARY, "arguments": {**CANARY["arguments"], "weight": 10}})
    world.run_until(lambda: world.phase == "Holding")
    world.run(100)
    assert world.weights()[first] == 90
    ask(world, "go", "Resume")
    world.run_until(lambda: promoted(world))


def test_promote_to_the_next_step_waits_for_nothing_and_goes_no_further() -> None:
    world = World(verdict=lambda _: Kind.UNDECIDED)
    first = first_revision(world)
    world.edit(image=image("two"))
    world.run_until(lambda: 25 in world.weights().values())
    world.run(1)
    assert ask(world, "n", "Promote", to="NextStep")["phase"] == "Accepted"
    world.run(3000)
    assert world.weights()[first] == 50, "and there it waits for evidence again"
    ask(world, "n2", "Promote", to="NextStep")
    world.run_until(lambda: promoted(world))
    assert world.request_status("n2")["phase"] in {"Accepted", "Done"}


def test_promote_fully_goes_all_the_way() -> None:
    world = World(verdict=lambda _: Kind.UNDECIDED)
    first_revision(world)
    world.edit(image=image("two"))
    world.run_until(lambda: 25 in world.weights().values())
    ask(world, "all", "Promote", to="Full")
    world.run_until(lambda: promoted(world))
    world.run(3)
    assert world.request_status("all")["outcome"] == "Promoted"


def test_abort_ends_it_and_retry_begins_it_again() -> None:
    world, first, second = at_25()
    ask(world, "stop", "Abort")
    world.run_until(lambda: world.phase == "Stable")
    world.run(20)
    assert (world.reason, world.weights()) == ("AbortRequested", {first: 100})
    assert world.request_status("stop")["outcome"] == "RolledBack"
    assert ask(world, "again", "Abort")["reason"] == "NothingToAbort"
    assert ask(world, "retry", "Retry")["reason"] == "RetryRequested"
    assert world.status["candidate"]["name"] == second
    world.run_until(lambda: promoted(world))
    world.run(3)
    assert world.request_status("retry")["outcome"] == "Promoted"
    assert ask(world, "retry2", "Retry")["reason"] == "NothingToRetry"


def test_a_retry_needs_the_evidence_that_a_candidate_needs() -> None:
    world = World()
    first_revision(world, gates={"request": "Required"})
    world.ask("r1", "Canary", **CANARY)
    world.run_until(lambda: world.phase == "Holding")
    ask(world, "stop", "Abort")
    world.run_until(lambda: world.phase == "Stable")
    assert ask(world, "bare", "Retry")["reason"] == "EvidenceMissing"
    other = {**EVIDENCE, "imageDigest": digest("three")}
    world.ask("other", "Retry", evidence=other)
    world.ask("right", "Retry", evidence=EVIDENCE)
    world.run(3)
    assert world.request_status("other")["reason"] == "EvidenceMismatch"
    assert world.request_status("right")["phase"] == "Accepted"


def test_roll_back_to_any_revision_that_was_stable_and_is_kept() -> None:
    world, first, second = at_25()
    world.run_until(lambda: promoted(world))
    world.edit(image=image("three"))
    world.run_until(lambda: promoted(world) and world.status["stable"]["image"] == image("three"))
    world.run(20)
    refused = ask(world, "b0", "RollBack", revision="0000")
    assert refused["reason"] == "RevisionUnknown"
    assert first in refused["message"]
    assert second in refused["message"]
    third = world.status["stable"]["name"]
    assert ask(world, "b1", "RollBack", revision=third)["reason"] == "UpToDate"
    ask(world, "b2", "RollBack", revision=first.rpartition("-")[2])
    world.run_until(lambda: world.request_status("b2").get("phase") == "Done")
    world.run(20)
    assert world.weights() == {first: 100}
    assert world.request_status("b2")["outcome"] == "RolledBack"
    assert ask(world, "b3", "RollBack", revision=third)["reason"] == "RevisionRejected"
    ask(world, "b4", "RollBack", revision=second)
    world.run_until(lambda: world.weights() == {second: 100})


def test_a_revision_that_never_was_stable_is_not_gone_back_to() -> None:
    world, _, second = at_25()
    world.edit(image=image("three"))
    world.run_until(lambda: promoted(world))
    world.run(20)
    assert ask(world, "b", "RollBack", revision=second)["reason"] == "RevisionUnknown"


def test_another_revision_is_gone_back_to_only_at_rest() -> None:
    world, first, _ = at_25()
    refused = ask(world, "b", "RollBack", revision="another")
    assert refused["reason"] == "RolloutInProgress"
    ask(world, "b2", "RollBack", revision=first)
    world.run_until(lambda: world.phase == "Stable")
    assert world.reason == "RollbackRequested"


@pytest.mark.parametrize("kind", ["Rolling", "Recreate"])
def test_strategies_that_move_pods_take_no_weights(kind: str) -> None:
    world = World()
    first_revision(world, strategy={"type": kind}, start="OnRequest")
    world.ask("w", "Canary", **CANARY)
    world.run(5)
    assert world.request_status("w")["reason"] == "RequestInvalid"
    assert "Canary" in world.request_status("w")["message"]


def test_a_recreate_is_not_paused_in_its_outage() -> None:
    world = World(start_s=30)
    world.deploy(strategy={"type": "Recreate"})
    world.run_until(lambda: world.phase == "Stable")
    world.run(15)
    world.edit(image=image("two"))
    world.run_until(lambda: world.reason == "WaitingForPods")
    world.run(3)
    assert ask(world, "p", "Pause")["reason"] == "NothingToPause"
    world.run_until(lambda: promoted(world))


@pytest.mark.parametrize("verb", ["Pause", "Resume", "Abort", "Retry", "Promote", "RollBack"])
def test_at_rest_there_is_nothing_to_do(verb: str) -> None:
    world = World()
    first = first_revision(world)
    status = ask(world, "r", verb)
    assert status["phase"] == "Refused"
    assert status["reason"].startswith("NothingTo")
    assert world.weights() == {first: 100}


@pytest.mark.parametrize("verb", ["Pause", "Promote", "Abort"])
@pytest.mark.parametrize("strategy", ["BlueGreen", "Rolling", "Recreate"])
@pytest.mark.parametrize("seconds", [0.3, 3.0, 6.0])
def test_every_strategy_takes_every_verb_at_any_moment(
    verb: str, strategy: str, seconds: float
) -> None:
    world = World()
    first_revision(world, strategy={"type": strategy}, replicas=4)
    world.edit(image=image("two"))
    world.run(seconds)
    status = ask(world, "r", verb)
    assert status["phase"] in {"Accepted", "Done", "Refused"}
    ask(world, "go", "Resume")
    world.run(400)
    assert world.phase == "Stable"
    wanted = "one" if world.reason == "AbortRequested" else "two"
    assert world.status["stable"]["image"] == image(wanted)
    assert world.weights() == {world.status["stable"]["name"]: 100}


@pytest.mark.parametrize("verb", ["Lock", "Unlock", "Freeze", "Unfreeze", "Override"])
def test_a_lock_is_noted_and_moves_nothing(verb: str) -> None:
    world, first, _ = at_25()
    noted = ask(world, "l", verb, reason="a reason")
    assert (noted["phase"], noted["outcome"], noted["reason"]) == ("Done", "None", "Noted")
    assert world.weights()[first] == 75
    world.run_until(lambda: promoted(world))
