"""The pipes between parent and child: one request, one answer, one deadline.

Used by `spawn` (the handshake) and `session`. It never blocks on a child that does not read, does
not answer or floods its output: every descriptor is polled, noise is drained and only its last
bytes are kept. It holds no meaning: frames are `wire`'s, sentences are `session`'s.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterable
from dataclasses import dataclass

from checks.sandbox.wire import PREFIX, Frame, Malformed, unpack_header, unpack_prefix

NOISE_KEPT = 64 << 10  # bytes of stdout and stderr, the last ones
CHUNK = 1 << 20
LINE_LIMIT = 64 << 10
READABLE = select.POLLIN | select.POLLHUP | select.POLLERR


class Closed(Exception):  # noqa: N818 - what happened, not what is wrong
    """The child closed its end: it has ended, or is about to."""


class Late(Exception):  # noqa: N818 - as above
    """The deadline passed."""


@dataclass(frozen=True)
class Exchange:
    """An answer and how long it took by the parent's monotonic clock, in seconds."""

    frame: Frame
    seconds: float


class Channel:
    """The parent's three ends: requests out, results in, noise (stdout and stderr) in."""

    def __init__(self, requests: int, results: int, noise: int, body_limit: int) -> None:
        self._requests, self._results, self._noise = requests, results, noise
        self._body_limit = body_limit
        self._tail = bytearray()
        self._deadline = 0.0
        self._pending: list[memoryview] = []
        self._open = [requests, results, noise]
        for descriptor in self._open:
            os.set_blocking(descriptor, False)

    @property
    def noise(self) -> bytes:
        """The last bytes that the child printed. Untrusted, and never interpreted."""
        self._drain()
        return bytes(self._tail)

    def exchange(self, buffers: Iterable[bytes], seconds: float) -> Exchange:
        """Sends a request and receives one frame; raises Closed, Late or Malformed."""
        self._refuse_the_unasked()
        started = time.monotonic()
        self.send(buffers, seconds)
        frame = self._receive()
        return Exchange(frame, time.monotonic() - started)

    def send(self, buffers: Iterable[bytes], seconds: float) -> None:
        """Queues a request, and begins its deadline. It is written while waiting for the answer."""
        self._deadline = time.monotonic() + seconds
        self._pending = [memoryview(buffer) for buffer in buffers if buffer]

    def line(self) -> bytes:
        """One line of the launcher's report, under the deadline of the last `send`."""
        line = bytearray()
        while not line.endswith(b"\n"):
            line += self._exactly(1)
            if len(line) > LINE_LIMIT:
                raise Malformed("the launcher's report has no end")
        return bytes(line)

    def close(self) -> None:
        """Closes the parent's ends; reads what noise is left first."""
        self._drain()
        for descriptor in self._open:
            os.close(descriptor)
        self._open = []

    def _receive(self) -> Frame:
        header_length, body_length = unpack_prefix(
            bytes(self._exactly(PREFIX.size)), self._body_limit
        )
        header = unpack_header(bytes(self._exactly(header_length)))
        return Frame(header, self._exactly(body_length))

    def _exactly(self, size: int) -> bytearray:
        """`size` bytes of the result pipe, growing as they come: a claimed length costs nothing."""
        data = bytearray()
        while len(data) < size:
            if self._results in self._wait():
                piece = _read(self._results, min(size - len(data), CHUNK))
                if piece == b"":
                    raise Closed
                data += piece or b""
        return data

    def _wait(self) -> set[int]:
        """Moves what can be moved, and says which descriptors can be read; raises Late."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Late
        poll = select.poll()
        poll.register(self._results, select.POLLIN)
        if self._noise in self._open:
            poll.register(self._noise, select.POLLIN)
        if self._pending:
            poll.register(self._requests, select.POLLOUT)
        ready = dict(poll.poll(left * 1000))
        if self._noise in ready:
            self._listen()
        if self._requests in ready:
            self._write()
        return {descriptor for descriptor, events in ready.items() if events & READABLE}

    def _write(self) -> None:
        try:
            written = os.write(self._requests, self._pending[0][:CHUNK])
        except BlockingIOError:
            return
        except BrokenPipeError as error:
            raise Closed from error
        self._pending[0] = self._pending[0][written:]
        if not self._pending[0]:
            self._pending.pop(0)

    def _listen(self) -> bool:
        """Takes one chunk of noise; False at its end, or when there is none now."""
        piece = _read(self._noise, CHUNK)
        if piece == b"":
            self._open.remove(self._noise)
            os.close(self._noise)
        self._tail += piece or b""
        del self._tail[:-NOISE_KEPT]
        return bool(piece)

    def _drain(self) -> None:
        for _ in range(
            4
        ):  # a pipe holds at most 1 MiB; a child that still floods is not waited for
            if self._noise not in self._open or not self._listen():
                return

    def _refuse_the_unasked(self) -> None:
        poll = select.poll()
        poll.register(self._results, select.POLLIN)
        events = dict(poll.poll(0)).get(self._results, 0)
        if events & select.POLLIN:
            raise Malformed("it answered without being asked")
        if events:
            raise Closed


def _read(descriptor: int, size: int) -> bytes | None:
    """Bytes, b"" at the end, None when there is nothing now."""
    try:
        return os.read(descriptor, size)
    except BlockingIOError:
        return None
