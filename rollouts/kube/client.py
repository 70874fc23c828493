"""`Cluster`: reads and writes of raw JSON objects, each with a deadline and a bounded body.

Built once by a process and shared by its threads. See the package for what it leaves alone.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import urllib3
from kubernetes import client as official
from kubernetes import config as official_config

from rollouts.jsontypes import JsonObject, dig_list, dig_object, dig_text, name_of, version_of
from rollouts.kube import watch as watching
from rollouts.kube.errors import ClusterError, Gone, NotConfigured, Unreachable, from_response

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rollouts.kube.watch import WatchEvent
    from rollouts.resources import Resource

CONNECT_S = 3.0
READ_S = 10.0
LARGEST_BODY = 64 << 20
PAGE = 500
WATCH_GRACE_S = 5.0  # a watch that outlives its own timeout by this much is half-open
_MANAGED = {"fieldManager": "holdpoint"}
POOL_SIZE = 16
# Never on a status: Retry-After is for the caller, who may have something more urgent to do.
GET_AGAIN = urllib3.Retry(1, connect=0, redirect=0, status=0, respect_retry_after_header=False)


@dataclass(frozen=True)
class _Request:
    """One request: `doing` begins the sentence of an error ("create pods web-1")."""

    method: str
    path: str
    doing: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: JsonObject | None = None


@dataclass(frozen=True)
class ListResult:
    """Every object of a list, and the version to watch from."""

    items: tuple[JsonObject, ...]
    resource_version: str


class Cluster:
    """One API server. Safe to share between threads. Every method raises ClusterError."""

    def __init__(self, configuration: Any, *, read_s: float = READ_S) -> None:
        configuration.connection_pool_maxsize = POOL_SIZE
        self._configuration = configuration
        self._client = official.ApiClient(configuration)
        self._read_s = read_s

    @classmethod
    def connect(
        cls, kubeconfig: str | None = None, context: str | None = None, *, read_s: float = READ_S
    ) -> Cluster:
        """From a kubeconfig ($KUBECONFIG when None), or from the pod's service account.

        Nothing is sent yet. Raises NotConfigured.
        """
        configuration = official.Configuration()
        path = kubeconfig or os.environ.get("KUBECONFIG") or _home_config()
        try:
            if path:
                official_config.load_kube_config(  # type: ignore[no-untyped-call]
                    config_file=path, context=context, client_configuration=configuration
                )
            else:
                official_config.load_incluster_config(  # type: ignore[no-untyped-call]
                    client_configuration=configuration
                )
        except (official_config.ConfigException, OSError, ValueError) as error:
            raise NotConfigured(
                f"cannot find a cluster in {path or 'this pod'}: {error}"
            ) from error
        return cls(configuration, read_s=read_s)

    def close(self) -> None:
        """Closes idle connections."""
        self._client.rest_client.pool_manager.clear()

    def get(self, resource: Resource, namespace: str | None, name: str) -> JsonObject:
        """One object. Raises NotFound."""
        doing = f"get {resource.plural} {name}"
        return self._call(_Request("GET", resource.path(namespace, name), doing))

    def list(self, resource: Resource, namespace: str | None, *, labels: str = "") -> ListResult:
        """Every object of a namespace (None: of all), page by page; `labels` is a selector.

        A position that expires between two pages starts the list again, once.
        """
        try:
            return self._pages(resource, namespace, labels)
        except Gone:
            return self._pages(resource, namespace, labels)

    def create(
        self, resource: Resource, namespace: str | None, body: JsonObject, *, strict: bool = False
    ) -> JsonObject:
        """Creates and returns the object as stored. Raises AlreadyExists, Invalid.

        `strict` refuses fields that the server's schema does not know, instead of dropping them.
        """
        doing = f"create {resource.plural} {name_of(body)}"
        query = {**_MANAGED, **({"fieldValidation": "Strict"} if strict else {})}
        return self._call(_Request("POST", resource.path(namespace), doing, query, body))

    def replace(self, resource: Resource, namespace: str | None, body: JsonObject) -> JsonObject:
        """Replaces the object, only if it still has the body's resourceVersion. Raises Conflict."""
        return self._replace(resource, namespace, body, "")

    def replace_status(
        self, resource: Resource, namespace: str | None, body: JsonObject
    ) -> JsonObject:
        """The same for the status subresource: everything but `status` is ignored."""
        return self._replace(resource, namespace, body, "status")

    def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> None:
        """Deletes; with `uid` only that very object, with `resource_version` only as it was read.

        Raises NotFound, Conflict.
        """
        options: JsonObject = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
        }
        conditions = {"uid": uid, "resourceVersion": resource_version}
        options["preconditions"] = {key: value for key, value in conditions.items() if value}
        doing = f"delete {resource.plural} {name}"
        self._call(_Request("DELETE", resource.path(namespace, name), doing, {}, options))

    def watch(
        self,
        resource: Resource,
        namespace: str | None,
        resource_version: str,
        *,
        timeout_s: float,
        labels: str = "",
    ) -> Iterator[WatchEvent]:
        """Changes after `resource_version`; ends by itself after `timeout_s` seconds.

        Raises Gone when that version is too old, Unreachable when the connection breaks or goes
        quiet for longer than the server promised to keep it.
        """
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(max(1, int(timeout_s))),
            **({"labelSelector": labels} if labels else {}),
        }
        doing = f"watch {resource.plural}"
        request = _Request("GET", resource.path(namespace), doing, query)
        with self._answer(request, timeout_s + WATCH_GRACE_S) as answer:
            deadline = time.monotonic() + timeout_s + WATCH_GRACE_S
            yield from watching.events(_pieces(answer, deadline, None, doing), doing)

    def _replace(
        self, resource: Resource, namespace: str | None, body: JsonObject, subresource: str
    ) -> JsonObject:
        name = name_of(body)
        doing = f"replace {resource.plural} {name}"
        if not version_of(body):
            raise ClusterError(f"cannot {doing}: the object has no resourceVersion to depend on")
        path = resource.path(namespace, name, subresource)
        return self._call(_Request("PUT", path, doing, _MANAGED, body))

    def _pages(self, resource: Resource, namespace: str | None, labels: str) -> ListResult:
        query = {"limit": str(PAGE), **({"labelSelector": labels} if labels else {})}
        items: list[JsonObject] = []
        while True:
            doing = f"list {resource.plural}"
            page = self._call(_Request("GET", resource.path(namespace), doing, query))
            items += dig_list(page, "items")
            position = dig_text(page, "metadata", "continue")
            if not position:
                # A list leaves each item's kind out; owners of raw objects need it.
                header = {"apiVersion": resource.api_version, "kind": resource.kind}
                return ListResult(tuple({**header, **item} for item in items), version_of(page))
            query["continue"] = position

    def _call(self, request: _Request) -> JsonObject:
        deadline = time.monotonic() + CONNECT_S + self._read_s
        with self._answer(request, self._read_s) as answer:
            text = b"".join(_pieces(answer, deadline, LARGEST_BODY, request.doing))
        try:
            data = json.loads(text)
        except ValueError as error:
            raise Unreachable(f"cannot {request.doing}: the answer is not JSON") from error
        if not isinstance(data, dict):
            raise Unreachable(f"cannot {request.doing}: the answer is not an object")
        return data

    @contextmanager
    def _answer(self, request: _Request, read_s: float) -> Iterator[urllib3.BaseHTTPResponse]:
        """An answer under 300, open; afterwards its connection is pooled again or closed."""
        query = f"?{urlencode(request.query)}" if request.query else ""
        # A read on a connection that the server has just closed is repeated once; a write never.
        again = GET_AGAIN if request.method == "GET" else False
        answer: urllib3.BaseHTTPResponse | None = None
        try:
            answer = self._client.rest_client.pool_manager.request(
                request.method,
                f"{self._configuration.host}{request.path}{query}",
                body=None if request.body is None else json.dumps(request.body).encode(),
                headers=self._headers(request.body is not None),
                timeout=urllib3.Timeout(connect=CONNECT_S, read=read_s),
                preload_content=False,
                redirect=False,
                retries=again,
            )
            if answer.status >= 300:
                deadline = time.monotonic() + read_s
                text = b"".join(_pieces(answer, deadline, LARGEST_BODY, request.doing))
                raise from_response(answer.status, text, answer.headers, request.doing)
            yield answer
        except (urllib3.exceptions.HTTPError, OSError) as error:
            sentence = f"cannot {request.doing}: {type(error).__name__}: {error}"
            raise Unreachable(sentence) from error
        finally:
            if answer is not None:
                _let_go(answer)

    def _headers(self, has_body: bool) -> dict[str, str]:
        """Asked for on every request, because tokens are renewed while we run."""
        headers = {"Accept": "application/json", "User-Agent": "holdpoint"}
        if has_body:
            headers["Content-Type"] = "application/json"
        for setting in self._configuration.auth_settings().values():
            value = dig_text(dig_object(setting), "value")
            if setting["in"] == "header" and value:
                headers[setting["key"]] = value
        return headers


def _pieces(
    answer: urllib3.BaseHTTPResponse, deadline: float, largest: int | None, doing: str
) -> Iterator[bytes]:
    """The body as it arrives. Raises Unreachable past the deadline or the size."""
    size = 0
    while piece := answer.read1(1 << 16):
        size += len(piece)
        if largest is not None and size > largest:
            raise Unreachable(f"cannot {doing}: the answer is over {largest} bytes")
        yield piece
        if time.monotonic() > deadline:
            raise Unreachable(f"cannot {doing}: the answer took too long")


def _let_go(answer: urllib3.BaseHTTPResponse) -> None:
    """Keeps the connection if the body was read to its end, closes it otherwise."""
    if answer.closed:
        answer.release_conn()
    else:
        answer.close()


def _home_config() -> str:
    path = Path.home() / ".kube" / "config"
    return str(path) if path.exists() else ""
