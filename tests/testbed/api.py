"""The Kubernetes API as plain JSON: one request, one answer, and watches.

The tests talk to the API server through this and not through the client that the product uses,
so that a mistake there cannot hide itself here.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import tempfile
import urllib.parse
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Json = dict[str, Any]

MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
_TIMEOUT_S = 30.0


class ApiError(Exception):
    """The API server refused. `status` is the HTTP status, `reason` the one word, if any."""

    def __init__(self, method: str, path: str, status: int, body: str) -> None:
        try:
            answer = json.loads(body)
        except ValueError:
            answer = {}
        self.status = status
        self.reason: str = answer.get("reason", "")
        self.message: str = answer.get("message", body[:2000])
        super().__init__(f"{method} {path} answered {status} {self.reason}: {self.message}")


def _client_context(cluster: Json, user: Json) -> ssl.SSLContext:
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode("ascii")
    context = ssl.create_default_context(cadata=authority)
    if "client-certificate-data" in user:
        # The ssl module loads a client's certificate from a file only.
        with tempfile.NamedTemporaryFile() as pem:
            for part in ("client-certificate-data", "client-key-data"):
                pem.write(base64.b64decode(user[part]))
            pem.flush()
            context.load_cert_chain(pem.name)
    return context


class ApiClient:
    """Talks to one API server as one user. Safe to share between threads."""

    def __init__(self, server: str, context: ssl.SSLContext, token: str | None = None) -> None:
        url = urllib.parse.urlsplit(server)
        self._address = (url.hostname or "", url.port or 443)
        self._prefix = url.path.rstrip("/")
        self._context = context
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    @classmethod
    def from_kubeconfig(cls, path: Path) -> ApiClient:
        """The first cluster and the first user of a kubeconfig that holds its data inline."""
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        return cls(cluster["server"], _client_context(cluster, user), user.get("token"))

    def _open(
        self, method: str, path: str, body: object, kind: str, timeout: float
    ) -> tuple[http.client.HTTPSConnection, http.client.HTTPResponse]:
        connection = http.client.HTTPSConnection(
            *self._address, context=self._context, timeout=timeout
        )
        headers = {"Accept": "application/json", "Content-Type": kind, **self._headers}
        content = None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, self._prefix + path, content, headers)
            response = connection.getresponse()
            if response.status >= 400:
                raise ApiError(method, path, response.status, response.read().decode())
        except BaseException:
            connection.close()
            raise
        return connection, response

    def raw(self, method: str, path: str, body: object = None) -> bytes:
        """The bytes of an answer. Raises ApiError for 4xx and 5xx, OSError when unreachable."""
        return self._exchange(method, path, body, "application/json")

    def _exchange(self, method: str, path: str, body: object, kind: str) -> bytes:
        connection, response = self._open(method, path, body, kind, _TIMEOUT_S)
        try:
            return response.read()
        finally:
            connection.close()

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] | None = None,
        kind: str = "application/json",
    ) -> Json:
        """One JSON answer. Raises as `raw` does."""
        full = f"{path}?{urllib.parse.urlencode(query)}" if query else path
        answer: Json = json.loads(self._exchange(method, full, body, kind))
        return answer

    def watch(self, path: str, query: Mapping[str, str], timeout_s: float = 300) -> Iterator[Json]:
        """Yield watch events until the server ends the watch after `timeout_s` seconds."""
        asked = {**query, "watch": "1", "timeoutSeconds": f"{timeout_s:.0f}"}
        connection, response = self._open(
            "GET",
            f"{path}?{urllib.parse.urlencode(asked)}",
            None,
            "application/json",
            timeout_s + 15,
        )
        try:
            while line := response.readline():
                yield json.loads(line)
        finally:
            connection.close()
