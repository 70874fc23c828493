"""K1: the controller is killed before and after each of its writes in a rollout that goes wrong.

Whatever the write, the end state is that of the run in which nobody was killed, no request failed
because of it, and the route never showed more than what was asked for. A proxy between controller
and API server knows the writes (see `faultproxy`); the controller runs under its own account.
"""

from __future__ import annotations

import json
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.installing import CONTROLLER, SYSTEM, install
from tests.e2e import images
from tests.e2e.endstate import end_state
from tests.e2e.faultproxy import FaultProxy, Strike
from tests.e2e.programs import Load, controller
from tests.e2e.target import Target, confirmed, example_analysis, is_over
from tests.testbed.wait import NotInTimeError, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.testbed.control_plane import ControlPlane
    from tests.testbed.gateway import Gateway
    from tests.testbed.kubelet.kubelet import Kubelet
    from tests.testbed.oci import ImageStore
    from tests.testbed.registry import Registry

AT_ONCE = 4
RATE = 40.0
WEIGHT = 25


@dataclass
class World:
    """What the runs share, and where each keeps its files."""

    control_plane: ControlPlane
    gateway: Gateway
    stable: str
    candidate: str
    folder: Path
    accounts: threading.Lock = field(default_factory=threading.Lock)

    def account(self, name: str, server: str) -> Path:
        """A kubeconfig of the controller's account that leads through a proxy."""
        with self.accounts:
            made = self.control_plane.service_account_kubeconfig(SYSTEM, CONTROLLER, server=server)
            own = self.folder / f"{name}.kubeconfig"
            own.write_bytes(made.read_bytes())
        return own


@dataclass(frozen=True)
class Run:
    """What came of one run: the writes that were counted, the end state, what went wrong."""

    writes: list[str]
    state: Any
    complaints: list[str]


@pytest.fixture
def world(
    control_plane: ControlPlane,
    kubelet: Kubelet,
    gateway: Gateway,
    registry: Registry,
    image_store: ImageStore,
    tmp_path: Path,
) -> World:
    install(control_plane.kube())
    stable, candidate = (
        registry.reference("acme/lending", images.light(image_store, build=name))
        for name in ("stable", "candidate")
    )
    return World(control_plane, gateway, stable, candidate, tmp_path)


def test_k1_killed_before_and_after_each_write(world: World) -> None:
    learnt = play(world, None, None)
    assert learnt.complaints == []
    assert len(learnt.writes) > 10, learnt.writes
    strikes = [
        Strike(index, moment)
        for index in range(1, len(learnt.writes) + 1)
        for moment in ("before", "after")
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = list(pool.map(lambda strike: play(world, strike, learnt.state), strikes))
    print(f"{len(strikes)} kills at {len(learnt.writes)} writes:", *learnt.writes, sep="\n  ")
    wrong = [
        f"{strike.moment} write {strike.index} ({learnt.writes[strike.index - 1]}): {complaint}"
        for strike, run in zip(strikes, runs, strict=True)
        for complaint in run.complaints
    ]
    assert wrong == [], "\n".join(wrong)


def play(world: World, strike: Strike | None, expected: Any) -> Run:
    """One rollout in a namespace of its own, from the request to the last write after it failed."""
    name = f"k1-{secrets.token_hex(3)}"
    kube = world.control_plane.kube(name)
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    kube.wait_until("v1/ServiceAccount", "default", bool, "exist")
    pair = world.control_plane.ca.issue(["127.0.0.1"])
    authority = world.control_plane.ca.certificate
    upstream = world.control_plane.server
    try:
        with FaultProxy(upstream, authority, pair.certificate, pair.key) as proxy:
            account = world.account(name, proxy.url)
            target = Target(kube, world.gateway)
            return roll(world, target, proxy, account, strike, expected)
    finally:
        kube.delete("v1/Namespace", name)


def roll(
    world: World,
    target: Target,
    proxy: FaultProxy,
    account: Path,
    strike: Strike | None,
    expected: Any,
) -> Run:
    """The rollout itself; a killed controller is started again, as its Deployment would."""
    name = target.kube.namespace
    log = world.folder / f"{name}.log"
    running = [controller(account, name, log)]

    def replace() -> None:
        running[-1].kill()
        running.append(controller(account, name, log))

    complaints: list[str] = []
    url, body = f"{world.gateway.url}/predict", '{"rows": [{}]}'
    try:
        # One statistic, so that which of two fires first is not what differs between runs.
        target.create(world.stable, analysis={**example_analysis(), "limits": {}})
        target.wait_stable()
        with Load(url, target.host, world.folder / f"{name}.answers", RATE, body) as load:
            proxy.plan.arm(strike, replace)
            target.ask("go", "Canary", {"image": world.candidate, "weight": WEIGHT})
            status = target.wait(confirmed(WEIGHT), "have the weight confirmed", 90)
            wait_until(lambda: len(load.answers) >= 100, 60, "traffic")
            target.set_fault(status["candidate"]["name"], 0.5)
            target.wait(is_over, "be over", 90)
            state = settled(target, expected, complaints)
            answers = load.stop()
        complaints += [repr(a) for a in answers if a.status != 200 and not a.injected]
        complaints += too_much(proxy.plan.routes, status["candidate"]["name"])
        if strike and not proxy.plan.struck:
            complaints.append("the write to be struck never came")
        return Run(list(proxy.plan.writes), state, complaints)
    except AssertionError as error:
        return Run(list(proxy.plan.writes), None, [*complaints, str(error)[:3000]])
    finally:
        running[-1].stop()


def settled(target: Target, expected: Any, complaints: list[str]) -> Any:
    """The end state, once it is the expected one; without one to expect, once the rejected
    revision's pods are gone, which is the last thing that happens, and it stays as it is."""
    last: list[Any] = [None]

    def quiet() -> Any:
        before, last[0] = last[0], end_state(target.kube)
        if expected is not None:
            return last[0] == expected
        return last[0] == before and 0 in last[0]["deployments"].values()

    try:
        wait_until(quiet, 60, "the end state", every_s=1.5)
    except NotInTimeError:
        seen, wanted = (json.dumps(s, indent=1, sort_keys=True) for s in (last[0], expected))
        complaints.append(f"another end state:\n{seen}\ninstead of\n{wanted}")
    return last[0]


def too_much(routes: list[Any], candidate: str) -> list[str]:
    """Complaints about route writes that show the candidate more than was asked for."""
    wrong = []
    for route in routes:
        for rule in route["spec"]["rules"]:
            weights = {ref["name"]: ref.get("weight", 1) for ref in rule["backendRefs"]}
            if sum(weights.values()) != 100 or weights.get(candidate, 0) > WEIGHT:
                wrong.append(f"a route write showed {weights}")
    return wrong
