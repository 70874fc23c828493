"""The pods of a revision: a Deployment from the user's inputs.

Called when a revision's Deployment is created, never again for one that exists: a newer builder
changes only what is created after it. BUILDER_VERSION goes up with every change of the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollouts.jsontypes import dig_object
from rollouts.revisions.merging import merge_template
from rollouts.revisions.metadata import REVISION_LABEL, metadata

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject
    from rollouts.model import ModelDeployment, Revision

BUILDER_VERSION = 1
CONTAINER = "model"
DEFAULT_PORT = 8080
PROBE_FIELDS = (
    "periodSeconds",
    "failureThreshold",
    "successThreshold",
    "initialDelaySeconds",
    "timeoutSeconds",
)
PROBES = {
    "readiness": "readinessProbe",
    "liveness": "livenessProbe",
    "startup": "startupProbe",
}


def deployment(
    owner: ModelDeployment, revision: Revision, inputs: JsonObject, replicas: int
) -> JsonObject:
    """The Deployment. Its own rollouts never matter: its template is written once."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(owner, revision.name, revision),
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 0,
            "selector": {"matchLabels": {REVISION_LABEL: revision.name}},
            "template": _template(owner, revision, inputs),
        },
    }


def _template(owner: ModelDeployment, revision: Revision, inputs: JsonObject) -> JsonObject:
    own = {
        "metadata": {"labels": metadata(owner, revision.name, revision)["labels"]},
        "spec": {"containers": [_container(revision, inputs)]},
    }
    merged = merge_template(own, dig_object(inputs, "template"))
    # The labels carry the traffic, and the image is what was judged: no patch takes them away.
    pinned = {"metadata": {"labels": own["metadata"]["labels"]}}
    kept = [{"name": CONTAINER, "image": revision.image}]
    return merge_template(merged, {**pinned, "spec": {"containers": kept}})


def _container(revision: Revision, inputs: JsonObject) -> JsonObject:
    port = inputs.get("port", DEFAULT_PORT)
    ours: list[JsonObject] = [
        {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "REVISION", "value": revision.name},
        {"name": "PORT", "value": str(port)},
    ]
    taken = {variable["name"] for variable in ours}
    theirs = [item for item in inputs.get("env") or [] if item.get("name") not in taken]
    probes = dig_object(inputs, "probes")
    return {
        "name": CONTAINER,
        "image": revision.image,
        "ports": [{"name": "http", "containerPort": port}],
        "env": [*ours, *theirs],
        **({"resources": inputs["resources"]} if inputs.get("resources") else {}),
        **{
            field: _probe(dig_object(probes, name), port)
            for name, field in PROBES.items()
            if name in probes
        },
    }


def _probe(probe: JsonObject, port: int) -> JsonObject:
    return {
        "httpGet": {"path": probe.get("path", "/"), "port": probe.get("port", port)},
        **{name: probe[name] for name in PROBE_FIELDS if name in probe},
    }
