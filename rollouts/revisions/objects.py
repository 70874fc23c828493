"""The record and the Services of a revision, and the alias Service.

Called by the code that applies decisions. A revision's Service selects its pods by the revision's
label and never anything else; the alias is the one Service whose selector moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollouts.jsontypes import dig, dig_list, dig_object
from rollouts.revisions.metadata import (
    MODEL_DEPLOYMENT_LABEL,
    REVISION_LABEL,
    belongs_to,
    metadata,
)

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject
    from rollouts.model import ModelDeployment, Revision


def record(owner: ModelDeployment, revision: Revision, inputs: JsonObject) -> JsonObject:
    """The ControllerRevision: what the user put in, so that the pods can be built again."""
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": metadata(owner, revision.name, revision),
        "data": {"inputs": inputs, "builder": revision.builder},
        "revision": owner.generation,
    }


def recorded_inputs(obj: JsonObject) -> JsonObject | None:
    """What `record` wrote, None where it is not readable."""
    inputs = dig(obj, "data", "inputs")
    return inputs if isinstance(inputs, dict) else None


def service(
    owner: ModelDeployment, revision: Revision, port: int, like: JsonObject | None = None
) -> JsonObject:
    """The Service of one revision, to which the route gives its share.

    It has the ports of the alias Service (`like`) where there is one, because the route names them.
    """
    ports = [_port(item) for item in dig_list(like, "spec", "ports")]
    return _service(metadata(owner, revision.name, revision), revision.name, ports or _ports(port))


def alias(owner: ModelDeployment, revision_name: str, port: int) -> JsonObject:
    """The Service for clients inside the cluster, selecting one revision."""
    return _service(metadata(owner, owner.name), revision_name, _ports(port))


def preview_name(owner: ModelDeployment) -> str:
    """Of the Service that shows a candidate before it has traffic. No revision is named so: a hash
    has no `p`."""
    return f"{owner.name}-preview"


def preview(
    owner: ModelDeployment, revision_name: str, port: int, like: JsonObject | None = None
) -> JsonObject:
    """The Service for looking at a candidate; its ports are those of the alias (`like`)."""
    ports = [_port(item) for item in dig_list(like, "spec", "ports")]
    return _service(metadata(owner, preview_name(owner)), revision_name, ports or _ports(port))


def pointed(existing: JsonObject, owner: ModelDeployment, revision_name: str) -> JsonObject:
    """An alias Service that exists, selecting one revision. Whoever made it keeps owning it."""
    labels = {
        **dig_object(existing, "metadata", "labels"),
        MODEL_DEPLOYMENT_LABEL: owner.name,
    }
    return {
        **existing,
        "metadata": {**dig_object(existing, "metadata"), "labels": labels},
        "spec": {**dig_object(existing, "spec"), "selector": {REVISION_LABEL: revision_name}},
    }


def is_alias_of(obj: JsonObject, owner: ModelDeployment) -> bool:
    """True for a Service that we may point: ours, one that selects nothing yet, or one that was
    pointed before. A Service that selects other pods serves somebody's traffic already."""
    free = not dig_object(obj, "spec", "selector")
    return free or belongs_to(obj, owner) or selected(obj).startswith(f"{owner.name}-")


def selected(obj: JsonObject) -> str:
    """The revision that a Service of ours selects, "" where it selects anything else."""
    selector = dig(obj, "spec", "selector")
    if not isinstance(selector, dict) or set(selector) != {REVISION_LABEL}:
        return ""
    return str(selector[REVISION_LABEL])


def _ports(port: int) -> list[JsonObject]:
    return [{"name": "http", "port": port, "targetPort": port}]


def _port(item: JsonObject) -> JsonObject:
    """Without what the API server or a cloud filled in for that one Service."""
    kept = ("name", "port", "targetPort", "protocol", "appProtocol")
    return {key: item[key] for key in kept if key in item}


def _service(head: JsonObject, revision_name: str, ports: list[JsonObject]) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": head,
        "spec": {"selector": {REVISION_LABEL: revision_name}, "ports": ports},
    }
