"""From the store's raw objects to an Observation.

Called by the reconciler before each decision. It counts only what this very ModelDeployment owns;
an object of the same name that belongs to an earlier or another one is not there. It deliberately
judges nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollouts import kube
from rollouts.jsontypes import dig, dig_list, dig_object, dig_text, name_of
from rollouts.model import Observation, RevisionState, RouteProblem, consent_of, parse_request
from rollouts.revisions import (
    CONTAINER,
    REVISION_LABEL,
    belongs_to,
    is_alias_of,
    preview_name,
    recorded_inputs,
    selected,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollouts.controller.store import Store
    from rollouts.jsontypes import JsonObject
    from rollouts.model import AnalysisView, HealthView, ModelDeployment
    from rollouts.traffic import RouteView

SERVICE_OF_SLICE = "kubernetes.io/service-name"


@dataclass(frozen=True)
class Belongings:
    """The raw objects that a ModelDeployment owns, by revision where they have one."""

    records: dict[str, JsonObject]
    deployments: dict[str, JsonObject]
    services: dict[str, JsonObject]
    pods: dict[str, list[JsonObject]]
    endpoints: dict[str, int]
    preview: str = ""

    @property
    def revisions(self) -> frozenset[str]:
        """The names of all revisions of which anything exists."""
        return frozenset(self.records) | frozenset(self.deployments) | frozenset(self.services)


def gather(store: Store, owner: ModelDeployment) -> Belongings:
    """What the store has of this ModelDeployment."""
    target = (owner.namespace, owner.name)

    def mine(resource: kube.Resource) -> dict[str, JsonObject]:
        objects = store.belonging(resource, target)
        return {name_of(obj): obj for obj in objects if belongs_to(obj, owner)}

    pods: dict[str, list[JsonObject]] = {}
    for pod in store.belonging(kube.PODS, target):
        revision = dig_text(pod, "metadata", "labels", REVISION_LABEL)
        pods.setdefault(revision, []).append(pod)
    services = mine(kube.SERVICES)
    services.pop(owner.name, None)
    preview = services.pop(preview_name(owner), None)
    return Belongings(
        records=mine(kube.CONTROLLER_REVISIONS),
        deployments=mine(kube.DEPLOYMENTS),
        services=services,
        pods=pods,
        endpoints=_ready_endpoints(store.belonging(kube.ENDPOINT_SLICES, target)),
        preview=selected(preview) if preview else "",
    )


@dataclass(frozen=True)
class Surroundings:
    """What is read besides the belongings."""

    alias: JsonObject | None
    route: RouteView | None
    route_problem: RouteProblem | None
    analysis: AnalysisView | None
    health: HealthView | None = None


def observe(
    owner: ModelDeployment,
    belongings: Belongings,
    requests: Iterable[JsonObject],
    approvals: Iterable[JsonObject],
    rest: Surroundings,
) -> Observation:
    """The facts, frozen."""
    return Observation(
        revisions={name: _revision(belongings, name) for name in belongings.revisions},
        alias=selected(rest.alias) if rest.alias else "",
        alias_is_ours=rest.alias is None or is_alias_of(rest.alias, owner),
        route=rest.route,
        route_problem=rest.route_problem,
        requests=tuple(map(parse_request, requests)),
        consents=tuple(map(consent_of, approvals)),
        analysis=rest.analysis,
        health=rest.health,
        preview=belongings.preview,
    )


def _revision(belongings: Belongings, name: str) -> RevisionState:
    record = belongings.records.get(name)
    deployment = belongings.deployments.get(name)
    service = belongings.services.get(name)
    known = record or deployment or service or {}
    return RevisionState(
        inputs=recorded_inputs(record) if record else None,
        created=dig_text(known, "metadata", "creationTimestamp"),
        deployment=deployment is not None,
        image=_image(deployment or {}),
        replicas=_count(deployment, "spec", "replicas"),
        ready=_ready(deployment or {}),
        service=service is not None,
        selects_itself=service is None or selected(service) == name,
        endpoints=belongings.endpoints.get(name, 0),
        pods=max(_count(deployment, "status", "replicas"), len(belongings.pods.get(name, []))),
        trouble=_trouble(belongings.pods.get(name, [])),
    )


def _image(deployment: JsonObject) -> str:
    containers = dig_list(deployment, "spec", "template", "spec", "containers")
    return next((dig_text(c, "image") for c in containers if dig(c, "name") == CONTAINER), "")


def _ready(deployment: JsonObject) -> int:
    """Ready replicas of the newest template, as far as its controller has looked."""
    observed = _count(deployment, "status", "observedGeneration")
    if observed < _count(deployment, "metadata", "generation"):
        # Scaling up changes the generation too; what was ready before still is.
        return min(
            _count(deployment, "status", "readyReplicas"), _count(deployment, "spec", "replicas")
        )
    ready = _count(deployment, "status", "readyReplicas")
    return min(ready, _count(deployment, "status", "updatedReplicas"))


def _count(obj: JsonObject | None, *path: str) -> int:
    value = dig(obj, *path)
    return value if isinstance(value, int) else 0


def _ready_endpoints(slices: Iterable[JsonObject]) -> dict[str, int]:
    """Ready addresses by Service. `ready` that is not said means ready, by the API's definition."""
    ready: dict[str, set[str]] = {}
    for piece in slices:
        service = dig_text(piece, "metadata", "labels", SERVICE_OF_SLICE)
        for endpoint in dig_list(piece, "endpoints"):
            if dig_object(endpoint, "conditions").get("ready") is not False:
                ready.setdefault(service, set()).update(dig_list(endpoint, "addresses"))
    return {service: len(addresses) for service, addresses in ready.items()}


def _trouble(pods: Iterable[JsonObject]) -> str:
    """What the first pod that does not run says about it."""
    for pod in pods:
        for container in dig_list(pod, "status", "containerStatuses"):
            waiting = dig_object(container, "state", "waiting")
            if dig_text(waiting, "reason") not in {"", "ContainerCreating", "PodInitializing"}:
                return _said(waiting)
        for condition in dig_list(pod, "status", "conditions"):
            scheduled = dig(condition, "type") == "PodScheduled"
            if scheduled and dig(condition, "status") == "False":
                return _said(condition)
    return ""


def _said(state: JsonObject) -> str:
    message = dig_text(state, "message")[:200]
    return f"{dig_text(state, 'reason')}{': ' if message else ''}{message}"
