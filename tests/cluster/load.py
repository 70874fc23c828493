"""Requests at a steady pace over kept connections, and what became of them."""

from __future__ import annotations

import collections
import http.client
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

_THREADS = 4
_PAUSE_S = 0.02


class Load:
    """While entered, posts to `hostname` at 127.0.0.1:`port`, up to 200 times a second.

    `answers` counts by HTTP status; a request without an answer counts by its error's name.
    """

    def __init__(self, port: int, hostname: str) -> None:
        self.answers: collections.Counter[int | str] = collections.Counter()
        self._address = ("127.0.0.1", port)
        self._hostname = hostname
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(_THREADS)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        connection = http.client.HTTPConnection(*self._address, timeout=10)
        while not self._stopped.wait(_PAUSE_S):
            outcome = self._ask(connection)
            with self._lock:
                self.answers[outcome] += 1
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection) -> int | str:
        try:
            # A POST, as predictions are: nobody on the way may quietly send it twice.
            connection.request("POST", "/", b"{}", {"Host": self._hostname})
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return type(error).__name__
        return response.status
