"""What attacks aim at: files, sockets and a process of the tool's own user, made for one test."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class World:
    """`open` is a folder that anybody may write to, `private` one that only its owner may enter."""

    open: Path
    private: Path
    secret: str
    victim: subprocess.Popen[bytes]
    tcp: socket.socket
    udp: socket.socket
    unix: socket.socket
    abstract: socket.socket

    @property
    def canary(self) -> Path:
        return self.open / "canary"

    @property
    def public(self) -> Path:
        """A secret that everybody may read."""
        return self.open / "public"

    @property
    def owned(self) -> Path:
        """A secret that only its owner may read."""
        return self.private / "owned"

    def values(self) -> dict[str, object]:
        """What the attack's text is told of all this."""
        return {
            "open": str(self.open),
            "private": str(self.private),
            "canary": str(self.canary),
            "public": str(self.public),
            "owned": str(self.owned),
            "victim": self.victim.pid,
            "tcp": self.tcp.getsockname(),
            "udp": self.udp.getsockname(),
            "unix": self.unix.getsockname(),
            "abstract": self.abstract.getsockname(),
        }

    def connected(self, listener: socket.socket) -> bool:
        """Whether somebody connected to `listener` since it was last asked."""
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def received(self) -> bool:
        """Whether a datagram came."""
        try:
            return bool(self.udp.recv(64))
        except BlockingIOError:
            return False


@contextmanager
def a_world() -> Iterator[World]:
    """Makes it and takes it away again."""
    folder = Path(tempfile.mkdtemp(prefix="sandbox-world-"))
    folder.chmod(0o755)
    public, private = folder / "open", folder / "private"
    public.mkdir()
    public.chmod(0o777)
    private.mkdir(mode=0o700)
    secret = secrets.token_hex(8)
    victim = subprocess.Popen(["sleep", "600"], env={"PATH": os.defpath, "SECRET": secret})
    sockets = [
        _listening(socket.AF_INET, ("127.0.0.1", 0)),
        _bound(socket.SOCK_DGRAM, ("127.0.0.1", 0)),
        _listening(socket.AF_UNIX, str(folder / "daemon.sock")),
        _listening(socket.AF_UNIX, f"\0{secret}"),
    ]
    (folder / "daemon.sock").chmod(0o777)
    world = World(public, private, secret, victim, *sockets)
    for path in (world.public, world.owned):
        path.write_text(secret)
    world.owned.chmod(0o600)
    try:
        yield world
    finally:
        victim.kill()
        victim.wait()
        for each in sockets:
            each.close()
        shutil.rmtree(folder)


def _bound(kind: socket.SocketKind, address: tuple[str, int]) -> socket.socket:
    found = socket.socket(socket.AF_INET, kind)
    found.bind(address)
    found.setblocking(False)
    return found


def _listening(family: socket.AddressFamily, address: str | tuple[str, int]) -> socket.socket:
    found = socket.socket(family, socket.SOCK_STREAM)
    found.bind(address)
    found.listen()
    found.setblocking(False)
    return found
