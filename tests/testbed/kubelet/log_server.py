"""The part of a kubelet's own API that `kubectl logs` reaches through the API server."""

from __future__ import annotations

import ssl
import threading
import time
import urllib.parse
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.testbed.pki import CertificateAuthority

_POLL_S = 0.2


class _Handler(BaseHTTPRequestHandler):
    find: Callable[[str, str, str | None, bool], Path]

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        parts = url.path.strip("/").split("/")
        if len(parts) != 4 or parts[0] != "containerLogs":
            self.send_error(HTTPStatus.NOT_FOUND, "The testbed's kubelet serves logs only")
            return
        try:
            path = type(self).find(parts[1], parts[2], parts[3], query.get("previous") == ["true"])
        except KeyError as error:
            self.send_error(HTTPStatus.NOT_FOUND, str(error.args[0]))
            return
        content = path.read_bytes() if path.exists() else b""
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(_last_lines(content, query.get("tailLines", [""])[0]))
        if query.get("follow") == ["true"]:
            self._follow(path, len(content))

    def _follow(self, path: Path, position: int) -> None:
        """Until the client goes away: the write that fails ends the handler."""
        while path.exists():
            self.wfile.flush()
            with path.open("rb") as log:
                log.seek(position)
                more = log.read()
            self.wfile.write(more)
            position += len(more)
            time.sleep(_POLL_S)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Say nothing about requests."""


def _last_lines(content: bytes, count: str) -> bytes:
    if not count:
        return content
    return b"".join(content.splitlines(keepends=True)[-int(count) :]) if int(count) else b""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is how following a log ends."""


class LogServer:
    """Serves on `address` with a certificate of the testbed's own authority.

    It asks callers for no certificate: inside the namespace there is nobody to hide logs from.
    """

    def __init__(
        self,
        authority: CertificateAuthority,
        address: str,
        find: Callable[[str, str, str | None, bool], Path],
    ) -> None:
        handler = type("Handler", (_Handler,), {"find": staticmethod(find)})
        self._server = _Server((address, 0), handler)
        pair = authority.issue([address])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="kubelet-logs", daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
