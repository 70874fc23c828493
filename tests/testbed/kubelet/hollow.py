"""Pods without processes: ready at once, gone at once. For tests of scale."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from tests.testbed.api import MERGE_PATCH, ApiError
from tests.testbed.kubelet import clock
from tests.testbed.kubelet.state import ContainerState, running
from tests.testbed.kubelet.status import pod_status

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from tests.testbed.kubelet.surroundings import Surroundings

Json = dict[str, Any]
ANNOTATION = "testbed.holdpoint.dev/hollow"


def is_hollow(pod: Json) -> bool:
    return bool(pod["metadata"].get("annotations", {}).get(ANNOTATION) == "true")


class HollowPod:
    """Has the interface of PodWorker and no thread: its two writes go through a shared pool."""

    def __init__(self, pod: Json, around: Surroundings, pool: ThreadPoolExecutor) -> None:
        self.pod = pod
        self.finished = threading.Event()
        self._around = around
        self._pool = pool
        self._address = around.addresses.take()
        self._deleting = False
        metadata = pod["metadata"]
        self._url = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"

    def start(self) -> None:
        self._pool.submit(self._become_ready)

    def update(self, pod: Json) -> None:
        self.pod = pod
        if "deletionTimestamp" in pod["metadata"] and not self._deleting:
            self._deleting = True
            self._pool.submit(self._delete)

    def gone(self) -> None:
        self._around.addresses.give_back(self._address)
        self.finished.set()

    def _state(self, spec: Json, now: str) -> ContainerState:
        return ContainerState(
            name=spec["name"],
            image=spec["image"],
            now=running(now),
            image_id=spec["image"],
            container_id=f"hollow-{self.pod['metadata']['uid']}",
            started=True,
            ready=True,
        )

    def _become_ready(self) -> None:
        now = clock.now()
        states = [self._state(spec, now) for spec in self.pod["spec"]["containers"]]
        addresses = {
            "status.podIP": self._address,
            "status.hostIP": self._around.node_address,
        }
        status = pod_status(
            self.pod,
            [],
            states=states,
            init_states=[],
            addresses=addresses,
            start_time=now,
            now=now,
        )
        body = {"metadata": {"uid": self.pod["metadata"]["uid"]}, "status": status}
        with contextlib.suppress(ApiError, OSError):  # the pod may be gone already
            self._around.client.request("PATCH", f"{self._url}/status", body, kind=MERGE_PATCH)

    def _delete(self) -> None:
        uid = self.pod["metadata"]["uid"]
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": uid}}
        with contextlib.suppress(ApiError, OSError):
            self._around.client.request("DELETE", self._url, options)
