"""One pod on the node, from its binding to the deletion of its object."""

from __future__ import annotations

import shutil
import threading
from typing import TYPE_CHECKING, Any

from tests.testbed.api import MERGE_PATCH, ApiError
from tests.testbed.kubelet import clock
from tests.testbed.kubelet.container import Container
from tests.testbed.kubelet.environment import Environment, command_line
from tests.testbed.kubelet.process import Plan, interpreters
from tests.testbed.kubelet.status import pod_status
from tests.testbed.kubelet.volumes import Volumes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.testbed.kubelet.images import Image
    from tests.testbed.kubelet.surroundings import Surroundings

Json = dict[str, Any]
_GONE = (404, 409)
_RETRY_S = 0.3
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class PodWorker:
    """Owns the pod's containers and is the only writer of its status."""

    def __init__(self, pod: Json, around: Surroundings) -> None:
        self.pod = pod
        self.around = around
        self.address = around.addresses.take()
        self.folder = around.folder / pod["metadata"]["uid"]
        metadata = pod["metadata"]
        self._url = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        spec = pod["spec"]
        policy = spec.get("restartPolicy", "Always")
        init_policy = "Never" if policy == "Never" else "OnFailure"
        self.containers = [Container(self, one, policy) for one in spec["containers"]]
        self.init = [Container(self, one, init_policy) for one in spec.get("initContainers", [])]
        self._addresses = {
            "status.podIP": self.address,
            "status.podIPs": self.address,
            "status.hostIP": around.node_address,
        }
        self._start_time = clock.now()
        self._reported: Json = {}
        self._own_conditions: list[Json] = []
        self._wake = threading.Event()
        self._stopping = False
        self._object_gone = False
        self.finished = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"pod-{metadata['name']}", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def update(self, pod: Json) -> None:
        """The object changed: labels, a deletion, conditions of others."""
        self.pod = pod
        self.changed()

    def gone(self) -> None:
        """The object no longer exists: a forced deletion, or our own."""
        self._object_gone = True
        self.changed()

    def abandon(self) -> None:
        """The node stops: kill everything now and leave the object as it is."""
        self._stopping = self._object_gone = True
        for one in [*self.init, *self.containers]:
            one.stop(0)
        self.changed()

    def changed(self) -> None:
        self._wake.set()

    def log_file(self, container: str | None, previous: bool) -> Path:
        """Raises KeyError for a container that the pod does not have."""
        everything = [*self.containers, *self.init]
        for one in everything:
            if container in (None, one.spec["name"]):
                return one.log_file(max(0, one.state.restarts - previous))
        raise KeyError(f"The pod has no container {container}.")

    def plan(self, container: Json, image: Image, folder: Path, log: Path) -> Plan:
        """See PodView.plan."""
        metadata = self.pod["metadata"]
        base = self._base_environment(image)
        environment = Environment(self.pod, self._addresses, self._lookup)
        env = environment.of(container, base)
        volumes = Volumes(
            self.pod, self.folder / "volumes", self._addresses, self._lookup, self._token
        )
        return Plan(
            folder=folder,
            log=log,
            image=image.root,
            command=command_line(container, image.config, env),
            env=env,
            workdir=container.get("workingDir") or image.config.get("WorkingDir") or "/",
            hostname=metadata["name"][:63],
            volumes=volumes.mounts(container),
        )

    def _base_environment(self, image: Image) -> dict[str, str]:
        host, port = self.around.api_address
        env = {
            "PATH": _PATH,
            "HOSTNAME": self.pod["metadata"]["name"],
            "HOME": "/",
            "KUBERNETES_SERVICE_HOST": host,
            "KUBERNETES_SERVICE_PORT": str(port),
        }
        env.update(entry.split("=", 1) for entry in image.config.get("Env") or [])
        # The image's python3 is this machine's, whichever it is.
        own = [f"{prefix}/bin" for prefix in reversed(interpreters())]
        env["PATH"] = ":".join([*own, env["PATH"]])
        return env

    def _lookup(self, kind: str, name: str) -> Json | None:
        plural = {"ConfigMap": "configmaps", "Secret": "secrets"}[kind]
        namespace = self.pod["metadata"]["namespace"]
        path = f"/api/v1/namespaces/{namespace}/{plural}/{name}"
        try:
            return self.around.client.request("GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def _token(self, wanted: Json) -> str:
        metadata = self.pod["metadata"]
        bound = {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": metadata["name"],
            "uid": metadata["uid"],
        }
        spec = {
            "audiences": [wanted["audience"]] if "audience" in wanted else [],
            "expirationSeconds": wanted.get("expirationSeconds", 3600),
            "boundObjectRef": bound,
        }
        account = self.pod["spec"].get("serviceAccountName", "default")
        path = f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts/{account}/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        token: str = self.around.client.request("POST", path, request)["status"]["token"]
        return token

    def _run(self) -> None:
        try:
            self._report()
            self._start_next()
            while not self._is_over():
                self._wake.wait(None if self._reported else _RETRY_S)
                self._wake.clear()
                self._begin_to_stop_when_asked()
                self._start_next()
                self._report()
            self._delete_object()
        finally:
            self.around.addresses.give_back(self.address)
            shutil.rmtree(self.folder / "volumes", ignore_errors=True)
            self.finished.set()

    def _is_over(self) -> bool:
        everything = [*self.init, *self.containers]
        return self._stopping and all(one.state.finished for one in everything)

    def _start_next(self) -> None:
        """Init containers one after the other, then all containers."""
        if self._stopping:
            return
        for one in self.init:
            if not one.begun:
                one.start()
            ended = one.state.now.get("terminated", {})
            if ended.get("exitCode") != 0:
                return
        for one in self.containers:
            if not one.begun:
                one.start()

    def _begin_to_stop_when_asked(self) -> None:
        metadata = self.pod["metadata"]
        asked = "deletionTimestamp" in metadata or self._object_gone
        if not asked or self._stopping:
            return
        self._stopping = True
        grace_s = metadata.get("deletionGracePeriodSeconds")
        if grace_s is None:
            grace_s = self.pod["spec"].get("terminationGracePeriodSeconds", 30)
        for one in [*self.init, *self.containers]:
            one.stop(grace_s)

    def _report(self) -> None:
        """Write the status if it is another than the one written last."""
        if self._object_gone:
            return
        status = pod_status(
            self.pod,
            self._own_conditions,
            states=[one.state for one in self.containers],
            init_states=[one.state for one in self.init],
            addresses=self._addresses,
            start_time=self._start_time,
            now=clock.now(),
        )
        if status == self._reported:
            return
        uid = self.pod["metadata"]["uid"]
        body = {"metadata": {"uid": uid}, "status": status}
        try:
            self.around.client.request("PATCH", f"{self._url}/status", body, kind=MERGE_PATCH)
        except ApiError as error:
            self._object_gone = error.status in _GONE
            self._reported = {}
            self._wake.set() if self._object_gone else None
        except OSError:
            self._reported = {}  # the API server is away: the loop tries again
        else:
            self._reported = status
            self._own_conditions = status["conditions"]

    def _delete_object(self) -> None:
        """Take the object away, as a kubelet does once nothing of the pod runs any more."""
        if self._object_gone:
            return
        options = {
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": self.pod["metadata"]["uid"]},
        }
        while not self._object_gone:
            try:
                self.around.client.request("DELETE", self._url, options)
            except ApiError as error:
                self._object_gone = error.status in _GONE
            except OSError:
                pass  # the API server is away
            else:
                return
            self._wake.wait(_RETRY_S)
