"""The Node object, and the signs of life that keep it Ready."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from tests.testbed.api import APPLY_PATCH, MERGE_PATCH, ApiError
from tests.testbed.kubelet import clock

if TYPE_CHECKING:
    from tests.testbed.api import ApiClient

Json = dict[str, Any]
_HEARTBEAT_S = 10.0
_LEASE_S = 40
_RETRY_S = 0.5
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_CAPACITY = {"cpu": "64", "memory": "256Gi", "pods": "2000", "ephemeral-storage": "100Gi"}
_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure")


def _conditions() -> list[Json]:
    now = clock.now()
    given = [(kind, "False", f"KubeletHasNo{kind}") for kind in _PRESSURES]
    given.append(("Ready", "True", "KubeletReady"))
    return [
        {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": "reported by the testbed's kubelet",
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        }
        for kind, status, reason in given
    ]


class NodeObject:
    """Registers the node and renews its lease until `stop`."""

    def __init__(self, client: ApiClient, name: str, address: str, kubelet_port: int) -> None:
        self.name = name
        self._client = client
        self._address = address
        self._kubelet_port = kubelet_port
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"node-{name}", daemon=True)

    def start(self) -> None:
        """Register. Raises ApiError when the API server does not accept the node."""
        labels = {
            "kubernetes.io/hostname": self.name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
        }
        metadata = {"name": self.name, "labels": labels}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": metadata}
        self._client.request("POST", "/api/v1/nodes", node)
        status = {
            "capacity": _CAPACITY,
            "allocatable": _CAPACITY,
            "conditions": _conditions(),
            # Without a host name the API server asks for logs at the address.
            "addresses": [{"type": "InternalIP", "address": self._address}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self._kubelet_port}},
            "nodeInfo": {
                "architecture": "amd64",
                "operatingSystem": "linux",
                "osImage": "holdpoint testbed",
                "kubeletVersion": "v1.36.0-testbed",
                "containerRuntimeVersion": "testbed://1",
                **dict.fromkeys(
                    ("machineID", "systemUUID", "bootID", "kernelVersion", "kubeProxyVersion"), ""
                ),
            },
        }
        path = f"/api/v1/nodes/{self.name}/status"
        self._client.request("PATCH", path, {"status": status}, kind=MERGE_PATCH)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _beat(self) -> None:
        delay = 0.0
        while not self._stopped.wait(delay):
            try:
                self._renew_lease()
                delay = _HEARTBEAT_S
            except (ApiError, OSError):
                # The namespace of the leases comes soon after the API server itself; or a test
                # has stopped the API server.
                delay = _RETRY_S

    def _renew_lease(self) -> None:
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self.name},
            "spec": {
                "holderIdentity": self.name,
                "leaseDurationSeconds": _LEASE_S,
                "renewTime": clock.now_micro(),
            },
        }
        query = {"fieldManager": "kubelet", "force": "true"}
        path = f"{_LEASES}/{self.name}"
        self._client.request("PATCH", path, lease, query=query, kind=APPLY_PATCH)
