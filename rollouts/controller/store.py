"""What the controller knows of the cluster: objects by kind and name, found by whom they belong to.

Filled by the informers and by our own writes, read by `observing`. It may lag behind the API
server, never behind what we wrote ourselves. It deliberately notifies nobody.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from rollouts.jsontypes import dig_text, name_of, version_of
from rollouts.revisions import MODEL_DEPLOYMENT_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollouts.jsontypes import JsonObject
    from rollouts.kube import Resource

Key = tuple[str, str]


def key_of(obj: JsonObject) -> Key:
    """Namespace and name."""
    return dig_text(obj, "metadata", "namespace"), name_of(obj)


def target_of(obj: JsonObject) -> Key:
    """The ModelDeployment that an object belongs to: by its label, by its `spec.target`, or, an
    approval, by what it is bound to."""
    label = dig_text(obj, "metadata", "labels", MODEL_DEPLOYMENT_LABEL)
    target = dig_text(obj, "spec", "target") or dig_text(obj, "spec", "bound", "target")
    return dig_text(obj, "metadata", "namespace"), label or target


class Store:
    """Objects of many kinds. Safe to share between threads; objects are never changed in place."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kinds: dict[Resource, dict[Key, JsonObject]] = {}
        self._targets: dict[Resource, dict[Key, set[Key]]] = {}

    def get(self, resource: Resource, namespace: str, name: str) -> JsonObject | None:
        """One object, None where it is not known."""
        with self._lock:
            return self._kinds.get(resource, {}).get((namespace, name))

    def all(self, resource: Resource) -> list[JsonObject]:
        """Every object of a kind."""
        with self._lock:
            return list(self._kinds.get(resource, {}).values())

    def belonging(self, resource: Resource, target: Key) -> list[JsonObject]:
        """The objects of a kind that belong to a ModelDeployment, by name."""
        with self._lock:
            keys = sorted(self._targets.get(resource, {}).get(target, ()))
            return [self._kinds[resource][key] for key in keys]

    def put(self, resource: Resource, obj: JsonObject) -> bool:
        """Takes in an object unless a newer one is known. True when something changed."""
        key = key_of(obj)
        with self._lock:
            known = self._kinds.setdefault(resource, {}).get(key)
            if known is not None and not _is_newer(obj, known):
                return False
            self._drop(resource, key)
            self._kinds[resource][key] = obj
            self._targets.setdefault(resource, {}).setdefault(target_of(obj), set()).add(key)
            return True

    def remove(self, resource: Resource, obj: JsonObject) -> None:
        """Forgets an object that was deleted, unless a newer one of that name is known."""
        key = key_of(obj)
        with self._lock:
            known = self._kinds.get(resource, {}).get(key)
            if known is not None and not _is_newer(known, obj):
                self._drop(resource, key)

    def replace_all(self, resource: Resource, objects: Iterable[JsonObject]) -> list[JsonObject]:
        """What a list says is all there is. Returns what that changed: old and new objects."""
        listed = {key_of(obj): obj for obj in objects}
        with self._lock:
            known = dict(self._kinds.get(resource, {}))
        gone = [obj for key, obj in known.items() if key not in listed]
        with self._lock:
            for obj in gone:
                # What we wrote after the list was taken may not be in it.
                if self._kinds[resource].get(key_of(obj)) is obj:
                    self._drop(resource, key_of(obj))
        return [*gone, *(obj for obj in listed.values() if self.put(resource, obj))]

    def _drop(self, resource: Resource, key: Key) -> None:
        old = self._kinds.get(resource, {}).pop(key, None)
        if old is not None:
            target = target_of(old)
            keys = self._targets[resource][target]
            keys.discard(key)
            if not keys:
                del self._targets[resource][target]


def _is_newer(one: JsonObject, other: JsonObject) -> bool:
    """By resourceVersion, which the API server issues in order for one kind of object."""
    a, b = version_of(one), version_of(other)
    if a.isdigit() and b.isdigit():
        return int(a) > int(b)
    return a != b
