"""Carries TCP connections in and out of the namespace.

A network namespace is left by no packet, but a unix socket is a file and does not belong to one.
Outside, a TCP port leads to that file; inside, the file leads to a server.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_CHUNK = 1 << 16


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Copy until `source` ends or either side breaks, then tell `target` that it ended."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(_CHUNK):
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _carry(client: socket.socket, connect: Callable[[], socket.socket]) -> None:
    with client, contextlib.suppress(OSError), connect() as server:
        back = threading.Thread(target=_pump, args=(server, client), daemon=True)
        back.start()
        _pump(client, server)
        back.join()


def _accept(listener: socket.socket, connect: Callable[[], socket.socket]) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return  # the listener was closed: the end
        threading.Thread(target=_carry, args=(client, connect), daemon=True).start()


def forward(listener: socket.socket, connect: Callable[[], socket.socket]) -> None:
    """Start handing each connection that `listener` accepts to one made by `connect`."""
    threading.Thread(target=_accept, args=(listener, connect), daemon=True).start()


def tcp_listener() -> socket.socket:
    """A listener on a free port of 127.0.0.1."""
    return socket.create_server(("127.0.0.1", 0), backlog=128)


def unix_listener(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen(128)
    return listener


def to_tcp(host: str, port: int) -> Callable[[], socket.socket]:
    return lambda: socket.create_connection((host, port))


def to_unix(path: Path) -> Callable[[], socket.socket]:
    def connect() -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(str(path))
        return connection

    return connect
