"""A small API server that remembers: get, list and create of our objects, over real HTTP.

For tests of the bot that need a cluster's answers and none of its behaviour; what depends on that
is in `tests/cluster`. Like the real one it refuses unknown fields when asked to be strict, knows
the verbs of its schema, and gives every object a uid.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
PREFIX = "/apis/holdpoint.dev/v1alpha1/namespaces/"


class FakeCluster:
    """Used with `with`. `refused_fields` are fields of a spec that its schema does not know."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Json] = {}
        self.refused_fields: set[str] = set()
        self.broken = False
        self.lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def put(self, plural: str, namespace: str, body: Json) -> Json:
        """Sets an object, as its controller or a person with kubectl would."""
        with self.lock:
            return self._store(plural, namespace, body)

    def status(self, plural: str, namespace: str, name: str, **status: Any) -> None:
        """Writes an object's status."""
        with self.lock:
            self.objects[(plural, namespace, name)]["status"] = status

    def all(self, plural: str, namespace: str = "prod") -> list[Json]:
        """Every object, oldest first."""
        with self.lock:
            return [o for (p, n, _), o in self.objects.items() if (p, n) == (plural, namespace)]

    def answer(self, method: str, path: str, query: Mapping[str, list[str]], body: Json) -> Json:
        """One request; the answer's `code` is its status."""
        if self.broken:
            return _failure(503, "ServiceUnavailable", "out of order")
        namespace, _, rest = path.removeprefix(PREFIX).partition("/")
        plural, _, name = rest.partition("/")
        with self.lock:
            if method == "POST":
                return self._create(plural, namespace, body, strict="fieldValidation" in query)
            if not name:
                items = [
                    o for (p, n, _), o in self.objects.items() if (p, n) == (plural, namespace)
                ]
                return {"items": items, "metadata": {"resourceVersion": "1"}}
            found = self.objects.get((plural, namespace, name))
            return found or _failure(404, "NotFound", f"{plural} {name} not found")

    def _create(self, plural: str, namespace: str, body: Json, *, strict: bool) -> Json:
        name = body["metadata"]["name"]
        if (plural, namespace, name) in self.objects:
            return _failure(409, "AlreadyExists", f"{plural} {name} already exists")
        unknown = self.refused_fields & set(body["spec"])
        if strict and unknown:
            what = f'strict decoding error: unknown field "spec.{sorted(unknown)[0]}"'
            return _failure(400, "BadRequest", what)
        spec = {key: value for key, value in body["spec"].items() if key not in unknown}
        return self._store(plural, namespace, {**body, "spec": spec})

    def _store(self, plural: str, namespace: str, body: Json) -> Json:
        metadata = {
            "uid": str(uuid.uuid4()),
            "creationTimestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "generation": 1,
            "resourceVersion": "1",
            **body["metadata"],
            "namespace": namespace,
        }
        stored = {**body, "metadata": metadata}
        self.objects[(plural, namespace, metadata["name"])] = stored
        return stored

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _failure(code: int, reason: str, message: str) -> Json:
    return {"kind": "Status", "code": code, "reason": reason, "message": message}


def _handler(cluster: FakeCluster) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            answer = cluster.answer(self.command, parts.path, query, body)
            payload = json.dumps(answer).encode()
            self.send_response(answer.get("code", 200) if answer.get("kind") == "Status" else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Handler
