"""Names for plain JSON, and careful ways to reach into it.

Used by every module that reads raw Kubernetes objects. It deliberately validates nothing:
`rollouts.model` does that for the fields that decide something.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = Any
JsonObject: TypeAlias = dict[str, Any]


def dig(value: Json, *path: str | int) -> Json:
    """The value at `path`, or None where any step of it is missing or of another kind."""
    for step in path:
        if isinstance(step, int):
            if not isinstance(value, list) or not -len(value) <= step < len(value):
                return None
            value = value[step]
        else:
            if not isinstance(value, dict):
                return None
            value = value.get(step)
    return value


def dig_object(value: Json, *path: str | int) -> JsonObject:
    """The object at `path`, or an empty one."""
    found = dig(value, *path)
    return found if isinstance(found, dict) else {}


def dig_list(value: Json, *path: str | int) -> list[Json]:
    """The list at `path`, or an empty one."""
    found = dig(value, *path)
    return found if isinstance(found, list) else []


def dig_text(value: Json, *path: str | int) -> str:
    """The string at `path`, or an empty one."""
    found = dig(value, *path)
    return found if isinstance(found, str) else ""


def name_of(obj: JsonObject) -> str:
    """`metadata.name`."""
    return dig_text(obj, "metadata", "name")


def version_of(obj: JsonObject) -> str:
    """`metadata.resourceVersion`."""
    return dig_text(obj, "metadata", "resourceVersion")
