"""What Holdpoint writes on a route besides weights: whose it is, which intent, whether one runs.

Used by the routers, alike for every kind of object. It deliberately knows no weights.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rollouts.jsontypes import dig, dig_object
from rollouts.reasons import Reason
from rollouts.traffic.interface import (
    IN_PROGRESS_LABEL,
    SEQUENCE_ANNOTATION,
    TARGET_ANNOTATION,
    ObjectReference,
    StaleIntent,
    TrafficError,
    TrafficIntent,
)

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject
    from rollouts.resources import Resource

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def named(
    traffic: JsonObject, path: tuple[str, str], resource: Resource, namespace: str
) -> ObjectReference:
    """The object that `spec.traffic` names at `path`. Raises TrafficError (SpecInvalid)."""
    name = dig(traffic, *path)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise TrafficError(
            Reason.SPEC_INVALID,
            f"spec.traffic.{'.'.join(path)} must name a {resource.kind}, this is {name!r:.80}",
        )
    return ObjectReference(
        group=resource.group,
        version=resource.version,
        plural=resource.plural,
        kind=resource.kind,
        namespace=namespace,
        name=name,
    )


def where(obj: JsonObject, kind: str) -> str:
    """Kind, namespace and name, for people. (Items of a list do not say their kind.)"""
    metadata = dig_object(obj, "metadata")
    return f"{kind} {metadata.get('namespace', '')}/{metadata.get('name', '')}"


def annotation(obj: JsonObject, name: str) -> object:
    """One annotation, None where it is not there."""
    return dig_object(obj, "metadata", "annotations").get(name)


def is_in_progress(obj: JsonObject) -> bool:
    """Whether the object says that a rollout runs."""
    return dig_object(obj, "metadata", "labels").get(IN_PROGRESS_LABEL) == "true"


def sequence(obj: JsonObject) -> tuple[int | None, str]:
    """The number of the intent shown, and what is wrong with it where it is none."""
    text = annotation(obj, SEQUENCE_ANNOTATION)
    if text is None:
        return None, ""
    if isinstance(text, str) and re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
        return int(text), ""
    return None, f"the annotation {SEQUENCE_ANNOTATION} holds {text!r:.40}, which is no number"


def refuse_if_newer(obj: JsonObject, intent: TrafficIntent, kind: str) -> None:
    """Raises StaleIntent when the object shows a higher number."""
    shown, _ = sequence(obj)
    if shown is not None and shown > intent.sequence:
        raise StaleIntent(intent.sequence, shown, where(obj, kind))


def refuse_if_anothers(obj: JsonObject, ours: frozenset[str], kind: str) -> None:
    """Raises TrafficError when it is the route of another target: two must not fight over one."""
    owner = annotation(obj, TARGET_ANNOTATION)
    if owner is not None and owner not in ours:
        raise TrafficError(
            Reason.SPEC_INVALID,
            f"{where(obj, kind)} is the route of ModelDeployment {owner!r:.80}; give each its own "
            f"{kind}, or remove the annotation {TARGET_ANNOTATION} to hand this one over",
        )


def stamp(obj: JsonObject, intent: TrafficIntent) -> None:
    """Writes the intent's number, its target and whether a rollout runs onto `obj` in place."""
    metadata = obj.setdefault("metadata", {})
    annotations = metadata.get("annotations") or {}
    annotations[SEQUENCE_ANNOTATION] = str(intent.sequence)
    annotations[TARGET_ANNOTATION] = intent.alias
    metadata["annotations"] = annotations
    labels = metadata.get("labels") or {}
    labels.pop(IN_PROGRESS_LABEL, None)
    if intent.in_progress:
        labels[IN_PROGRESS_LABEL] = "true"
    if labels or "labels" in metadata:
        metadata["labels"] = labels
