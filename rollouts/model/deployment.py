"""A ModelDeployment as the engine gets it: its identity, what it asks for, where it is.

Made by `parse_deployment`, which never raises: what cannot be read is said in `spec_problem` and
`status_problem`, because a spec that makes no sense must not disarm the rollback of what runs.
"""

from __future__ import annotations

from dataclasses import dataclass

from rollouts.jsontypes import JsonObject, dig, dig_object, dig_text, name_of
from rollouts.model.fields import FieldError
from rollouts.model.spec import Spec, parse_spec
from rollouts.model.status import Status, parse_status


@dataclass(frozen=True)
class ModelDeployment:
    """`spec` and `status` are None where they cannot be read. `traffic` is raw."""

    name: str
    namespace: str
    uid: str
    generation: int
    deleting: bool
    traffic: JsonObject
    spec: Spec | None
    spec_problem: str
    status: Status | None
    status_problem: str


def parse_deployment(obj: JsonObject) -> ModelDeployment:
    """Never raises."""
    spec: Spec | None = None
    status: Status | None = None
    spec_problem = status_problem = ""
    try:
        spec = parse_spec(obj.get("spec"))
    except FieldError as error:
        spec_problem = str(error)
    try:
        status = parse_status(obj.get("status"))
    except FieldError as error:
        status_problem = str(error)
    generation = dig(obj, "metadata", "generation")
    return ModelDeployment(
        name=name_of(obj),
        namespace=dig_text(obj, "metadata", "namespace"),
        uid=dig_text(obj, "metadata", "uid"),
        generation=generation if isinstance(generation, int) else 0,
        deleting=bool(dig(obj, "metadata", "deletionTimestamp")),
        traffic=dig_object(obj, "spec", "traffic"),
        spec=spec,
        spec_problem=spec_problem,
        status=status,
        status_problem=status_problem,
    )
