"""Objects of a cluster, for tests: get, list, create, patch, apply, delete, wait.

A kind is written `apiVersion/Kind`: "v1/Pod", "apps/v1/Deployment".
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from tests.testbed.api import APPLY_PATCH, MERGE_PATCH, ApiClient, ApiError, Json
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Objects = list[Json]
_NOT_FOUND = 404


class Discovery:
    """Knows the path under which each kind is served; asks again for kinds it has not seen."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._known: dict[str, Json] = {}
        self._lock = threading.Lock()

    def _load(self, version: str) -> None:
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        for resource in self._client.request("GET", root)["resources"]:
            if "/" not in resource["name"]:
                key = f"{version}/{resource['kind']}"
                self._known[key] = {**resource, "root": root}

    def path(self, kind: str, namespace: str | None) -> tuple[str, bool]:
        """The collection's path, and whether its objects live in a namespace."""
        with self._lock:
            if kind not in self._known:
                self._load(kind.rpartition("/")[0])
            if kind not in self._known:
                raise KeyError(f"The API server serves no {kind}; is its CRD installed?")
            resource = self._known[kind]
        within = f"/namespaces/{namespace}" if resource["namespaced"] and namespace else ""
        return f"{resource['root']}{within}/{resource['name']}", resource["namespaced"]


class Kube:
    """One user's view of the cluster; objects without a namespace are put into `namespace`."""

    def __init__(
        self, client: ApiClient, namespace: str = "default", discovery: Discovery | None = None
    ) -> None:
        self.client = client
        self.namespace = namespace
        self._discovery = discovery or Discovery(client)

    @classmethod
    def from_kubeconfig(cls, path: Path, namespace: str = "default") -> Kube:
        return cls(ApiClient.from_kubeconfig(path), namespace)

    def within(self, namespace: str) -> Kube:
        """The same user in another namespace."""
        return Kube(self.client, namespace, self._discovery)

    def _path(self, kind: str, name: str = "", part: str = "") -> str:
        collection, _ = self._discovery.path(kind, self.namespace)
        return "/".join(filter(None, [collection, name, part]))

    def _placed(self, manifest: Json) -> tuple[str, Json]:
        kind = f"{manifest['apiVersion']}/{manifest['kind']}"
        metadata = manifest.get("metadata", {})
        namespace = metadata.get("namespace", self.namespace)
        path, namespaced = self._discovery.path(kind, namespace)
        placed = {**metadata, "namespace": namespace} if namespaced else metadata
        return path, {**manifest, "metadata": placed}

    def get(self, kind: str, name: str) -> Json:
        """Raises ApiError (status 404) when there is none."""
        return self.client.request("GET", self._path(kind, name))

    def find(self, kind: str, name: str) -> Json | None:
        try:
            return self.get(kind, name)
        except ApiError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def list(self, kind: str, selector: str = "") -> Objects:
        query = {"labelSelector": selector} if selector else None
        items: Objects = self.client.request("GET", self._path(kind), query=query)["items"]
        return items

    def create(self, manifest: Json) -> Json:
        path, placed = self._placed(manifest)
        return self.client.request("POST", path, placed)

    def apply(self, manifest: Json, manager: str = "tests", **more: str) -> Json:
        """Server-side apply, taking over fields that others own. `more`: of the query."""
        path, placed = self._placed(manifest)
        query = {"fieldManager": manager, "force": "true", **more}
        target = f"{path}/{placed['metadata']['name']}"
        return self.client.request("PATCH", target, placed, query=query, kind=APPLY_PATCH)

    def patch(
        self, kind: str, name: str, body: Any, *, subresource: str = "", how: str = MERGE_PATCH
    ) -> Json:
        """A merge patch, or another kind of patch when `how` names its media type."""
        return self.client.request("PATCH", self._path(kind, name, subresource), body, kind=how)

    def delete(self, kind: str, name: str, *, grace_s: int | None = None) -> None:
        """Delete, dependants in the background. An object that is gone already is no error."""
        options: Json = {"propagationPolicy": "Background"}
        if grace_s is not None:
            options["gracePeriodSeconds"] = grace_s
        try:
            self.client.request("DELETE", self._path(kind, name), options)
        except ApiError as error:
            if error.status != _NOT_FOUND:
                raise

    def logs(self, pod: str) -> str:
        """What the API server can tell of a pod's logs; the testbed's kubelet keeps files too."""
        return self.client.raw("GET", self._path("v1/Pod", pod, "log")).decode()

    def wait_until(
        self,
        kind: str,
        name: str,
        condition: Callable[[Json], object],
        what: str,
        deadline_s: float = 30,
    ) -> Json:
        """Wait until the object exists and `condition(object)` is true; return the object."""
        seen: Json = {}

        def probe() -> bool:
            seen.clear()
            seen.update(self.find(kind, name) or {})
            return bool(seen) and bool(condition(seen))

        try:
            wait_until(probe, deadline_s, f"{kind} {name} to {what}")
        except AssertionError as error:
            shown = {key: seen.get(key) for key in ("spec", "status")}
            raise type(error)(f"{error} Of the object: {shown!r}"[:6000]) from None
        return seen

    def wait_gone(self, kind: str, name: str, deadline_s: float = 30) -> None:
        """Wait until the object no longer exists."""
        wait_until(lambda: self.find(kind, name) is None, deadline_s, f"{kind} {name} to be gone")
