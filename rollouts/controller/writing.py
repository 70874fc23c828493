"""Every write of the controller goes through here: guarded by the Lease, counted, logged.

Used by `applying` and `events`. What was written is put into the store at once, so that the next
look at the world sees it. It deliberately repeats nothing: a lost answer is found out by looking.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from rollouts.jsontypes import dig_text, name_of, version_of
from rollouts.kube import ClusterError, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollouts.controller.metrics import Metrics
    from rollouts.controller.store import Store
    from rollouts.jsontypes import JsonObject
    from rollouts.kube import Cluster, Resource

LOG = logging.getLogger(__name__)


class Writer:
    """`may_write` raises when this process must not write."""

    def __init__(
        self, cluster: Cluster, store: Store, may_write: Callable[[], None], metrics: Metrics
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._may_write = may_write
        self._metrics = metrics

    def create(self, resource: Resource, body: JsonObject, *, keep: bool = True) -> JsonObject:
        """Raises AlreadyExists. `keep` False: the store is not interested in this kind."""
        made = self._do("create", resource, body, self._cluster.create)
        if keep:
            self._store.put(resource, made)
        return made

    def replace(self, resource: Resource, body: JsonObject) -> JsonObject:
        """Raises Conflict."""
        made = self._do("replace", resource, body, self._cluster.replace)
        self._store.put(resource, made)
        return made

    def replace_status(self, resource: Resource, body: JsonObject) -> JsonObject:
        """Raises Conflict."""
        made = self._do("replace_status", resource, body, self._cluster.replace_status)
        self._store.put(resource, made)
        return made

    def delete(self, resource: Resource, obj: JsonObject) -> None:
        """Deletes exactly the object that was read. Raises Conflict when it changed since."""

        def call(resource: Resource, namespace: str, body: JsonObject) -> JsonObject:
            uid, version = dig_text(body, "metadata", "uid"), version_of(body)
            with suppress(NotFound):  # somebody else was faster, or our own answer was lost
                self._cluster.delete(
                    resource, namespace, name_of(body), uid=uid, resource_version=version
                )
            return body

        self._do("delete", resource, obj, call)
        self._store.remove(resource, obj)

    def _do(
        self,
        verb: str,
        resource: Resource,
        body: JsonObject,
        call: Callable[[Resource, str, JsonObject], JsonObject],
    ) -> JsonObject:
        self._may_write()
        namespace = dig_text(body, "metadata", "namespace")
        extra = {"verb": verb, "kind": resource.kind, "object": f"{namespace}/{name_of(body)}"}
        try:
            made = call(resource, namespace, body)
        except ClusterError as error:
            self._metrics.wrote(verb, resource.kind, type(error).__name__)
            LOG.info("not written: %s", error, extra=extra)
            raise
        self._metrics.wrote(verb, resource.kind, "ok")
        LOG.info("written", extra=extra)
        return made
