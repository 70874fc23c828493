"""A TLS proxy between the controller and the real API server that knows each of its writes.

In a fault-free run it learns the writes W1..Wn (Lease renewals aside: they are a heartbeat, not a
decision). In later runs it calls `on_strike` right before forwarding write i, or right after the
API server committed it, and drops the answer. It changes no byte that it does forward.
"""

from __future__ import annotations

import http.client
import http.server
import json
import ssl
import threading
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

WRITES = {"POST", "PUT", "PATCH", "DELETE"}
CHUNK = 65536
UPSTREAM_TIMEOUT_S = 400.0  # longer than any watch

Moment = Literal["before", "after"]


@dataclass(frozen=True)
class Strike:
    """When to strike: at write number `index`, from 1, before or after it is committed."""

    index: int
    moment: Moment


@dataclass
class Plan:
    """What is counted and what is struck; armed by the test when the run proper begins."""

    strike: Strike | None = None
    on_strike: Callable[[], None] = lambda: None
    armed: bool = False
    struck: bool = False
    writes: list[str] = field(default_factory=list)
    routes: list[Any] = field(default_factory=list)  # the HTTPRoutes that were written
    lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, strike: Strike | None, on_strike: Callable[[], None]) -> None:
        """From now on writes are counted."""
        with self.lock:
            self.strike, self.on_strike, self.armed = strike, on_strike, True

    def count(self, method: str, path: str, body: bytes) -> Moment | None:
        """Notes a write and says whether this is the one to strike, and when."""
        with self.lock:
            if not self.armed or method not in WRITES or is_heartbeat(path):
                return None
            if "/httproutes/" in path:
                self.routes.append(json.loads(body))
            if self.struck:
                return None
            self.writes.append(f"{method} {urllib.parse.urlsplit(path).path}")
            if self.strike is None or len(self.writes) != self.strike.index:
                return None
            self.struck = True
            return self.strike.moment


def is_heartbeat(path: str) -> bool:
    """Leases are renewed for ever; every other write is the controller's doing."""
    return "/apis/coordination.k8s.io/" in path


class FaultProxy:
    """Listens on a free port; `url` goes into the controller's kubeconfig."""

    def __init__(self, upstream: str, ca: Path, certificate: Path, key: Path) -> None:
        self.plan = Plan()
        self.upstream = urllib.parse.urlsplit(upstream)
        self.client_tls = ssl.create_default_context(cafile=str(ca))
        server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server_tls.load_cert_chain(certificate, key)
        self.server = Server(("127.0.0.1", 0), Handler, self, server_tls)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> FaultProxy:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def connect(self) -> http.client.HTTPSConnection:
        """A connection to the real API server."""
        host, port = self.upstream.hostname or "", self.upstream.port
        return http.client.HTTPSConnection(
            host, port, context=self.client_tls, timeout=UPSTREAM_TIMEOUT_S
        )


class Server(http.server.ThreadingHTTPServer):
    """The listening side; TLS is spoken in the connection's own thread, not in accept."""

    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        address: tuple[str, int],
        handler: type[http.server.BaseHTTPRequestHandler],
        proxy: FaultProxy,
        tls: ssl.SSLContext,
    ) -> None:
        self.proxy, self.tls = proxy, tls
        super().__init__(address, handler)

    def finish_request(self, request: object, client_address: object) -> None:
        """Shakes hands, then serves; a killed client is no news."""
        try:
            with self.tls.wrap_socket(request, server_side=True) as wrapped:  # type: ignore[arg-type]
                super().finish_request(wrapped, client_address)
        except (OSError, http.client.HTTPException):
            return


class Handler(http.server.BaseHTTPRequestHandler):
    """Forwards one connection's requests, one upstream connection each."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Silent: the API server has the audit log."""

    def forward(self) -> None:
        """Strikes where planned, otherwise passes both ways."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        plan = self.server.proxy.plan
        moment = plan.count(self.command, self.path, body)
        if moment == "before":
            plan.on_strike()
            self.close_connection = True
            return
        upstream = self.server.proxy.connect()
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
            upstream.request(self.command, self.path, body or None, headers)
            response = upstream.getresponse()
            if moment == "after":
                response.read()
                plan.on_strike()
                self.close_connection = True
                return
            self.relay(response)
        finally:
            upstream.close()

    def relay(self, response: http.client.HTTPResponse) -> None:
        """Streams the answer in chunks, so that a watch's events arrive as they happen."""
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in {"transfer-encoding", "content-length", "connection"}:
                self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while data := response.read1(CHUNK):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward  # noqa: N815 - the base's names
