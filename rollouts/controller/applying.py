"""Carries a decision out: one write, conditional on what was read or with a fixed name.

Called by the reconciler. Intents go into the status; everything else makes the world follow it.
It deliberately never decides: a Conflict, or a decision made on what is no longer so, goes back to
the reconciler, which looks again.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import singledispatchmethod
from typing import TYPE_CHECKING

from rollouts import kube, revisions, traffic
from rollouts.engine import View, after
from rollouts.jsontypes import JsonObject, dig, dig_list, dig_object, dig_text, name_of, version_of
from rollouts.model import (
    CleanUp,
    Decision,
    Ensure,
    Intent,
    MarkRequest,
    Part,
    PointAlias,
    PointPreview,
    RequestPhase,
    RollBack,
    Scale,
    StartCandidate,
    Steer,
    WriteRoute,
    rfc3339,
)

if TYPE_CHECKING:
    from datetime import datetime

    from rollouts.controller.store import Store
    from rollouts.controller.writing import Writer
    from rollouts.kube import Cluster, Resource

RESOURCES = {
    Part.RECORD: kube.CONTROLLER_REVISIONS,
    Part.DEPLOYMENT: kube.DEPLOYMENTS,
    Part.SERVICE: kube.SERVICES,
}


class NotOurs(kube.ClusterError):
    """An object of that name exists and belongs to somebody else."""


class Outdated(Exception):  # noqa: N818 - it says what is the case
    """The decision was made on something that is no longer so."""


@dataclass(frozen=True)
class Context:
    """What a decision was made on: the raw ModelDeployment, the view, the raw
    route and the raw alias Service."""

    raw: JsonObject
    view: View
    route: JsonObject | None
    route_resource: Resource | None
    alias: JsonObject | None
    now: datetime

    @property
    def namespace(self) -> str:
        """That of the ModelDeployment and of everything that belongs to it."""
        return self.view.deployment.namespace


class Applier:
    """One for all workers."""

    def __init__(self, cluster: Cluster, store: Store, writer: Writer) -> None:
        self._cluster = cluster
        self._store = store
        self._writer = writer

    def apply(self, decision: Decision, context: Context) -> None:
        """One write. Raises ClusterError, Outdated, TrafficError, NotLeader.

        A store that lags behind must neither bring back what was taken away nor take up a request
        twice: the world only follows a status, and a status only a request, that is the newest
        there is, asked for just now. (A status itself is conditional on its own version.)
        """
        if not isinstance(decision, Intent):
            self._require_current(kube.MODEL_DEPLOYMENTS, context.raw)
        elif isinstance(decision, StartCandidate | Steer | RollBack) and decision.request:
            asked = self._known(kube.ROLLOUT_REQUESTS, context, decision.request)
            self._require_current(kube.ROLLOUT_REQUESTS, asked)
        self._do(decision, context)

    def mark_orphan(self, raw: JsonObject, decision: MarkRequest, now: datetime) -> None:
        """Marks a request whose ModelDeployment does not exist."""
        status = request_status(raw, decision, now)
        self._writer.replace_status(kube.ROLLOUT_REQUESTS, {**raw, "status": status})

    def _require_current(self, resource: Resource, raw: JsonObject) -> None:
        current = self._cluster.get(resource, dig_text(raw, "metadata", "namespace"), name_of(raw))
        if version_of(current) != version_of(raw):
            self._store.put(resource, current)
            raise Outdated(f"{resource.kind} {name_of(raw)} has changed since it was read")

    @singledispatchmethod
    def _do(self, decision: Decision, context: Context) -> None:  # noqa: ARG002 - the shape of all
        raise TypeError(f"{type(decision).__name__} cannot be applied")

    @_do.register(Intent)
    def _(self, decision: Intent, context: Context) -> None:
        status = after(context.view, decision).to_json()
        self._writer.replace_status(kube.MODEL_DEPLOYMENTS, {**context.raw, "status": status})

    @_do.register(Ensure)
    def _(self, decision: Ensure, context: Context) -> None:
        resource = RESOURCES[decision.part]
        body = _built(decision, context)
        try:
            self._writer.create(resource, body)
        except kube.AlreadyExists:
            self._mend(resource, body, decision, context)

    def _mend(
        self, resource: Resource, body: JsonObject, decision: Ensure, context: Context
    ) -> None:
        """It exists: our answer was lost, or somebody changed it, or it is not ours at all."""
        name = name_of(body)
        existing = self._cluster.get(resource, context.namespace, name)
        if not revisions.belongs_to(existing, context.view.deployment):
            raise NotOurs(f"{resource.kind} {name} exists and belongs to somebody else; remove it")
        mended = _mended(existing, body, decision)
        if mended == existing:
            self._store.put(resource, existing)
        else:
            self._writer.replace(resource, mended)

    @_do.register(Scale)
    def _(self, decision: Scale, context: Context) -> None:
        current = self._known(kube.DEPLOYMENTS, context, decision.name)
        spec = {**dig_object(current, "spec"), "replicas": decision.replicas}
        self._writer.replace(kube.DEPLOYMENTS, {**current, "spec": spec})

    @_do.register(PointAlias)
    def _(self, decision: PointAlias, context: Context) -> None:
        owner, current = context.view.deployment, context.alias
        if current is None:
            try:
                body = revisions.alias(owner, decision.name, _port(context))
                self._writer.create(kube.SERVICES, body)
                return
            except kube.AlreadyExists:
                current = self._cluster.get(kube.SERVICES, context.namespace, owner.name)
        if not revisions.is_alias_of(current, owner):
            raise NotOurs(f"Service {owner.name} selects other pods; remove it or rename this")
        self._writer.replace(kube.SERVICES, revisions.pointed(current, owner, decision.name))

    @_do.register(PointPreview)
    def _(self, decision: PointPreview, context: Context) -> None:
        owner = context.view.deployment
        body = revisions.preview(owner, decision.name, _port(context), like=context.alias)
        current = self._store.get(kube.SERVICES, context.namespace, name_of(body))
        if current is None:
            try:
                self._writer.create(kube.SERVICES, body)
                return
            except kube.AlreadyExists:
                current = self._cluster.get(kube.SERVICES, context.namespace, name_of(body))
        if not revisions.belongs_to(current, owner):
            raise NotOurs(f"Service {name_of(body)} belongs to somebody else; remove or rename it")
        spec = {**dig_object(current, "spec"), "selector": body["spec"]["selector"]}
        self._writer.replace(kube.SERVICES, {**current, "spec": spec})

    @_do.register(WriteRoute)
    def _(self, decision: WriteRoute, context: Context) -> None:
        if context.route is None or context.route_resource is None:
            raise Outdated("the route is gone")
        router = traffic.of(context.view.deployment.traffic)
        body = router.apply(copy.deepcopy(context.route), decision.intent)
        self._writer.replace(context.route_resource, body)

    @_do.register(MarkRequest)
    def _(self, decision: MarkRequest, context: Context) -> None:
        current = self._known(kube.ROLLOUT_REQUESTS, context, decision.name)
        self._writer.replace_status(
            kube.ROLLOUT_REQUESTS,
            {**current, "status": request_status(current, decision, context.now)},
        )

    @_do.register(CleanUp)
    def _(self, decision: CleanUp, context: Context) -> None:
        resource = RESOURCES[decision.part]
        self._writer.delete(resource, self._known(resource, context, decision.name))

    def _known(self, resource: Resource, context: Context, name: str) -> JsonObject:
        obj = self._store.get(resource, context.namespace, name)
        if obj is None:
            raise Outdated(f"{resource.kind} {name} is gone")
        return obj


def request_status(current: JsonObject, decision: MarkRequest, now: datetime) -> JsonObject:
    """The status of a RolloutRequest after a decision about it."""
    status: JsonObject = {
        **dig_object(current, "status"),
        "phase": str(decision.phase),
        "reason": str(decision.reason),
        "message": decision.message,
        "observedAt": rfc3339(now),
    }
    if decision.phase is RequestPhase.DONE:
        status["outcome"] = str(decision.outcome)
    if decision.revision:
        status["revision"] = decision.revision
    if decision.weight is not None:
        status["weight"] = decision.weight
    return status


def _built(decision: Ensure, context: Context) -> JsonObject:
    owner, revision, inputs = context.view.deployment, decision.revision, decision.inputs
    if decision.part is Part.RECORD:
        return revisions.record(owner, revision, inputs)
    if decision.part is Part.SERVICE:
        port = inputs.get("port") or _port(context)
        return revisions.service(owner, revision, port, like=context.alias)
    return revisions.deployment(owner, revision, inputs, decision.replicas)


def _mended(existing: JsonObject, body: JsonObject, decision: Ensure) -> JsonObject:
    """What we insist on in an object that exists; everything else in it stays as it is."""
    mended = copy.deepcopy(existing)
    if decision.part is Part.SERVICE:
        mended["spec"]["selector"] = body["spec"]["selector"]
    elif decision.part is Part.DEPLOYMENT:
        for container in dig_list(mended, "spec", "template", "spec", "containers"):
            if dig(container, "name") == revisions.CONTAINER:
                container["image"] = decision.revision.image
    return mended


def _port(context: Context) -> int:
    plan = context.view.plan
    return plan.spec.port if plan else 8080
