"""A constant load on one URL, in a process of its own, every answer written down.

Started by the end-to-end tests as `python -m tests.e2e.load URL HOST BODY FILE RATE`. It posts
BODY RATE times a second on an open schedule (a slow answer delays nobody else's request) until its
standard input closes, and appends one JSON line an answer to FILE. `read` gives the lines back.
It judges nothing.
"""

from __future__ import annotations

import http.client
import json
import queue
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

WORKERS = 16
TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Answer:
    """One request: times are seconds of the machine's monotonic clock; status 0 is 'no answer'."""

    sent: float
    done: float
    status: int
    revision: str
    injected: bool  # the service was told to fail: not the move's fault
    error: str = ""


@dataclass(frozen=True)
class Target:
    """Where to send: the gateway's address and the Host that picks the route."""

    netloc: str
    path: str
    host: str
    body: bytes


def read(path: Path) -> list[Answer]:
    """Every answer so far; a half-written last line is left for the next call."""
    if not path.exists():
        return []
    lines = path.read_text().split("\n")[:-1]
    return [Answer(**json.loads(line)) for line in lines]


def main(arguments: list[str]) -> int:
    """Runs until standard input closes."""
    url, host, body, file, rate = arguments
    parts = urllib.parse.urlsplit(url)
    target = Target(parts.netloc, parts.path or "/", host, body.encode())
    stop = threading.Event()
    threading.Thread(target=wait_for_end, args=(stop,), daemon=True).start()
    due: queue.Queue[float | None] = queue.Queue()
    with Path(file).open("a", buffering=1) as sink:
        workers = [threading.Thread(target=work, args=(target, due, sink)) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        for _ in schedule(float(rate), stop):
            due.put(time.monotonic())
        for _ in workers:
            due.put(None)
        for worker in workers:
            worker.join()
    return 0


def wait_for_end(stop: threading.Event) -> None:
    """The parent closes our standard input when it has seen enough, or dies."""
    sys.stdin.read()
    stop.set()


def schedule(rate: float, stop: threading.Event) -> Iterator[int]:
    """Yields at `rate` a second, catching up after a late wake-up."""
    start, count = time.monotonic(), 0
    while not stop.wait(max(0.0, start + count / rate - time.monotonic())):
        yield count
        count += 1


def work(target: Target, due: queue.Queue[float | None], sink: IO[str]) -> None:
    """Sends what is due on one kept-alive connection."""
    connection = http.client.HTTPConnection(target.netloc, timeout=TIMEOUT_S)
    while due.get() is not None:
        line = json.dumps(asdict(ask(connection, target)))
        sink.write(line + "\n")
    connection.close()


def ask(connection: http.client.HTTPConnection, target: Target) -> Answer:
    """One request. A lost connection is an answer with status 0: it is what a client would see."""
    sent = time.monotonic()
    headers = {"Host": target.host, "Content-Type": "application/json"}
    try:
        connection.request("POST", target.path, target.body, headers)
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return Answer(sent, time.monotonic(), 0, "", injected=False, error=repr(error))
    return Answer(
        sent,
        time.monotonic(),
        response.status,
        response.getheader("x-holdpoint-revision", ""),
        injected=response.getheader("x-fault") == "injected",
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
