"""Each strategy through the real API server and the real gateway, under load: a good revision is
promoted and nobody notices, a bad one is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.installing import NAME
from tests.cluster.load import Load
from tests.cluster.rollout_bed import start
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from tests.cluster.rollout_bed import Bed, Images

LINGER = {"name": "LINGER", "value": "6"}  # gateways notice late that a pod ends
BLUE_GREEN: dict[str, Any] = {
    "type": "BlueGreen",
    "blueGreen": {"checks": [{"path": "/healthz", "times": 2}], "bakeSeconds": 5},
}
ROLLING: dict[str, Any] = {"type": "Rolling", "rolling": {"soakSeconds": 1, "bakeSeconds": 5}}
RECREATE: dict[str, Any] = {"type": "Recreate", "recreate": {"bakeSeconds": 5}}
STRATEGIES = {"blue-green": BLUE_GREEN, "rolling": ROLLING, "recreate": RECREATE}
each = pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)


@each
def test_a_good_revision_is_promoted_and_nobody_notices(
    bed: Bed, images: Images, strategy: dict[str, Any]
) -> None:
    first = start(bed, images.build("1"), strategy=strategy, env=[LINGER])
    with Load(bed.gateway.port, bed.host) as load:
        bed.edit(image=images.build("2"))
        status = bed.wait(lambda s: s.get("phase") == "Baking", "bake", 120)
        second = status["stable"]["name"]
        wait_until(lambda: bed.weights() == {second: 100}, 20, "the route to name it alone")
        bed.wait_stable("Promoted", 120)
    assert second != first
    assert load.answers[200] > 100, load.answers
    if strategy is not RECREATE:  # whose outage is what was asked for
        assert set(load.answers) == {200}, load.answers
    alias = bed.kube.get("v1/Service", NAME)["spec"]["selector"]
    assert alias == {"holdpoint.dev/revision": second}
    pods = [pod for pod in bed.pods(second) if not pod["metadata"].get("deletionTimestamp")]
    assert len(pods) == 2
    if strategy is BLUE_GREEN:
        preview = bed.kube.get("v1/Service", f"{NAME}-preview")["spec"]["selector"]
        assert preview == {"holdpoint.dev/revision": second}


@each
def test_a_bad_revision_is_taken_back(bed: Bed, images: Images, strategy: dict[str, Any]) -> None:
    long = {key: {**value, "bakeSeconds": 120} for key, value in strategy.items() if key != "type"}
    watched = {"type": strategy["type"], **long}
    first = start(bed, images.build("1"), strategy=watched, env=[LINGER])
    with Load(bed.gateway.port, bed.host) as load:
        fault = {"name": "FAULT_RATE", "value": "0.5"}
        bed.edit(image=images.build("3"), env=[LINGER, fault])
        status = bed.wait(lambda s: s.get("rejected"), "reject it", 120)
        wait_until(lambda: bed.weights() == {first: 100}, 20, "all to be back")
    assert status["rejected"][0]["reason"] in {"CandidateWorse", "LimitBreached"}
    bed.wait_stable(status["rejected"][0]["reason"])
    if strategy is not RECREATE:
        assert set(load.answers) <= {200, 500}, f"nobody met a closed door: {load.answers}"
    wait_until(lambda: len(bed.pods(first)) == 2, 60, "stable to be whole")


def test_green_that_does_not_pass_its_checks_never_has_traffic(bed: Bed, images: Images) -> None:
    checks = [{"path": "/", "times": 20}]
    strategy = {"type": "BlueGreen", "blueGreen": {"checks": checks, "bakeSeconds": 5}}
    first = start(bed, images.build("1"), strategy=strategy, progressDeadlineSeconds=20)
    with Load(bed.gateway.port, bed.host) as load:
        bed.edit(image=images.build("4"), env=[{"name": "FAULT_RATE", "value": "0.9"}])
        bed.wait(lambda s: s.get("reason") == "WaitingForChecks", "check it")
        bed.wait_stable("ChecksFailed")
    assert set(load.answers) == {200}, load.answers
    assert bed.weights() == {first: 100}
