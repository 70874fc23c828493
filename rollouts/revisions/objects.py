"""The record and the Services of a revision, and the alias Service.

Called by the code that applies decisions. A revision's Service selects its pods by the revision's
label and never anything else; the alias is the one Service whose selector moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollouts.jsontypes import dig
from rollouts.revisions.metadata import REVISION_LABEL, metadata

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


def service(owner: ModelDeployment, revision: Revision, port: int) -> JsonObject:
    """The Service of one revision, to which the route gives its share."""
    return _service(metadata(owner, revision.name, revision), revision.name, port)


def alias(owner: ModelDeployment, revision_name: str, port: int) -> JsonObject:
    """The Service for clients inside the cluster, selecting one revision."""
    return _service(metadata(owner, owner.name), revision_name, port)


def selected(obj: JsonObject) -> str:
    """The revision that a Service of ours selects, "" where it selects anything else."""
    selector = dig(obj, "spec", "selector")
    if not isinstance(selector, dict) or set(selector) != {REVISION_LABEL}:
        return ""
    return str(selector[REVISION_LABEL])


def _service(head: JsonObject, revision_name: str, port: int) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": head,
        "spec": {
            "selector": {REVISION_LABEL: revision_name},
            "ports": [{"name": "http", "port": port, "targetPort": port}],
        },
    }
