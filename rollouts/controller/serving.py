"""The controller's own HTTP endpoint: /healthz, /readyz, /metrics.

Started by the command. `healthy` means that no thread has died; `ready` that the store has seen the
cluster, and that nobody has asked it to stop. A controller that waits for the Lease is ready: it
would work if it had to.
"""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Pages:
    """What is served: an empty answer of `healthy` or `ready` means yes, a sentence means no."""

    healthy: Callable[[], str]
    ready: Callable[[], str]
    metrics: Callable[[], bytes]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        if ":" in host:  # a pod's own address in an IPv6 cluster
            self.address_family = socket.AF_INET6
        super().__init__((host, port), handler)


class Endpoint:
    """Listens from the start; `address` is where, with the port that was given."""

    def __init__(self, host: str, port: int, pages: Pages) -> None:
        self._server = _Server(host, port, _handler(pages))
        self._thread = threading.Thread(target=self._server.serve_forever, name="http", daemon=True)

    @property
    def address(self) -> str:
        """host:port."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Ends, and waits for that."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(pages: Pages) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_GET(self) -> None:
            if self.path == "/metrics":
                return self._answer(200, pages.metrics())
            checks = {"/healthz": pages.healthy, "/readyz": pages.ready}
            if self.path not in checks:
                return self._answer(404, b"there is /healthz, /readyz and /metrics\n")
            trouble = checks[self.path]()
            return self._answer(503 if trouble else 200, f"{trouble or 'ok'}\n".encode())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", TEXT)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
            """Probes are no news."""

    return Handler
