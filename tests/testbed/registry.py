"""A read-only OCI distribution server over an image layout."""

from __future__ import annotations

import json
import re
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.testbed.oci import ImageStore, UnknownImageError

if TYPE_CHECKING:
    from types import TracebackType

_PATH = re.compile(r"^/v2/(?P<name>.+)/(?P<what>manifests|blobs|tags)/(?P<reference>[^/]+)$")
_ERROR_CODES = {"manifests": "MANIFEST_UNKNOWN", "blobs": "BLOB_UNKNOWN", "tags": "NAME_UNKNOWN"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: ImageStore

    def _answer(self, status: HTTPStatus, kind: str, content: bytes, digest: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _json(self, status: HTTPStatus, content: Any) -> None:
        self._answer(status, "application/json", json.dumps(content).encode())

    def _refuse(self, status: HTTPStatus, code: str, message: str) -> None:
        self._json(status, {"errors": [{"code": code, "message": message}]})

    def _serve(self, name: str, what: str, reference: str) -> None:
        if what == "tags":
            self._json(HTTPStatus.OK, {"name": name, "tags": self.store.tags(name)})
        elif what == "blobs":
            content = self.store.blob(reference)
            self._answer(HTTPStatus.OK, "application/octet-stream", content, reference)
        else:
            is_digest = reference.startswith("sha256:")
            digest = reference if is_digest else self.store.tagged(name, reference)
            content = self.store.blob(digest)
            self._answer(HTTPStatus.OK, json.loads(content)["mediaType"], content, digest)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.rstrip("/") == "/v2":
            self._json(HTTPStatus.OK, {})
            return
        found = _PATH.match(path)
        if not found:
            self._refuse(HTTPStatus.NOT_FOUND, "UNSUPPORTED", f"Nothing is served at {path}.")
            return
        try:
            self._serve(**found.groupdict())
        except UnknownImageError as error:
            self._refuse(HTTPStatus.NOT_FOUND, _ERROR_CODES[found["what"]], str(error))

    do_HEAD = do_GET  # noqa: N815 - the name is http.server's

    def _read_only(self) -> None:
        self.close_connection = True  # the body that may follow is not read
        message = "This registry is read-only; build images into its layout."
        self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, "UNSUPPORTED", message)

    do_POST = do_PUT = do_PATCH = do_DELETE = _read_only  # noqa: N815 - http.server again

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Keep the tests' output free of one line for each request."""


class Registry:
    """Serves `store` on 127.0.0.1. `address` is `127.0.0.1:PORT`, as image references begin."""

    def __init__(self, store: ImageStore) -> None:
        self.store = store
        handler = type("Handler", (_Handler,), {"store": store})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="registry", daemon=True
        )

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def reference(self, repository: str, digest: str) -> str:
        """What a pod's `image` says: `127.0.0.1:PORT/acme/lending@sha256:...`."""
        return f"{self.address}/{repository}@{digest}"

    def tag(self, repository: str, tag: str, digest: str) -> str:
        """Let `repository:tag` name `digest`; returns the reference with that tag."""
        self.store.tag(repository, tag, digest)
        return f"{self.address}/{repository}:{tag}"

    def __enter__(self) -> Registry:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
