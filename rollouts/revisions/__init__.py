"""Revisions: their names, and the objects that each one has in the cluster. Pure builders."""

from rollouts.revisions.identity import revision_of, template_inputs
from rollouts.revisions.metadata import MODEL_DEPLOYMENT_LABEL, REVISION_LABEL, belongs_to
from rollouts.revisions.objects import (
    alias,
    is_alias_of,
    pointed,
    preview,
    preview_name,
    record,
    recorded_inputs,
    selected,
    service,
)
from rollouts.revisions.pods import BUILDER_VERSION, CONTAINER, deployment

__all__ = [
    "BUILDER_VERSION",
    "CONTAINER",
    "MODEL_DEPLOYMENT_LABEL",
    "REVISION_LABEL",
    "alias",
    "belongs_to",
    "deployment",
    "is_alias_of",
    "pointed",
    "preview",
    "preview_name",
    "record",
    "recorded_inputs",
    "revision_of",
    "selected",
    "service",
    "template_inputs",
]
