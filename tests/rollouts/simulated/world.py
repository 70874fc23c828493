"""A ModelDeployment's whole world in memory: a clock, pods that start, a gateway that accepts, a
controller that can be killed, and the invariants, checked at every write.

`World.run(seconds)` lets time pass: the controller reconciles whenever it wants to, and in between
the rest of the world reacts. Nothing sleeps.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from rollouts import kube
from rollouts.analysis import Increment, Judgement, Kind
from rollouts.controller.analyst import Analyst, arms_of
from rollouts.controller.applying import Applier
from rollouts.controller.events import Events
from rollouts.controller.metrics import Metrics
from rollouts.controller.reconciler import Reconciler, Tools
from rollouts.controller.store import Store
from rollouts.controller.writing import Writer
from rollouts.engine import switches
from rollouts.model import (
    AnalysisView,
    HealthView,
    ModelDeployment,
    Status,
    rfc3339,
    rfc3339_seconds,
)
from rollouts.reasons import Reason
from rollouts.traffic import SEQUENCE_ANNOTATION
from tests.rollouts.simulated.cluster import KINDS, FakeCluster, Killed

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollouts.controller.observing import Belongings
    from rollouts.controller.prober import Prober
    from rollouts.strategies import Check

Json = dict[str, Any]
NAMESPACE = "prod"
NAME = "lending"
KEY = (NAMESPACE, NAME)


def digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def image(text: str) -> str:
    return f"registry.test/acme/lending@{digest(text)}"


def model_deployment(**spec: Any) -> Json:
    return {
        "apiVersion": kube.MODEL_DEPLOYMENTS.api_version,
        "kind": "ModelDeployment",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "model": {"name": "lending", "digest": digest("model one")},
            "image": image("one"),
            "replicas": 2,
            "port": 8080,
            "strategy": {
                "type": "Canary",
                "canary": {
                    "steps": [
                        {"weight": 25, "soakSeconds": 10},
                        {"weight": 50, "soakSeconds": 10},
                    ],
                    "bakeSeconds": 20,
                },
            },
            "traffic": {"type": "GatewayAPI", "gatewayAPI": {"httpRoute": NAME}},
            "analysis": {
                "metrics": {"type": "Pods", "pods": {"requests": "r", "errors": "e"}},
            },
            **spec,
        },
    }


def http_route() -> Json:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "parentRefs": [{"name": "gateway"}],
            "rules": [{"backendRefs": [{"name": NAME, "port": 8080}]}],
        },
    }


def request(name: str, verb: str, **fields: Any) -> Json:
    return {
        "apiVersion": kube.ROLLOUT_REQUESTS.api_version,
        "kind": "RolloutRequest",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "target": NAME,
            "verb": verb,
            "requestedBy": {"id": "slack:T1/U1", "name": "ada"},
            **fields,
        },
    }


def _setting(**fields: Any) -> Callable[[Json], None]:
    return lambda obj: obj.update(fields)


class Verdicts:
    """An analyst that says what the test says; with the real one's rules on when."""

    def __init__(self, world: World) -> None:
        self._world = world

    def look(
        self, deployment: ModelDeployment, status: Status, belongings: Belongings, now: datetime
    ) -> AnalysisView | None:
        arms = arms_of(status, early=switches(deployment))
        if arms is None:
            return None
        kind = self._world.verdict(arms.newer)
        reasons = {Kind.WORSE: Reason.CANDIDATE_WORSE, Kind.FINE: Reason.CANDIDATE_FINE}
        judgement = Judgement(
            kind=kind,
            reason=reasons.get(kind, Reason.NOT_ENOUGH_EVIDENCE),
            message=f"it is {kind}",
            log_e=0.0,
            candidate=Increment(),
            stable=Increment(),
        )
        record = {"verdict": str(kind), "updatedAt": rfc3339(now)}
        quiet = self._world.quiet_since.get(arms.newer)
        return AnalysisView(judgement, record, quiet)

    def next_tick_s(self, key: tuple[str, str]) -> float | None:
        return 1.0

    def forget(self, key: tuple[str, str]) -> None:
        pass


class Checks:
    """A prober that says what the test says."""

    def __init__(self, world: World) -> None:
        self._world = world

    def look(
        self,
        key: tuple[str, str],
        candidate: str,
        checks: tuple[Check, ...],
        pods: list[Json],
        port: int,
    ) -> HealthView | None:
        if not checks:
            return None
        self._world.checked.add(candidate)
        passed = self._world.ready(candidate) if candidate not in self._world.unhealthy else 0
        return HealthView(passed, "" if passed else "answered 503")

    def next_look_s(self, key: tuple[str, str]) -> float | None:
        return 1.0

    def forget(self, key: tuple[str, str]) -> None:
        pass


