"""The node's kubelet: watches the pods bound to it and gives each to a worker."""

from __future__ import annotations

import http.client
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.testbed import netns
from tests.testbed.api import ApiClient, ApiError
from tests.testbed.kubelet.addresses import AddressPool
from tests.testbed.kubelet.events import Events
from tests.testbed.kubelet.hollow import HollowPod, is_hollow
from tests.testbed.kubelet.images import Images
from tests.testbed.kubelet.log_server import LogServer
from tests.testbed.kubelet.node import NodeObject
from tests.testbed.kubelet.pod import PodWorker
from tests.testbed.kubelet.surroundings import Backoff, Surroundings

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from tests.testbed.control_plane import ControlPlane
    from tests.testbed.oci import ImageStore

Json = dict[str, Any]
_PODS = "/api/v1/pods"
_RETRY_S = 0.2
_STOP_S = 5.0
_HOLLOW_WRITERS = 8


class Kubelet:
    """One node of `control_plane`, running pods from `store`, with its files in `folder`.

    With `hollow` every pod is ready without a process; otherwise those annotated
    `testbed.holdpoint.dev/hollow: "true"` are. Nodes that share a namespace share `addresses`.
    """

    def __init__(
        self,
        control_plane: ControlPlane,
        store: ImageStore,
        folder: Path,
        *,
        name: str = "testbed-node",
        hollow: bool = False,
        backoff: Backoff | None = None,
        addresses: AddressPool | None = None,
    ) -> None:
        self.name = name
        self._hollow = hollow
        user = control_plane.user_kubeconfig(f"system:node:{name}", "system:nodes")
        client = ApiClient.from_kubeconfig(user)
        self._around = Surroundings(
            node_name=name,
            node_address=netns.NODE_ADDRESS,
            api_address=control_plane.host_and_port,
            client=client,
            images=Images(store, folder / "images"),
            addresses=addresses or AddressPool(),
            events=Events(client, name),
            folder=folder / "pods",
            backoff=backoff or Backoff(),
        )
        self._logs = LogServer(control_plane.ca, netns.NODE_ADDRESS, self._log_file)
        self._node = NodeObject(client, name, netns.NODE_ADDRESS, self._logs.port)
        self._workers: dict[str, PodWorker | HollowPod] = {}
        self._writers = ThreadPoolExecutor(_HOLLOW_WRITERS, thread_name_prefix="hollow")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"kubelet-{name}", daemon=True)

    def __enter__(self) -> Kubelet:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Register the node and begin to run its pods."""
        self._logs.start()
        self._node.start()
        self._thread.start()

    def stop(self) -> None:
        """Kill all pods' processes and stop reporting; the objects stay."""
        self._stopped.set()
        workers = [one for one in self._workers.values() if isinstance(one, PodWorker)]
        for worker in workers:
            worker.abandon()
        for worker in workers:
            worker.finished.wait(_STOP_S)
        self._node.stop()
        self._logs.stop()
        self._writers.shutdown()

    def logs(
        self, namespace: str, pod: str, container: str | None = None, *, previous: bool = False
    ) -> str:
        """What a pod's container has written, in its present run or the one before.

        Raises KeyError when this node never ran such a pod.
        """
        path = self._log_file(namespace, pod, container, previous)
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _log_file(self, namespace: str, pod: str, container: str | None, previous: bool) -> Path:
        for worker in reversed(list(self._workers.values())):
            metadata = worker.pod["metadata"]
            if (metadata["namespace"], metadata["name"]) == (namespace, pod):
                if isinstance(worker, HollowPod):
                    raise KeyError(f"The pod {pod} is hollow and has no logs.")
                return worker.log_file(container, previous)
        raise KeyError(f"The node {self.name} runs no pod {pod} in namespace {namespace}.")

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._watch(self._list())
            except (ApiError, OSError, ValueError, http.client.HTTPException):
                # The API server is away or the resource version is too old: list again.
                self._stopped.wait(_RETRY_S)

    def _own(self) -> dict[str, str]:
        return {"fieldSelector": f"spec.nodeName={self.name}"}

    def _list(self) -> str:
        answer = self._around.client.request("GET", _PODS, query=self._own())
        present = {pod["metadata"]["uid"]: pod for pod in answer["items"]}
        for uid in set(self._workers) - set(present):
            self._workers[uid].gone()
        for pod in present.values():
            self._take(pod)
        version: str = answer["metadata"]["resourceVersion"]
        return version

    def _watch(self, version: str) -> None:
        for event in self._around.client.watch(_PODS, {**self._own(), "resourceVersion": version}):
            if self._stopped.is_set() or event["type"] == "ERROR":
                return
            if event["type"] == "DELETED":
                worker = self._workers.get(event["object"]["metadata"]["uid"])
                if worker:
                    worker.gone()
            else:
                self._take(event["object"])

    def _take(self, pod: Json) -> None:
        uid = pod["metadata"]["uid"]
        if uid in self._workers:
            self._workers[uid].update(pod)
            return
        worker: PodWorker | HollowPod
        if self._hollow or is_hollow(pod):
            worker = HollowPod(pod, self._around, self._writers)
        else:
            worker = PodWorker(pod, self._around)
        self._workers[uid] = worker
        worker.start()
        worker.update(pod)
