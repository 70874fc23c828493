"""The Events that a kubelet writes about its pods."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from tests.testbed.api import ApiError
from tests.testbed.kubelet.clock import now

if TYPE_CHECKING:
    from tests.testbed.api import ApiClient

Json = dict[str, Any]


class Events:
    """Writes each (pod, reason, message) once; repetitions are left out, not counted."""

    def __init__(self, client: ApiClient, node_name: str) -> None:
        self._client = client
        self._node_name = node_name
        self._written: set[tuple[str, str, str]] = set()
        self._lock = threading.Lock()

    def warn(self, pod: Json, reason: str, message: str) -> None:
        """A Warning. An API server that refuses or is away costs the event, nothing else."""
        metadata = pod["metadata"]
        key = (metadata["uid"], reason, message)
        with self._lock:
            if key in self._written:
                return
            self._written.add(key)
        involved = {
            "apiVersion": "v1",
            "kind": "Pod",
            **{part: metadata[part] for part in ("name", "namespace", "uid")},
        }
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "generateName": f"{metadata['name']}.",
                "namespace": metadata["namespace"],
            },
            "involvedObject": involved,
            "type": "Warning",
            "reason": reason,
            "message": message[:1000],
            "source": {"component": "kubelet", "host": self._node_name},
            "firstTimestamp": now(),
            "lastTimestamp": now(),
            "count": 1,
        }
        try:
            path = f"/api/v1/namespaces/{metadata['namespace']}/events"
            self._client.request("POST", path, event)
        except (ApiError, OSError):
            # The namespace may be going away, or a test stopped the API server.
            pass
