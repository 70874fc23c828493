"""A pod's /metrics for the tests: a real HTTP server on a free port that misbehaves as told."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from rollouts.metrics import PodTarget

if TYPE_CHECKING:
    from types import TracebackType

Answer = Callable[["Exchange"], None]


class Exchange(socketserver.StreamRequestHandler):
    """One connection, on which the server's `answer` is called for every request."""

    server: PodServer

    def handle(self) -> None:
        self.server.connections += 1
        while self._read_request():
            try:
                self.server.answer(self)
            except OSError:
                return

    def _read_request(self) -> bool:
        try:
            lines = [self.rfile.readline()]
            while lines[-1].strip():
                lines.append(self.rfile.readline())
        except OSError:
            return False
        if not lines[0]:
            return False
        self.server.requests.append(lines[0].decode().strip())
        return True

    def send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()

    def reply(
        self, body: bytes, *, status: str = "200 OK", headers: str = "", length: int | None = None
    ) -> None:
        """A whole answer with Content-Length, which may lie."""
        size = len(body) if length is None else length
        head = f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{headers}\r\n"
        self.send(head.encode() + body)

    def hang_up(self) -> None:
        raise OSError


class PodServer(socketserver.ThreadingTCPServer):
    """Serves `answer` on 127.0.0.1 and a free port; use as a context manager."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.answer = answer
        self.requests: list[str] = []
        self.connections = 0
        self.released = threading.Event()  # what an answer that hangs waits for

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.released.set()
        self.shutdown()
        self.server_close()

    def target(self, name: str = "pod-a", path: str = "/metrics") -> PodTarget:
        """This server as a pod."""
        port = self.server_address[1]
        assert isinstance(port, int)
        return PodTarget(name=name, uid=f"uid-{name}", ip="127.0.0.1", port=port, path=path)
