"""One writer: a Lease that is held, renewed, and believed only as long as our own clock allows.

Run by the controller in a thread. `require` is asked before every write. Another holder's Lease is
taken over only after it stood still for its whole duration *as seen from here*, so that clocks need
not agree. A stale leader that wakes up between its check and its write is stopped by the
resourceVersion and the sequence number in what it writes, not by the Lease.

Two processes must not share an identity. The default one is unique, and waits out an old Lease; a
given one (a pod's name: the kubelet starts a container again only when the old one is dead) may
take its own Lease back at once.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rollouts.jsontypes import dig, dig_object, dig_text
from rollouts.kube import LEASES, AlreadyExists, ClusterError, Conflict, NotFound
from rollouts.model import rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollouts.jsontypes import JsonObject
    from rollouts.kube import Cluster

LOG = logging.getLogger(__name__)
RENEWALS = 4  # a Lease of 15 s is renewed every 3.75 s
MARGIN = 0.25  # share of the duration before its end in which nothing is written any more


class NotLeader(Exception):  # noqa: N818 - it says what is the case
    """This process does not hold the Lease, or cannot be sure that it does."""


@dataclass(frozen=True)
class LeaseName:
    """Where the Lease is, whose it is to be, and for how long (seconds) without renewal."""

    namespace: str
    name: str
    identity: str
    duration_s: float


class Leadership:
    """Holds the Lease as long as it can. `lost` is called once, from the renewing thread."""

    def __init__(self, cluster: Cluster, lease: LeaseName, lost: Callable[[], None]) -> None:
        self._cluster = cluster
        self._lease = lease
        self._lost = lost
        self._until = 0.0
        self._seen: tuple[JsonObject, float] | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    @property
    def held(self) -> bool:
        """True while this process may write."""
        return time.monotonic() < self._until

    def require(self) -> None:
        """Raises NotLeader unless this process may write now."""
        if not self.held:
            raise NotLeader("the Lease is not held any more; nothing is written")

    def acquire(self, stopped: threading.Event) -> bool:
        """Waits for the Lease and starts renewing it; False when `stopped` came first."""
        while not stopped.is_set():
            if self._try():
                self._thread.start()
                LOG.info("leading", extra={"identity": self._lease.identity})
                return True
            stopped.wait(self._lease.duration_s / RENEWALS / 2)
        return False

    def release(self) -> None:
        """Gives the Lease away, so that the next one need not wait."""
        self._stopped.set()
        if not self.held:
            return
        self._thread.join(self._lease.duration_s)
        self._until = 0.0
        try:
            current = self._cluster.get(LEASES, self._lease.namespace, self._lease.name)
            if dig_text(current, "spec", "holderIdentity") == self._lease.identity:
                spec = {**dig_object(current, "spec"), "holderIdentity": ""}
                self._cluster.replace(LEASES, self._lease.namespace, {**current, "spec": spec})
        except ClusterError as error:
            LOG.info("the Lease could not be given away: %s", error)

    def _renew(self) -> None:
        while not self._stopped.wait(self._lease.duration_s / RENEWALS):
            self._try()
            if not self.held:
                LOG.error("the Lease is lost", extra={"identity": self._lease.identity})
                self._lost()
                return

    def _try(self) -> bool:
        """One attempt to get or keep the Lease. What was held stays held until it runs out."""
        asked_at = time.monotonic()
        try:
            self._write(self._current())
        except (AlreadyExists, Conflict, _Taken):
            return False
        except ClusterError as error:
            LOG.warning("the Lease cannot be renewed: %s", error)
            return False
        # Counted from before the request: nobody can have seen the renewal earlier than that.
        self._until = asked_at + self._lease.duration_s * (1 - MARGIN)
        return True

    def _current(self) -> JsonObject | None:
        try:
            return self._cluster.get(LEASES, self._lease.namespace, self._lease.name)
        except NotFound:
            return None

    def _write(self, current: JsonObject | None) -> None:
        now = rfc3339(datetime.now(UTC))
        spec: JsonObject = {
            "holderIdentity": self._lease.identity,
            "leaseDurationSeconds": max(1, round(self._lease.duration_s)),
            "renewTime": now,
        }
        if current is None:
            metadata = {"name": self._lease.name, "namespace": self._lease.namespace}
            spec |= {"acquireTime": now, "leaseTransitions": 0}
            self._cluster.create(
                LEASES,
                self._lease.namespace,
                {
                    "apiVersion": LEASES.api_version,
                    "kind": LEASES.kind,
                    "metadata": metadata,
                    "spec": spec,
                },
            )
            return
        old = dig_object(current, "spec")
        if dig_text(old, "holderIdentity") != self._lease.identity:
            self._require_free(old)
            turns = dig(old, "leaseTransitions") or 0
            spec |= {"acquireTime": now, "leaseTransitions": turns + 1}
        body = {**current, "spec": {**old, **spec}}
        self._cluster.replace(LEASES, self._lease.namespace, body)

    def _require_free(self, spec: JsonObject) -> None:
        """Raises _Taken unless the holder gave it away or let it stand still for too long."""
        if not dig_text(spec, "holderIdentity"):
            return
        now = time.monotonic()
        if self._seen is None or self._seen[0] != spec:
            self._seen = (spec, now)
        duration = dig(spec, "leaseDurationSeconds") or self._lease.duration_s
        if now - self._seen[1] < duration:
            raise _Taken


class _Taken(Exception):  # noqa: N818 - control flow inside this module
    pass
