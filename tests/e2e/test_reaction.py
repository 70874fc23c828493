"""How fast a candidate that starts failing is at 0 %, over ten runs under a constant load."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from tests.cluster.installing import CONTROLLER, SYSTEM, install
from tests.e2e import images
from tests.e2e.programs import Load, controller
from tests.e2e.target import Target, confirmed, is_over
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.testbed.control_plane import ControlPlane
    from tests.testbed.gateway import Gateway
    from tests.testbed.kube import Kube
    from tests.testbed.kubelet.kubelet import Kubelet
    from tests.testbed.oci import ImageStore
    from tests.testbed.registry import Registry

RUNS = 10
RATE = 100.0  # requests a second
ERRORS = 0.2  # the share of its requests that the candidate fails
BEFORE_FAULT = 200  # healthy answers first, so that the fault is a late one
WITHIN_S = 5.0  # the promise: median, from the candidate's first error to its last request


def test_a_failing_candidate_is_at_zero_within_seconds(
    control_plane: ControlPlane,
    kubelet: Kubelet,
    gateway: Gateway,
    registry: Registry,
    image_store: ImageStore,
    kube: Kube,
    tmp_path: Path,
) -> None:
    install(kube)
    target = Target(kube, gateway)
    target.create(registry.reference("acme/lending", images.light(image_store, build="stable")))
    account = control_plane.service_account_kubeconfig(SYSTEM, CONTROLLER)
    server = controller(account, kube.namespace, tmp_path / "controller.log")
    url, body = f"{gateway.url}/predict", '{"rows": [{}]}'
    try:
        target.wait_stable()
        with Load(url, target.host, tmp_path / "answers", RATE, body) as load:
            took = []
            for run in range(RUNS):
                image = images.light(image_store, build=f"run {run}")
                took.append(one_run(target, load, registry.reference("acme/lending", image), run))
            answers = load.stop()
    finally:
        server.stop()
    print("seconds from the first error to the last request:", [round(t, 2) for t in took])
    assert [a for a in answers if a.status != 200 and not a.injected] == []
    assert statistics.median(took) <= WITHIN_S


def one_run(target: Target, load: Load, image: str, run: int) -> float:
    """One canary that starts failing; seconds from its first error until it is at 0 %, read back,
    and has answered its last request."""
    target.ask(f"run-{run}", "Canary", {"image": image, "weight": 25})
    status = target.wait(
        lambda s: confirmed(25)(s) and s["candidate"]["image"] == image, "have 25 % confirmed"
    )
    candidate = status["candidate"]["name"]
    began = time.monotonic()
    wait_until(lambda: sum(a.sent > began for a in load.answers) >= BEFORE_FAULT, 60, "traffic")
    target.set_fault(candidate, ERRORS)
    target.wait(confirmed(0), "be back at 0 %")
    zero = time.monotonic()
    target.wait(is_over, "be over")
    mine = [a for a in load.answers if a.revision == candidate]
    first_error = min(a.done for a in mine if a.injected)
    return max(zero, *(a.done for a in mine)) - first_error
