"""Observe, advance, apply one write, and go round again, until there is a reason to wait.

Called by the workers with one key at a time. All memory that matters is in the objects; what this
holds may be lost at any moment. It deliberately knows no policy: `rollouts.engine` does.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rollouts import kube, traffic
from rollouts.controller.applying import Applier, Context, Outdated
from rollouts.controller.metrics import Standing
from rollouts.controller.observing import Belongings, Surroundings, gather, observe
from rollouts.engine import advance, checks_due, look, owned_services
from rollouts.jsontypes import dig_text
from rollouts.model import (
    HealthView,
    MarkRequest,
    ModelDeployment,
    Observation,
    Phase,
    Refuse,
    RequestPhase,
    RouteProblem,
    Status,
    Wait,
    parse_deployment,
    parse_request,
)
from rollouts.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollouts.controller.analyst import Analyst
    from rollouts.controller.events import Events
    from rollouts.controller.metrics import Metrics
    from rollouts.controller.prober import Prober
    from rollouts.controller.store import Key, Store
    from rollouts.jsontypes import JsonObject
    from rollouts.kube import Cluster, Resource
    from rollouts.model import Decision

LOG = logging.getLogger(__name__)
RESYNC_S = 30.0
ROUNDS = 60  # one key may not keep a worker for ever
QUICKEST_POLL_S = 0.05
SLOWEST_POLL_S = 2.0


@dataclass(frozen=True)
class Tools:
    """What a reconciler works with."""

    cluster: Cluster
    store: Store
    applier: Applier
    analyst: Analyst
    prober: Prober
    events: Events
    metrics: Metrics
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True)
class _Route:
    """The route as it was read: the raw object, and what it shows or why it shows nothing."""

    raw: JsonObject | None = None
    resource: Resource | None = None
    view: traffic.RouteView | None = None
    problem: RouteProblem | None = None


@dataclass(frozen=True)
class _Around:
    """The raw objects that a write may depend on."""

    route: _Route
    alias: JsonObject | None


class Reconciler:
    """One for all workers; a key is worked on by one of them at a time."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def reconcile(self, key: Key) -> float | None:
        """Does what is due; seconds until it should be looked at again, None for never.

        Raises ClusterError and TrafficError for what has to be tried again after a pause.
        """
        for _ in range(ROUNDS):
            raw = self._tools.store.get(kube.MODEL_DEPLOYMENTS, *key)
            if raw is None:
                self._gone(key)
                return None
            began = time.monotonic()
            try:
                pause = self._round(key, raw)
            except (kube.Conflict, kube.NotFound, Outdated, traffic.StaleIntent) as error:
                LOG.info("looking again: %s", error, extra=_about(key))
                self._read_again(key)
                continue
            finally:
                self._tools.metrics.took(time.monotonic() - began)
            if pause is not None:
                return pause
        return 0.0

    def _round(self, key: Key, raw: JsonObject) -> float | None:
        """One look and at most one write. A pause in seconds, None to go round again."""
        tools, now = self._tools, self._tools.clock()
        deployment = parse_deployment(raw)
        status = deployment.status
        if status is None or deployment.deleting:
            decision = advance(deployment, Observation(), now)
            return self._refused(key, raw, decision, now)
        seen, around = self._look(key, deployment, status, now)
        decision = advance(deployment, seen, now)
        if isinstance(decision, Wait):
            tools.metrics.shows(*key, _standing(status, seen, decision))
            return self._wait(key, raw, status, decision, now)
        view = look(deployment, status, seen, now)
        context = Context(raw, view, around.route.raw, around.route.resource, around.alias, now)
        tools.applier.apply(decision, context)
        self._log(key, decision, status)
        return None

    def _look(
        self, key: Key, deployment: ModelDeployment, status: Status, now: datetime
    ) -> tuple[Observation, _Around]:
        tools = self._tools
        belongings = gather(tools.store, deployment)
        view = tools.analyst.look(deployment, status, belongings, now)
        requests = tools.store.belonging(kube.ROLLOUT_REQUESTS, key)
        route = self._route(deployment, status, owned_services(status, belongings.revisions))
        alias = tools.store.get(kube.SERVICES, *key)
        if alias is None and status.stable is None:
            alias = self._read(kube.SERVICES, *key)  # a stranger's is not among what we watch
        health = self._health(key, deployment, status, belongings)
        rest = Surroundings(alias, route.view, route.problem, view, health)
        approvals = tools.store.belonging(kube.ROLLOUT_APPROVALS, key) if requests else []
        return observe(deployment, belongings, requests, approvals, rest), _Around(route, alias)

    def _health(
        self, key: Key, deployment: ModelDeployment, status: Status, belongings: Belongings
    ) -> HealthView | None:
        name = status.candidate.name if status.candidate else ""
        port = deployment.spec.port if deployment.spec else 0
        checks, pods = checks_due(deployment, status), belongings.pods.get(name, [])
        return self._tools.prober.look(key, name, checks, pods, port)

    def _route(self, deployment: ModelDeployment, status: Status, owned: frozenset[str]) -> _Route:
        """The route: from the store while all is confirmed, from the API server otherwise."""
        try:
            router = traffic.of(deployment.traffic)
            where = router.reference(deployment.traffic, deployment.namespace)
            resource = kube.Resource(where.group, where.version, where.plural, where.kind)
            raw = None
            if status.confirmed:
                raw = self._tools.store.get(resource, where.namespace, where.name)
            raw = raw or self._read(resource, where.namespace, where.name)
            if raw is not None:
                self._tools.store.put(resource, raw)
            else:
                problem = RouteProblem(Reason.ROUTE_MISSING, f"there is no {where}; create it")
                return _Route(problem=problem)
            return _Route(raw, resource, router.view(raw, owned | {deployment.name}))
        except traffic.TrafficError as error:
            return _Route(problem=RouteProblem(error.reason, error.sentence))

    def _read(self, resource: Resource, namespace: str, name: str) -> JsonObject | None:
        try:
            return self._tools.cluster.get(resource, namespace, name)
        except kube.NotFound:
            return None

    def _read_again(self, key: Key) -> None:
        """After a Conflict: the newest of what we decide on and write to."""
        tools = self._tools
        kinds = (kube.ROLLOUT_REQUESTS, kube.DEPLOYMENTS, kube.SERVICES)
        known = [(kind, obj) for kind in kinds for obj in tools.store.belonging(kind, key)]
        for kind, obj in [
            (kube.MODEL_DEPLOYMENTS, tools.store.get(kube.MODEL_DEPLOYMENTS, *key)),
            *known,
        ]:
            if obj is None:
                continue
            current = self._read(kind, key[0], dig_text(obj, "metadata", "name"))
            if current is None:
                tools.store.remove(kind, obj)
            else:
                tools.store.put(kind, current)

    def _wait(self, key: Key, raw: JsonObject, status: Status, wait: Wait, now: datetime) -> float:
        tools = self._tools
        tools.events.report_history(raw, status, now)
        for request in tools.store.belonging(kube.ROLLOUT_REQUESTS, key):
            tools.events.report_request(request, now)
        pauses = [RESYNC_S, tools.analyst.next_tick_s(key), tools.prober.next_look_s(key)]
        if wait.until is not None:
            pauses.append((wait.until - now).total_seconds())
        if wait.poll:
            pauses.append(_poll_s(status, now))
        return max(0.0, min(pause for pause in pauses if pause is not None))

    def _refused(self, key: Key, raw: JsonObject, decision: Decision, now: datetime) -> float:
        """Nothing may be written but an Event that says so."""
        if isinstance(decision, Refuse):
            LOG.error("%s", decision.message, extra={**_about(key), "reason": decision.reason})
            self._tools.events.report_problem(raw, decision.reason, decision.message, now)
        return RESYNC_S

    def _gone(self, key: Key) -> None:
        """No such ModelDeployment: whoever asked for it is told so."""
        tools = self._tools
        tools.analyst.forget(key)
        tools.prober.forget(key)
        tools.metrics.forget(*key)
        for raw in tools.store.belonging(kube.ROLLOUT_REQUESTS, key):
            request = parse_request(raw)
            if request.pending:
                self._refuse_orphan(raw, request.target)

    def _refuse_orphan(self, raw: JsonObject, target: str) -> None:
        tools = self._tools
        namespace = dig_text(raw, "metadata", "namespace")
        message = f"there is no ModelDeployment {target!r} in namespace {namespace!r}"
        mark = MarkRequest(
            Reason.TARGET_NOT_FOUND,
            message,
            dig_text(raw, "metadata", "name"),
            RequestPhase.REFUSED,
        )
        if self._read(kube.MODEL_DEPLOYMENTS, namespace, target) is None:
            tools.applier.mark_orphan(raw, mark, tools.clock())

    def _log(self, key: Key, decision: Decision, status: Status) -> None:
        self._tools.metrics.decided(type(decision).__name__, str(decision.reason))
        LOG.info(
            "%s",
            decision.message,
            extra={
                **_about(key),
                "decision": type(decision).__name__,
                "reason": str(decision.reason),
                "sequence": status.write_sequence,
            },
        )


def _standing(status: Status, seen: Observation, wait: Wait) -> Standing:
    """For the metrics. A candidate without traffic is not judged, so nothing is unreadable yet."""
    baking = status.phase is Phase.BAKING
    tried = status.weight.asked > 0 or baking
    served = tried or status.weight.confirmed > 0
    return Standing(
        weight=status.weight.confirmed,
        under_way=status.candidate is not None or baking,
        unconfirmed=status.reason is Reason.ABORT_NOT_CONFIRMED,
        unreadable=tried and seen.analysis is not None and not seen.analysis.readable,
        blocked=served and wait.reason is Reason.STABLE_NOT_READY,
    )


def _poll_s(status: Status, now: datetime) -> float:
    """Often at first, more rarely the longer it has taken."""
    moments = [status.intent_at, *(entry.at for entry in status.history[-1:])]
    newest = max((moment for moment in moments if moment), default=now)
    age = (now - newest).total_seconds()
    return min(SLOWEST_POLL_S, max(QUICKEST_POLL_S, age / 10))


def _about(key: Key) -> dict[str, str]:
    return {"namespace": key[0], "target": key[1]}
