"""Keeps the store in step with the API server: a list, then a watch, for ever.

One thread for each kind. A watch that expired (410) or that nothing can be said about is replaced
by a new list; one that goes quiet ends by its own timeout; and now and then everything is listed
again, so that an event that was lost on the way is missed for a bounded time only.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollouts.jsontypes import version_of
from rollouts.kube import ClusterError, Forbidden, Gone, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollouts.controller.store import Store
    from rollouts.jsontypes import JsonObject
    from rollouts.kube import Cluster, Resource, WatchEvent

LOG = logging.getLogger(__name__)
WATCH_S = 30.0
RELIST_S = 120.0
LONGEST_PAUSE_S = 10.0


@dataclass(frozen=True)
class Interest:
    """Which objects: a kind, in one namespace or (None) in all, by label.

    `optional`: a kind that is not installed, or that we may not list, counts as one without
    objects.
    """

    resource: Resource
    namespace: str | None
    labels: str = ""
    optional: bool = False


class Informer:
    """Calls `changed` with every object that is new, different or gone, after the store has it."""

    def __init__(
        self,
        cluster: Cluster,
        store: Store,
        interest: Interest,
        changed: Callable[[Resource, JsonObject], None],
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._interest = interest
        self._changed = changed
        self._stopped = threading.Event()
        self.synced = threading.Event()
        self.heard_at = time.monotonic()
        name = f"informer-{interest.resource.plural}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def alive(self) -> bool:
        """False when its thread has died, which only a mistake of ours can do."""
        return self._thread.is_alive()

    @property
    def plural(self) -> str:
        """The kind's name in the API."""
        return self._interest.resource.plural

    @property
    def optional(self) -> bool:
        """Whether the cluster may lack the kind."""
        return self._interest.optional

    def silence_s(self) -> float:
        """Seconds since the API server was last heard."""
        return time.monotonic() - self.heard_at

    def start(self) -> None:
        """Begins in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Ends after the event or the watch that it is reading; does not wait for that."""
        self._stopped.set()

    def _run(self) -> None:
        failures, version, listed_at = 0, "", 0.0
        while not self._stopped.is_set():
            try:
                if not version or time.monotonic() - listed_at > RELIST_S:
                    version, listed_at = self._list(), time.monotonic()
                version, failures = self._watch(version), 0
            except Gone:
                version = ""
            except ClusterError as error:
                failures += 1
                if self._interest.optional and isinstance(error, NotFound | Forbidden):
                    self.synced.set()
                self._pause(failures, error)
                if failures > 1:  # once may be a restart of the server; twice is worth a look
                    version = ""

    def _list(self) -> str:
        interest = self._interest
        found = self._cluster.list(interest.resource, interest.namespace, labels=interest.labels)
        for obj in self._store.replace_all(interest.resource, found.items):
            self._changed(interest.resource, obj)
        self.heard_at = time.monotonic()
        self.synced.set()
        return found.resource_version

    def _watch(self, version: str) -> str:
        """Follows changes until the watch ends; the version to go on from."""
        interest = self._interest
        for event in self._cluster.watch(
            interest.resource,
            interest.namespace,
            version,
            timeout_s=WATCH_S,
            labels=interest.labels,
        ):
            self._take(event)
            version = event.resource_version or version
            self.heard_at = time.monotonic()
            if self._stopped.is_set():
                break
        return version

    def _take(self, event: WatchEvent) -> None:
        resource = self._interest.resource
        if event.type == "BOOKMARK":
            return
        if event.type == "DELETED":
            self._store.remove(resource, event.object)
            self._changed(resource, event.object)
        elif self._store.put(resource, event.object):
            self._changed(resource, event.object)
        elif not version_of(event.object):
            LOG.warning("a watch sent an object without a version", extra={"kind": resource.kind})

    def _pause(self, failures: int, error: ClusterError) -> None:
        level = (
            logging.DEBUG
            if isinstance(error, NotFound | Forbidden) and self._interest.optional
            else logging.WARNING
        )
        LOG.log(level, "watching failed: %s", error, extra={"kind": self._interest.resource.kind})
        longest = min(LONGEST_PAUSE_S, 0.1 * 2 ** min(failures, 10))
        pause = max(error.retry_after or 0.0, longest * random.uniform(0.5, 1))  # noqa: S311 - spreads load
        self._stopped.wait(pause)
