"""An API server in memory: versions, conflicts, generations, status subresources.

It has the methods of `rollouts.kube.Cluster` that the controller uses, and can strike: end the
process before or after it commits the n-th write, or refuse it.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from rollouts import kube

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
KINDS = (
    kube.MODEL_DEPLOYMENTS,
    kube.ROLLOUT_REQUESTS,
    kube.ROLLOUT_APPROVALS,
    kube.DEPLOYMENTS,
    kube.SERVICES,
    kube.PODS,
    kube.ENDPOINT_SLICES,
    kube.CONTROLLER_REVISIONS,
    kube.HTTP_ROUTES,
    kube.EVENTS,
)
WITH_STATUS = {
    kube.MODEL_DEPLOYMENTS,
    kube.ROLLOUT_REQUESTS,
    kube.DEPLOYMENTS,
    kube.PODS,
    kube.HTTP_ROUTES,
}


class Killed(BaseException):
    """The process is gone, in the middle of a write."""


class FakeCluster:
    """`on_write(number, verb, kind)` may raise, `after_write` too; `check` sees every commit."""

    def __init__(self, now: Callable[[], str]) -> None:
        self.now = now
        self.objects: dict[kube.Resource, dict[tuple[str, str], Json]] = {k: {} for k in KINDS}
        self.changes: dict[kube.Resource, int] = dict.fromkeys(KINDS, 0)
        self.version = 0
        self.writes: list[str] = []
        self.on_write: Callable[[int], None] = lambda _: None
        self.after_write: Callable[[int], None] = lambda _: None
        self.check: Callable[[str], None] = lambda _: None

    def get(self, resource: kube.Resource, namespace: str | None, name: str) -> Json:
        found = self.objects[resource].get((namespace or "", name))
        if found is None:
            raise kube.NotFound(f"no {resource.plural} {name}", status=404)
        return copy.deepcopy(found)

    def create(self, resource: kube.Resource, namespace: str | None, body: Json) -> Json:
        return self._write(f"create {resource.kind}", lambda: self.put_new(resource, body))

    def replace(self, resource: kube.Resource, namespace: str | None, body: Json) -> Json:
        return self._write(
            f"replace {resource.kind}", lambda: self._replaced(resource, body, status=False)
        )

    def replace_status(self, resource: kube.Resource, namespace: str | None, body: Json) -> Json:
        return self._write(
            f"status {resource.kind}", lambda: self._replaced(resource, body, status=True)
        )

    def delete(
        self,
        resource: kube.Resource,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> None:
        def gone() -> Json:
            current = self.get(resource, namespace, name)
            wanted = {"uid": uid, "resourceVersion": resource_version}
            if any(value and current["metadata"][key] != value for key, value in wanted.items()):
                raise kube.Conflict("it changed", status=409)
            self.changes[resource] += 1
            return self.objects[resource].pop((namespace or "", name))

        self._write(f"delete {resource.kind}", gone)

    # What the test and the simulated world do, which is no write of the controller's.

    def put_new(self, resource: kube.Resource, body: Json) -> Json:
        metadata = body["metadata"]
        key = (metadata["namespace"], metadata["name"])
        if key in self.objects[resource]:
            raise kube.AlreadyExists(f"{key} exists", status=409)
        made = copy.deepcopy(body)
        self.version += 1
        made["metadata"] |= {
            "uid": f"uid-{self.version}",
            "resourceVersion": str(self.version),
            "generation": 1,
            "creationTimestamp": self.now(),
        }
        if resource in WITH_STATUS:
            made.pop("status", None)
        made.setdefault("apiVersion", resource.api_version)
        made.setdefault("kind", resource.kind)
        self.objects[resource][key] = made
        self.changes[resource] += 1
        return copy.deepcopy(made)

    def change(self, resource: kube.Resource, name: str, change: Callable[[Json], None]) -> None:
        """Somebody else's edit: of anything, at once."""
        key = next(key for key in self.objects[resource] if key[1] == name)
        new = copy.deepcopy(self.objects[resource][key])
        change(new)
        self._commit(resource, key, new)

    def _write(self, what: str, do: Callable[[], Json]) -> Json:
        number = len(self.writes) + 1
        self.on_write(number)
        made = do()
        self.writes.append(what)
        self.check(what)
        self.after_write(number)
        return made

    def _replaced(self, resource: kube.Resource, body: Json, *, status: bool) -> Json:
        key = (body["metadata"]["namespace"], body["metadata"]["name"])
        current = self.get(resource, *key)
        if current["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            raise kube.Conflict(f"{key} changed", status=409)
        if status:
            new = {**current, "status": copy.deepcopy(body.get("status"))}
        else:
            new = {**copy.deepcopy(body), "status": current.get("status")}
            if new["status"] is None:
                del new["status"]
        return self._commit(resource, key, new)

    def _commit(self, resource: kube.Resource, key: tuple[str, str], new: Json) -> Json:
        old = self.objects[resource][key]
        if new == old:
            return copy.deepcopy(old)
        self.version += 1
        new["metadata"]["resourceVersion"] = str(self.version)
        if new.get("spec") != old.get("spec"):
            new["metadata"]["generation"] = old["metadata"]["generation"] + 1
        self.objects[resource][key] = new
        self.changes[resource] += 1
        return copy.deepcopy(new)
