"""Whole rollouts of each strategy in memory: what serves meanwhile, and the controller killed."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.analysis import Kind
from tests.rollouts.simulated.world import World, image
from tests.rollouts.test_walks import first_revision, strike_once

BLUE_GREEN: dict[str, Any] = {
    "type": "BlueGreen",
    "blueGreen": {"checks": [{"path": "/predict-check"}], "bakeSeconds": 8},
}
ROLLING: dict[str, Any] = {"type": "Rolling", "rolling": {"bakeSeconds": 8}}
TIGHT: dict[str, Any] = {
    "type": "Rolling",
    "rolling": {"maxSurge": 0, "maxUnavailable": 1, "bakeSeconds": 8},
}
RECREATE: dict[str, Any] = {"type": "Recreate", "recreate": {"bakeSeconds": 8}}
ALL = {"blue-green": BLUE_GREEN, "rolling": ROLLING, "tight": TIGHT, "recreate": RECREATE}
each = pytest.mark.parametrize("strategy", ALL.values(), ids=ALL)
REPLICAS = 4


def begun(strategy: dict[str, Any], **spec: Any) -> tuple[World, str]:
    world = World()
    first = first_revision(world, strategy=strategy, replicas=REPLICAS, **spec)
    world.measure()
    return world, first


def promoted(world: World) -> bool:
    return world.phase == "Stable" and world.reason == "Promoted"


def shares_seen(world: World, first: str) -> list[int]:
    """The candidate's shares in the order in which they were shown, until it is promoted."""
    seen: list[int] = []

    def look() -> bool:
        share = 100 - world.weights().get(first, 0)
        if not seen or seen[-1] != share:
            seen.append(share)
        return promoted(world)

    world.run_until(look)
    return seen


def test_blue_green_switches_once_green_is_whole_and_checked() -> None:
    world, first = begun(BLUE_GREEN)
    world.edit(image=image("two"))
    world.run_until(lambda: "candidate" in world.status)
    green = world.status["candidate"]["name"]
    world.unhealthy.add(green)
    world.run(60)
    assert world.weights() == {first: 100}, "not before its checks pass"
    assert (world.phase, world.reason) == ("Progressing", "WaitingForChecks")
    assert (world.ready(green), world.preview()) == (REPLICAS, green)
    world.unhealthy.clear()
    assert shares_seen(world, first) == [0, 100]
    assert world.least_serving == REPLICAS
    world.run(30)
    assert world.outcome()["replicas"] == {first: 1, green: REPLICAS}, "blue is kept warm"
    assert world.preview() == green


def test_blue_is_kept_warm_for_as_long_as_it_says() -> None:
    options = {"bakeSeconds": 8, "warmReplicas": 2, "warmSeconds": 300}
    world, first = begun({"type": "BlueGreen", "blueGreen": options})
    world.edit(image=image("two"))
    world.run_until(lambda: promoted(world))
    world.run(250)
    assert world.outcome()["replicas"][first] == 2
    world.run(100)
    assert world.outcome()["replicas"][first] == 0
    world.ask("back", "RollBack")
    world.run_until(lambda: world.weights() == {first: 100})
    assert world.ready(first) == REPLICAS, "its pods started before it got the traffic"


def test_blue_green_is_taken_back_when_its_checks_never_pass() -> None:
    world, first = begun(BLUE_GREEN, progressDeadlineSeconds=30)
    world.edit(image=image("two"))
    world.run_until(lambda: "candidate" in world.status)
    world.unhealthy.add(world.status["candidate"]["name"])
    world.run_until(lambda: world.phase == "Stable")
    world.run(20)
    assert world.reason == "ChecksFailed"
    assert world.weights() == {first: 100}
    assert world.preview() == first
    assert sum(world.outcome()["replicas"].values()) == REPLICAS


def test_blue_green_goes_back_in_one_write_while_it_bakes() -> None:
    world, first = begun(BLUE_GREEN)
    world.edit(image=image("two"))
    world.run_until(lambda: world.phase == "Baking")
    assert world.ready(first) == REPLICAS
    routes = world.cluster.writes.count("replace HTTPRoute")
    world.verdict = lambda _: Kind.WORSE
    world.run_until(lambda: world.weights() == {first: 100}, within_s=5)
    assert world.cluster.writes.count("replace HTTPRoute") == routes + 1
    world.run_until(lambda: world.phase == "Stable")
    assert world.reason == "CandidateWorse"
    assert world.least_serving == REPLICAS


def test_blue_green_may_wait_for_somebody() -> None:
    manual = {"type": "BlueGreen", "blueGreen": {"switch": "Manual", "bakeSeconds": 8}}
    world, first = begun(manual)
    world.edit(image=image("two"))
    world.run(100)
    assert (world.reason, world.weights()) == ("AwaitingPromotion", {first: 100})
    world.ask("go", "Promote")
    world.run_until(lambda: promoted(world))