@dataclass
class World:
    """What the test may turn: verdicts by revision, revisions whose pods never start, the gateway's
    willingness, and what is struck."""

    verdict: Callable[[str], Kind] = lambda _: Kind.FINE
    broken: set[str] = field(default_factory=set)
    unhealthy: set[str] = field(default_factory=set)
    checked: set[str] = field(default_factory=set)
    gateway_accepts: bool = True
    start_s: float = 2.0
    end_s: float = 1.0
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    quiet_since: dict[str, datetime] = field(default_factory=dict)
    deaths: int = 0
    approved: set[str] = field(default_factory=set)
    deaf: bool = False

    def __post_init__(self) -> None:
        self.cluster = FakeCluster(lambda: rfc3339_seconds(self.now))
        self.cluster.check = self.check_invariants
        self.born: dict[str, list[datetime]] = {}
        self.ending: dict[str, list[datetime]] = {}
        self.least_serving: int | None = None
        self.most_pods = 0
        self.writes_at_measure = 0
        self.both_ran: list[list[str]] = []
        self.seen_sequence = 0
        self.shown: dict[str, int] = {}
        self.kept: dict[str, int] = {}
        self.before: Json = {}
        self.controller = self._new_controller()

    def _new_controller(self) -> Reconciler:
        self.store = Store()
        self.told: dict[kube.Resource, int] = {}
        metrics = Metrics()
        cluster = cast("kube.Cluster", self.cluster)
        writer = Writer(cluster, self.store, lambda: None, metrics)
        return Reconciler(
            Tools(
                cluster=cluster,
                store=self.store,
                applier=Applier(cluster, self.store, writer),
                analyst=cast("Analyst", Verdicts(self)),
                prober=cast("Prober", Checks(self)),
                events=Events(writer),
                metrics=metrics,
                clock=lambda: self.now,
            )
        )

    def deploy(self, **spec: Any) -> None:
        self.cluster.put_new(kube.HTTP_ROUTES, http_route())
        self.cluster.put_new(kube.MODEL_DEPLOYMENTS, model_deployment(**spec))

    def edit(self, **spec: Any) -> None:
        self.cluster.change(kube.MODEL_DEPLOYMENTS, NAME, lambda obj: obj["spec"].update(spec))

    def ask(self, name: str, verb: str, **fields: Any) -> None:
        self.cluster.put_new(kube.ROLLOUT_REQUESTS, request(name, verb, **fields))

    def run(self, seconds: float) -> None:
        """Lets time pass. A killed controller is started again at once."""
        ends = self.now + timedelta(seconds=seconds)
        while self.now < ends:
            self.react()
            try:
                self._informed()
                pause = self.controller.reconcile(KEY)
            except Killed:
                self.deaths += 1
                self.controller = self._new_controller()
                continue
            except kube.ClusterError:
                pause = 0.1
            step = min(1.0, max(0.05, pause if pause is not None else 1.0))
            self.now += timedelta(seconds=step)

    def run_until(self, what: Callable[[], bool], within_s: float = 600) -> None:
        ends = self.now + timedelta(seconds=within_s)
        while not what():
            assert self.now < ends, f"not within {within_s} s; status: {self.status}"
            self.run(0.05)

    def freeze(self) -> dict[kube.Resource, list[Json]]:
        """What informers would list now."""
        return {kind: list(objects.values()) for kind, objects in self.cluster.objects.items()}

    def restart(self, stale: dict[kube.Resource, list[Json]]) -> None:
        """A new controller, whose lists and watches stay as they were at that moment."""
        self.controller = self._new_controller()
        for kind, objects in stale.items():
            self.store.replace_all(kind, objects)
        self.deaf = True

    def _informed(self) -> None:
        """The informers see everything at once; nobody changes an object in place."""
        if self.deaf:
            return
        for kind in KINDS:
            objects = self.cluster.objects[kind]
            if self.told.get(kind) != self.cluster.changes[kind]:
                self.told[kind] = self.cluster.changes[kind]
                self.store.replace_all(kind, list(objects.values()))

    # The rest of the world.

    def react(self) -> None:
        """The Deployment controller, the kubelet, the EndpointSlice controller and the gateway."""
        for name, obj in self._all(kube.DEPLOYMENTS).items():
            wanted = obj["spec"]["replicas"]
            started = self._started(name, wanted)
            ready = 0 if name in self.broken else started
            status = {
                "observedGeneration": obj["metadata"]["generation"],
                "replicas": max(wanted, len(self.ending.get(name, []))),
                "updatedReplicas": wanted,
                "readyReplicas": ready,
            }
            if obj.get("status") != status:
                self.cluster.change(kube.DEPLOYMENTS, name, _setting(status=status))
        self._react_slices()
        self._react_gateway()
        self._measure()

    def _started(self, name: str, wanted: int) -> int:
        """Pods that have had time to start; those that are told to go end after a moment."""
        born = self.born.setdefault(name, [])
        while len(born) < wanted:
            born.append(self.now)
        ending = self.ending.setdefault(name, [])
        while len(born) > wanted:
            born.pop()
            ending.append(self.now)
        ends = timedelta(seconds=self.end_s)
        self.ending[name] = [told for told in ending if self.now - told < ends]
        starts = timedelta(seconds=self.start_s)
        return sum(self.now - at >= starts for at in born)

    def _react_slices(self) -> None:
        deployments = self._all(kube.DEPLOYMENTS)
        slices = self._all(kube.ENDPOINT_SLICES)
        for name, service in self._all(kube.SERVICES).items():
            revision = service["spec"]["selector"].get("holdpoint.dev/revision", "")
            ready = (deployments.get(revision, {}).get("status") or {}).get("readyReplicas", 0)
            endpoints = [
                {"addresses": [f"10.0.{len(name)}.{n}"], "conditions": {"ready": True}}
                for n in range(ready)
            ]
            labels = {**service["metadata"]["labels"], "kubernetes.io/service-name": name}
            metadata = {"name": name, "namespace": NAMESPACE, "labels": labels}
            if name not in slices:
                body = {"metadata": metadata, "endpoints": endpoints}
                self.cluster.put_new(kube.ENDPOINT_SLICES, body)
            elif slices[name]["endpoints"] != endpoints:
                self.cluster.change(kube.ENDPOINT_SLICES, name, _setting(endpoints=endpoints))

    def _measure(self) -> None:
        """How few pods served what the route sends them, and how many there were, since asked."""
        deployments = self._all(kube.DEPLOYMENTS)
        self.most_pods = max(
            self.most_pods, sum(d["spec"]["replicas"] for d in deployments.values())
        )
        running = sorted(name for name in deployments if self.born[name] or self.ending[name])
        if len(running) > 1 and running not in self.both_ran:
            self.both_ran.append(running)
        if self.least_serving is not None:
            serving = sum(self.ready(name) for name in deployments if self.weights().get(name))
            self.least_serving = min(self.least_serving, serving)

    def measure(self) -> None:
        """From now on."""
        self.least_serving, self.most_pods = 10_000, 0
        self.writes_at_measure = len(self.cluster.writes)

    def _react_gateway(self) -> None:
        for name, route in self._all(kube.HTTP_ROUTES).items():
            weights = self.weights()
            for revision in self._all(kube.DEPLOYMENTS):
                if weights.get(revision):
                    self.quiet_since.pop(revision, None)
                else:
                    self.quiet_since.setdefault(revision, self.now)
            generation = route["metadata"]["generation"]
            status = {
                "parents": [
                    {
                        "parentRef": route["spec"]["parentRefs"][0],
                        "controllerName": "simulated",
                        "conditions": [
                            {"type": kind, "status": "True", "observedGeneration": generation}
                            for kind in ("Accepted", "ResolvedRefs")
                        ],
                    }
                ]
            }
            if self.gateway_accepts and route.get("status") != status:
                self.cluster.change(kube.HTTP_ROUTES, name, _setting(status=status))

    def _all(self, resource: kube.Resource) -> dict[str, Json]:
        return {key[1]: obj for key, obj in self.cluster.objects[resource].items()}

    # What the test reads.

    @property
    def status(self) -> Json:
        return self._all(kube.MODEL_DEPLOYMENTS)[NAME].get("status") or {}

    @property
    def phase(self) -> str:
        return str(self.status.get("phase", ""))

    @property
    def reason(self) -> str:
        return str(self.status.get("reason", ""))

    def request_status(self, name: str) -> Json:
        return self._all(kube.ROLLOUT_REQUESTS)[name].get("status") or {}

    def preview(self) -> str:
        """The revision that the preview Service selects."""
        service = self._all(kube.SERVICES)[f"{NAME}-preview"]
        return str(service["spec"]["selector"]["holdpoint.dev/revision"])

    def ready(self, name: str) -> int:
        """Ready pods of a revision."""
        deployment = self._all(kube.DEPLOYMENTS).get(name, {})
        return int((deployment.get("status") or {}).get("readyReplicas", 0))

    def weights(self) -> dict[str, int]:
        """What the route says, in per cent."""
        rule = self._all(kube.HTTP_ROUTES)[NAME]["spec"]["rules"][0]
        weights = {ref["name"]: ref.get("weight", 1) for ref in rule["backendRefs"]}
        total = sum(weights.values())
        return {name: weight * 100 // total for name, weight in weights.items()}

    def event_reasons(self) -> list[str]:
        events = self._all(kube.EVENTS).values()
        return [e["reason"] for e in sorted(events, key=lambda e: e["eventTime"])]

    def outcome(self) -> Json:
        """The end state, less what varies between runs: times, versions, uids, numbers."""
        status = self.status
        keep = ("phase", "reason", "weight", "request")
        roles = ("stable", "candidate", "previous")
        names: Json = {role: status[role]["name"] for role in roles if role in status}
        history = [(e["action"], e["reason"], e["revision"]) for e in status["history"]]
        objects = {
            kind.kind: sorted(self._all(kind))
            for kind in (kube.SERVICES, kube.CONTROLLER_REVISIONS, kube.DEPLOYMENTS)
        }
        return {
            **{key: status.get(key) for key in keep},
            **names,
            "rejected": [r["name"] for r in status["rejected"]],
            "history": history,
            "weights": self.weights(),
            "alias": self._all(kube.SERVICES)[NAME]["spec"]["selector"],
            "replicas": {n: d["spec"]["replicas"] for n, d in self._all(kube.DEPLOYMENTS).items()},
            "objects": objects,
            "requests": {
                name: {k: v for k, v in (r.get("status") or {}).items() if k != "observedAt"}
                for name, r in self._all(kube.ROLLOUT_REQUESTS).items()
            },
            "events": sorted(self.event_reasons()),
        }

    # The invariants of the design, looked at after every write of the controller.

    def check_invariants(self, write: str) -> None:
        if write == "replace HTTPRoute":
            self._check_route()
        if write == "status ModelDeployment":
            self._check_rise()
        if write == "replace Deployment":
            self._check_capacity()
        if self.approved:
            running = {
                d["spec"]["template"]["spec"]["containers"][0]["image"]
                for d in self._all(kube.DEPLOYMENTS).values()
                if d["spec"]["replicas"]
            }
            assert running <= self.approved, running

    def _check_route(self) -> None:
        """The route shows what the status asks for, numbered, and sends nothing to nowhere."""
        weights, status = self.weights(), self.status
        assert sum(weights.values()) == 100, weights
        self._check_sequence()
        stable, candidate = status.get("stable"), status.get("candidate")
        asked = status["weight"]["asked"]
        expected = {stable["name"]: 100 - asked} if stable else {}
        if candidate:
            expected[candidate["name"]] = asked
        assert weights == {name: weight for name, weight in expected.items() if weight}, status
        for name, weight in weights.items():
            if weight > self.shown.get(name, 0):
                assert self._all(kube.ENDPOINT_SLICES)[name]["endpoints"], f"{name} cannot serve"
        self.shown = weights

    def _check_capacity(self) -> None:
        """Stable keeps the pods that it began with until the bake ends; where it gives them up on
        the way, those of the candidate are ready for what they get."""
        status = self.status
        role = "previous" if status["phase"] == "Baking" else "stable"
        keeper = status.get(role)
        busy = "candidate" in status or role == "previous"
        if not (keeper and busy) or self._strategy() in {"Recreate", "Rolling"}:
            return
        kept = self._all(kube.DEPLOYMENTS)[keeper["name"]]["spec"]["replicas"]
        assert kept >= min(status["stableReplicas"], self.kept.get(keeper["name"], 10_000)), status
        self.kept[keeper["name"]] = kept

    def _strategy(self) -> str:
        spec = self._all(kube.MODEL_DEPLOYMENTS)[NAME]["spec"]
        return str(spec["strategy"]["type"])

    def _check_rise(self) -> None:
        """A weight rises only when the last one was read back and accepted."""
        before, now = self.before, self.status
        self.before = now
        same = before.get("candidate") == now.get("candidate") and before.get("stable")
        if same and now["weight"]["asked"] > before["weight"]["asked"]:
            assert before["confirmedSequence"] == before["writeSequence"], now
            stable = now["stable"]["name"]
            assert self.weights().get(stable, 0) == 100 - before["weight"]["asked"], now
            route = self._all(kube.HTTP_ROUTES)[NAME]
            accepted = route["status"]["parents"][0]["conditions"][0]["observedGeneration"]
            assert accepted == route["metadata"]["generation"], "not accepted yet"

    def _check_sequence(self) -> None:
        route = self._all(kube.HTTP_ROUTES)[NAME]
        text = route["metadata"].get("annotations", {}).get(SEQUENCE_ANNOTATION)
        if text is not None:
            assert int(text) >= self.seen_sequence, "a lower sequence over a higher one"
            self.seen_sequence = int(text)
