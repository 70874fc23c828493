"""Ports for servers that cannot be told to choose one themselves."""

from __future__ import annotations

import random
import socket

# Below the range from which the kernel takes ports for outgoing connections and for "port 0",
# so that nobody can take the port between our look and the server's bind.
_FIRST, _LAST = 20_000, 32_000


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port of `host` that nobody listens on now."""
    for port in random.sample(range(_FIRST, _LAST), 200):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise OSError(f"None of 200 ports tried between {_FIRST} and {_LAST} is free on {host}.")