@pytest.mark.parametrize(("strategy", "least", "most"), [(ROLLING, 3, 5), (TIGHT, 3, 4)])
def test_rolling_moves_pods_and_traffic_together(
    strategy: dict[str, Any], least: int, most: int
) -> None:
    world, first = begun(strategy)
    world.edit(image=image("two"))
    shares = shares_seen(world, first)
    assert shares[0] == 0
    assert shares[-1] == 100
    assert len(shares) > 2
    world.run(30)
    second = world.status["stable"]["name"]
    assert world.outcome()["replicas"] == {first: 0, second: REPLICAS}
    assert world.outcome()["alias"] == {"holdpoint.dev/revision": second}
    assert world.most_pods == most
    assert world.least_serving is not None
    assert world.least_serving >= least


@pytest.mark.parametrize("strategy", [ROLLING, TIGHT])
@pytest.mark.parametrize("share", [25, 50, 75, 100])
def test_rolling_is_undone_as_stables_pods_come_back(strategy: dict[str, Any], share: int) -> None:
    world, first = begun(strategy)
    world.edit(image=image("two"))
    world.run_until(lambda: 100 - world.weights().get(first, 0) >= share)
    world.verdict = lambda _: Kind.WORSE
    world.run_until(lambda: world.phase == "Stable")
    world.run(30)
    assert (world.reason, world.weights()) == ("CandidateWorse", {first: 100})
    assert sum(world.outcome()["replicas"].values()) == REPLICAS
    assert world.least_serving is not None
    assert world.least_serving >= 3, "nobody is sent to pods that are not there"


def test_rolling_is_undone_when_new_pods_never_start() -> None:
    world, first = begun(ROLLING, progressDeadlineSeconds=30)
    world.edit(image=image("two"))
    world.run_until(lambda: "candidate" in world.status)
    world.broken.add(world.status["candidate"]["name"])
    world.run_until(lambda: world.phase == "Stable")
    world.run(30)
    assert (world.reason, world.weights()) == ("ProgressDeadlineExceeded", {first: 100})
    assert world.outcome()["replicas"][first] == REPLICAS


def test_recreate_never_has_two_revisions_running() -> None:
    world, first = begun(RECREATE)
    world.edit(image=image("two"))
    assert shares_seen(world, first) == [0, 100]
    world.run(30)
    assert world.most_pods == REPLICAS
    assert world.both_ran == []
    second = world.status["stable"]["name"]
    assert world.outcome()["replicas"] == {first: 0, second: REPLICAS}


@pytest.mark.parametrize("how", ["not ready", "worse"])
def test_recreate_is_taken_back(how: str) -> None:
    world, first = begun(RECREATE, progressDeadlineSeconds=30)
    world.edit(image=image("two"))
    world.run_until(lambda: "candidate" in world.status)
    second = world.status["candidate"]["name"]
    if how == "worse":
        world.run_until(lambda: world.phase == "Baking")
        world.verdict = lambda _: Kind.WORSE
    else:
        world.broken.add(second)
    world.run_until(lambda: world.phase == "Stable")
    assert world.ready(first) >= 1, "it is over when somebody serves again"
    world.run(30)
    wanted = {"not ready": "ProgressDeadlineExceeded", "worse": "CandidateWorse"}
    assert (world.reason, world.weights()) == (wanted[how], {first: 100})
    assert world.outcome()["replicas"] == {first: REPLICAS, second: 0}
    assert world.both_ran == []


@each
def test_a_third_image_at_any_moment_ends_at_the_third(strategy: dict[str, Any]) -> None:
    for seconds in (0.5, 2, 4, 8, 16):
        world, _ = begun(strategy)
        world.edit(image=image("two"))
        world.run(seconds)
        world.edit(image=image("three"))
        world.run(120)
        assert promoted(world), seconds
        assert world.status["stable"]["image"] == image("three")
        assert world.status["rejected"] == []


def life(world: World, strategy: dict[str, Any]) -> World:
    """A good revision, then one that turns out bad on its way."""
    first_revision(world, strategy=strategy, replicas=2)
    world.edit(image=image("two"))
    world.run_until(lambda: promoted(world))
    world.run(12)
    second = world.status["stable"]["name"]
    world.verdict = lambda name: Kind.FINE if name == second else Kind.WORSE
    world.edit(image=image("three"))
    world.run_until(lambda: world.reason == "CandidateWorse" and world.phase == "Stable")
    world.run(15)
    return world


@each
def test_k1_the_controller_is_killed_at_each_of_its_writes(strategy: dict[str, Any]) -> None:
    calm = life(World(), strategy)
    expected, writes = calm.outcome(), len(calm.cluster.writes)
    assert writes > 25
    for number in range(1, writes + 1):
        for moment in ("on_write", "after_write"):
            world = World()
            strike_once(world, number, moment)
            life(world, strategy)
            assert world.deaths == 1
            assert world.outcome() == expected, (
                f"{moment} {number}: {calm.cluster.writes[number - 1]}"
            )
