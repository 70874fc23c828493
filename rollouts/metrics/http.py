"""The HTTP edge of the metrics: asks many pods at once, within one deadline.

Used by the controller with the targets of all arms of a tick. Connections are kept between calls;
redirects are not followed, bodies are bounded, proxies of the environment are not asked. It
deliberately does not look into a body: that is the provider's part.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self

from rollouts.metrics.interface import MetricError, PodTarget, Trouble

Answer = bytes | MetricError
HEADERS = {
    "Accept": "text/plain;version=0.0.4;q=1,*/*;q=0.1",
    "Accept-Encoding": "identity",  # nothing to unpack means nothing that unpacks to gigabytes
    "User-Agent": "holdpoint",
}
WORKERS = 64  # a pod that hangs holds one until the deadline, and must not starve the others


class Scraper:
    """Keeps connections to pods and asks them for their metrics. One call of `fetch` at a time.

    `workers`: pods asked at the same moment. `max_bytes`: a larger body is an error.
    """

    def __init__(self, *, workers: int = WORKERS, max_bytes: int = 4 << 20) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="scrape")
        self._max_bytes = max_bytes
        self._lines: dict[tuple[str, int], _Line] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def fetch(
        self, targets: Iterable[PodTarget], *, deadline_s: float
    ) -> Mapping[PodTarget, Answer]:
        """Every target's body, or why there is none; returns within about `deadline_s` seconds."""
        targets = tuple(targets)
        self._forget_all_but({(target.ip, target.port) for target in targets})
        ends = time.monotonic() + deadline_s
        asked = {target: self._ask(target, ends) for target in targets}
        wait(asked.values(), timeout=max(0.0, ends - time.monotonic()))
        return {target: self._answer(target, future) for target, future in asked.items()}

    def close(self) -> None:
        """Closes every connection and waits for the workers, which that wakes."""
        self._forget_all_but(frozenset())
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _ask(self, target: PodTarget, ends: float) -> Future[bytes]:
        line = self._lines.setdefault((target.ip, target.port), _Line(target.ip, target.port))
        return self._pool.submit(line.get, target, ends, self._max_bytes)

    def _answer(self, target: PodTarget, future: Future[bytes]) -> Answer:
        if not future.done():
            future.cancel()
            # A pod that sends a byte now and then would hold its worker for ever.
            self._lines.pop((target.ip, target.port)).hang_up()
            return _timed_out(target)
        error = future.exception()
        if error is None:
            return future.result()
        if isinstance(error, MetricError):
            return error
        raise error

    def _forget_all_but(self, wanted: AbstractSet[tuple[str, int]]) -> None:
        for key in [key for key in self._lines if key not in wanted]:
            self._lines.pop(key).hang_up()


class _Line:
    """One kept connection to one pod."""

    def __init__(self, ip: str, port: int) -> None:
        self._connection = http.client.HTTPConnection(ip, port)
        self._lock = threading.Lock()

    def get(self, target: PodTarget, ends: float, max_bytes: int) -> bytes:
        """One answer's body. Raises MetricError."""
        with self._lock:
            kept = self._connection.sock is not None
            try:
                try:
                    return self._once(target, ends, max_bytes)
                except (ConnectionError, http.client.BadStatusLine):
                    if not kept:  # a kept connection may have been closed since the last scrape
                        raise
                    self._connection.close()
                    return self._once(target, ends, max_bytes)
            except MetricError:
                self._connection.close()
                raise
            except (http.client.HTTPException, OSError, ValueError) as error:
                self._connection.close()
                raise _typed(target, error) from error

    def hang_up(self) -> None:
        """Ends whatever the connection is doing; a worker in it wakes with an error."""
        sock = self._connection.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        if self._lock.acquire(blocking=False):
            self._connection.close()
            self._lock.release()

    def _once(self, target: PodTarget, ends: float, max_bytes: int) -> bytes:
        connection = self._connection
        connection.timeout = max(0.001, ends - time.monotonic())
        if connection.sock is not None:
            connection.sock.settimeout(connection.timeout)
        connection.request("GET", target.path, headers=HEADERS)
        response = connection.getresponse()
        _require_metrics(target, response)
        body = response.read(max_bytes + 1)
        if len(body) > max_bytes:
            raise _trouble(Trouble.TOO_LARGE, target, f"sent more than {max_bytes} bytes")
        if response.length:  # what was announced and never came
            raise _trouble(Trouble.PARTIAL, target, f"ended {response.length} bytes early")
        return body


def _require_metrics(target: PodTarget, response: http.client.HTTPResponse) -> None:
    if response.status != http.client.OK:
        raise _trouble(Trouble.STATUS, target, f"answered {response.status}; 200 is expected")
    if "html" in response.headers.get_content_type():
        raise _trouble(Trouble.NOT_METRICS, target, "answered with an HTML page")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise _trouble(Trouble.NOT_METRICS, target, "answered compressed, which was not asked for")


def _typed(target: PodTarget, error: Exception) -> MetricError:
    if isinstance(error, TimeoutError):
        return _timed_out(target)
    if isinstance(error, http.client.IncompleteRead):
        return _trouble(Trouble.PARTIAL, target, "closed the connection in mid-answer")
    return _trouble(
        Trouble.UNREACHABLE, target, f"cannot be asked ({str(error) or type(error).__name__})"
    )


def _timed_out(target: PodTarget) -> MetricError:
    return _trouble(Trouble.TIMED_OUT, target, "did not answer in time")


def _trouble(trouble: Trouble, target: PodTarget, what: str) -> MetricError:
    where = f"{target.ip}:{target.port}{target.path}"
    return MetricError(trouble, f"pod {target.name} ({where}) {what}")
