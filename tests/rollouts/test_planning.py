"""`holdpoint rollout plan`: what it says is what then happens."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts import kube
from rollouts.planning import NoPlanError, plan_lines, plan_object
from tests.rollouts.simulated.world import KEY, World, image
from tests.rollouts.test_walks import first_revision

CANARY: dict[str, Any] = {
    "type": "Canary",
    "canary": {
        "steps": [{"weight": 10, "soakSeconds": 30}, {"weight": 50, "soakSeconds": 5}],
        "bakeSeconds": 20,
    },
}
STRATEGIES: list[dict[str, Any]] = [
    CANARY,
    {"type": "BlueGreen", "blueGreen": {"bakeSeconds": 20}},
    {"type": "Rolling", "rolling": {"bakeSeconds": 20}},
    {"type": "Rolling", "rolling": {"maxSurge": 0, "maxUnavailable": 1, "bakeSeconds": 20}},
    {"type": "Recreate", "recreate": {"bakeSeconds": 20}},
]


def planned(world: World) -> dict[str, Any]:
    return plan_object(world.cluster.get(kube.MODEL_DEPLOYMENTS, *KEY), world.now)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda s: s["type"])
def test_what_is_planned_is_what_happens(strategy: dict[str, Any]) -> None:
    world = World()
    first = first_revision(world, strategy=strategy, replicas=4, start="OnRequest")
    world.edit(image=image("two"))
    plan = planned(world)
    assert plan["waits_for_request"] is True
    world.edit(start="Auto")
    world.measure()
    seen: list[int] = []
    before = world.now

    def promoted() -> bool:
        share = 100 - world.weights().get(first, 0)
        if not seen or seen[-1] != share:
            seen.append(share)
        return world.reason == "Promoted" and world.phase == "Stable"

    world.run_until(promoted)
    took = (world.now - before).total_seconds()
    assert plan["least_seconds"] <= took <= plan["least_seconds"] + 30
    world.run(30)
    weights = [step["weight"] for step in plan["steps"]]
    assert seen == [0, *weights, *([] if weights[-1] == 100 else [100])]
    assert world.status["stable"]["name"] == plan["candidate"]
    assert world.outcome()["replicas"][first] == plan["warm_replicas"]
    assert (plan["outage"] != "") == (world.least_serving == 0)
    routes = [write for write in plan["writes"] if "HTTPRoute" in write]
    done = world.cluster.writes[world.writes_at_measure :].count("replace HTTPRoute")
    assert done in {len(routes), len(routes) + 1}, "one more marks the end of the bake"


def test_people_get_lines_and_an_outage_is_said() -> None:
    world = World()
    first_revision(world, strategy={"type": "Recreate"}, start="OnRequest")
    world.edit(image=image("two"))
    text = "\n".join(plan_lines(planned(world)))
    assert "Outage     nobody serves" in text
    assert "a request, then pods" in text
    assert "scale Deployment" in text


def test_the_default_canary() -> None:
    world = World()
    first_revision(world, strategy={"type": "Canary"}, start="OnRequest")
    world.edit(image=image("two"))
    plan = planned(world)
    assert [(s["weight"], s["least_s"]) for s in plan["steps"]] == [
        (10, 300),
        (25, 60),
        (50, 60),
        (75, 60),
        (100, 60),
    ]


def test_where_there_is_nothing_to_plan_it_says_why() -> None:
    world = World()
    world.deploy()
    with pytest.raises(NoPlanError, match="first revision"):
        planned(world)
    world.run(30)
    with pytest.raises(NoPlanError, match="what the spec names"):
        planned(world)
    world.edit(strategy={"type": "Cannary"})
    with pytest.raises(NoPlanError, match="known are"):
        planned(world)
