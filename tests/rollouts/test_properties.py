"""Random histories: people, pods, gateways and crashes in any order, and what must always hold.

The invariants are looked at after every write (`World.check_invariants`); in the end everything
gets well again, and the world has to come to rest.
"""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from rollouts import kube
from rollouts.analysis import Kind
from tests.rollouts.simulated.cluster import Killed
from tests.rollouts.simulated.world import NAME, World, digest, image

VERSIONS = ("one", "two", "three")
STRATEGIES: tuple[dict[str, Any], ...] = (
    {
        "type": "Canary",
        "canary": {
            "steps": [{"weight": 25, "soakSeconds": 10}, {"weight": 50, "soakSeconds": 10}],
            "bakeSeconds": 20,
        },
    },
    {"type": "BlueGreen", "blueGreen": {"checks": [{"path": "/"}], "bakeSeconds": 20}},
    {"type": "Rolling", "rolling": {"bakeSeconds": 20}},
    {"type": "Rolling", "rolling": {"maxSurge": 0, "maxUnavailable": 1, "bakeSeconds": 20}},
    {"type": "Recreate", "recreate": {"bakeSeconds": 20}},
)
ERRORS = (Killed(), kube.Conflict("409"), kube.Unreachable("503"))


class Rollouts(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.names = itertools.count()
        self.broken: set[str] = set()

    @initialize(
        gated=st.booleans(),
        start=st.sampled_from(["Auto", "OnRequest"]),
        strategy=st.sampled_from(STRATEGIES),
    )
    def deploy(self, gated: bool, start: str, strategy: dict[str, Any]) -> None:
        self.gated = gated
        gates = {"request": "Required" if gated else "None"}
        self.world.deploy(gates=gates, start=start, strategy=strategy)
        if gated:
            # Every request below brings evidence; only what was asked for may ever run.
            self.world.approved = {image("one")}
        self.world.run(20)

    @rule(seconds=st.sampled_from([0.05, 1, 5, 30]))
    def wait(self, seconds: float) -> None:
        self.world.run(seconds)

    @rule(version=st.sampled_from(VERSIONS))
    def edit_the_spec(self, version: str) -> None:
        self.world.edit(image=image(version))

    @rule(replicas=st.integers(1, 4))
    def edit_replicas(self, replicas: int) -> None:
        self.world.edit(replicas=replicas)

    @rule(version=st.sampled_from(VERSIONS), weight=st.sampled_from([None, 0, 10, 25, 60, 100]))
    def ask_for_a_canary(self, version: str, weight: int | None) -> None:
        model = digest(f"model {version}")
        arguments: dict[str, Any] = {"image": image(version), "modelDigest": model}
        evidence = {
            "ready": True,
            "imageDigest": digest(version),
            "modelDigest": model,
            "expiresAt": "2027-01-01T00:00:00Z",
        }
        if weight is not None:
            arguments["weight"] = weight
        if self.gated:
            self.world.approved.add(image(version))
        self.ask("Canary", arguments=arguments, evidence=evidence)

    @rule(verb=st.sampled_from(["Promote", "RollBack", "Pause", "Resume", "Abort", "Retry"]))
    def ask_for(self, verb: str) -> None:
        self.ask(verb)

    @rule()
    def ask_for_the_next_step(self) -> None:
        self.ask("Promote", arguments={"to": "NextStep"})

    @rule(version=st.sampled_from(VERSIONS))
    def ask_to_go_back_to(self, version: str) -> None:
        records = self.world.cluster.objects[kube.CONTROLLER_REVISIONS].items()
        names = [key[1] for key, r in records if r["data"]["inputs"]["image"] == image(version)]
        self.ask("RollBack", arguments={"revision": names[-1] if names else "unknown"})

    @rule()
    def abort(self) -> None:
        """Whatever was going on: it ends, at 0 %, once everything is well."""
        candidate = self.world.status.get("candidate")
        self.ask("Abort")
        self.world.run(2)
        if not candidate or not self.world.status.get("stable"):
            return
        self.heal()
        self.world.run(60)
        assert self.world.weights().get(candidate["name"], 0) == 0 or (
            self.world.status["stable"]["name"] == candidate["name"]
        ), self.world.status

    @rule(kind=st.sampled_from(list(Kind)))
    def judge(self, kind: Kind) -> None:
        self.world.verdict = lambda _: kind

    @rule(role=st.sampled_from(["candidate", "stable", "previous"]))
    def break_pods(self, role: str) -> None:
        revision = self.world.status.get(role)
        if revision:
            self.world.broken.add(revision["name"])

    @rule()
    def mend_pods(self) -> None:
        self.world.broken.clear()

    @rule(willing=st.booleans())
    def turn_the_gateway(self, willing: bool) -> None:
        self.world.gateway_accepts = willing

    @precondition(lambda self: self.world.status.get("stable"))
    @rule(share=st.integers(1, 99))
    def edit_the_route(self, share: int) -> None:
        stable = self.world.status["stable"]["name"]
        others = [name for name in self.world.weights() if name != stable]

        def edit(route: dict[str, Any]) -> None:
            refs = [{"name": stable, "port": 8080, "weight": 100 - share if others else 100}]
            refs += [{"name": name, "port": 8080, "weight": share} for name in others[:1]]
            route["spec"]["rules"][0]["backendRefs"] = refs

        self.world.cluster.change(kube.HTTP_ROUTES, NAME, edit)
        self.world.shown = self.world.weights()

    @rule(error=st.sampled_from(ERRORS), after=st.booleans(), distance=st.integers(1, 4))
    def strike_a_write(self, error: BaseException, after: bool, distance: int) -> None:
        at = len(self.world.cluster.writes) + distance
        struck: list[int] = []

        def strike(number: int) -> None:
            if number >= at and not struck:
                struck.append(number)
                raise error

        self.world.cluster.on_write = self.world.cluster.after_write = lambda _: None
        # A Conflict after a commit is no answer that an API server gives.
        if after and not isinstance(error, kube.Conflict):
            self.world.cluster.after_write = strike
        else:
            self.world.cluster.on_write = strike

    def heal(self) -> None:
        world = self.world
        world.broken.clear()
        world.gateway_accepts = True
        world.verdict = lambda _: Kind.FINE
        world.cluster.on_write = world.cluster.after_write = lambda _: None

    def ask(self, verb: str, **fields: Any) -> None:
        self.world.ask(f"r{next(self.names)}", verb, **fields)

    def teardown(self) -> None:
        world = self.world
        if not world.status:
            return
        self.heal()
        self.ask("Resume")
        world.run(300)
        assert world.phase in {"Stable", "Holding"}, world.status
        status = world.status
        assert status["confirmedSequence"] == status["writeSequence"]
        asked = status["weight"]["asked"]
        assert status["weight"]["confirmed"] == asked
        assert world.weights().get(status["stable"]["name"], 0) == 100 - asked
        for number in range(next(self.names)):
            request = world.request_status(f"r{number}")
            assert request.get("phase") in {"Accepted", "Refused", "Done"}, request
            assert request["reason"]
            over = world.phase == "Stable"
            assert not (over and request["phase"] == "Accepted"), request
        if world.phase == "Stable":
            before = len(world.cluster.writes)
            world.run(120)
            assert len(world.cluster.writes) == before, "at rest nothing is written"


def test_random_histories() -> None:
    run_state_machine_as_test(
        Rollouts,
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes
            print_blob=True,
        ),
    )
