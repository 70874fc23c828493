"""The metadata that every object of a revision carries: whose it is, and of which revision.

Used by the builders of this package. Owner references make the garbage collector clean up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollouts.resources import MODEL_DEPLOYMENTS

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject
    from rollouts.model import ModelDeployment, Revision

MODEL_DEPLOYMENT_LABEL = "holdpoint.dev/model-deployment"
REVISION_LABEL = "holdpoint.dev/revision"


def metadata(owner: ModelDeployment, name: str, revision: Revision | None = None) -> JsonObject:
    """Name, labels, owner."""
    labels = {MODEL_DEPLOYMENT_LABEL: owner.name}
    if revision is not None:
        labels[REVISION_LABEL] = revision.name
    return {
        "name": name,
        "namespace": owner.namespace,
        "labels": labels,
        "ownerReferences": [owner_reference(owner)],
    }


def owner_reference(owner: ModelDeployment) -> JsonObject:
    """The controlling owner reference."""
    return {
        "apiVersion": MODEL_DEPLOYMENTS.api_version,
        "kind": MODEL_DEPLOYMENTS.kind,
        "name": owner.name,
        "uid": owner.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def belongs_to(obj: JsonObject, owner: ModelDeployment) -> bool:
    """True for an object that this very ModelDeployment (not an earlier one) owns."""
    references = (obj.get("metadata") or {}).get("ownerReferences") or []
    return any(reference.get("uid") == owner.uid for reference in references)
