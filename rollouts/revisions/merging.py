"""Merges the user's pod-template patch onto the template that we build.

Objects merge field by field, null removes a field, and lists of named things (containers, env,
volumes, ports by name) merge by name, as kubectl's strategic merge does for pods; any other list
replaces ours. It deliberately is no full strategic merge: no `$patch` directives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollouts.jsontypes import Json, JsonObject


def merge_template(base: JsonObject, patch: JsonObject) -> JsonObject:
    """A new object; neither argument is changed."""
    merged = dict(base)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value)
    return merged


def _merged(base: Json, patch: Json) -> Json:
    if isinstance(patch, dict):
        return merge_template(base if isinstance(base, dict) else {}, patch)
    if isinstance(patch, list) and isinstance(base, list) and _named(base) and _named(patch):
        return _by_name(base, patch)
    return patch


def _named(items: list[Json]) -> bool:
    return bool(items) and all(isinstance(item, dict) and "name" in item for item in items)


def _by_name(base: list[JsonObject], patch: list[JsonObject]) -> list[JsonObject]:
    patches = {item["name"]: item for item in patch}
    kept = [merge_template(item, patches.pop(item["name"], {})) for item in base]
    return [*kept, *(merge_template({}, item) for item in patches.values())]
