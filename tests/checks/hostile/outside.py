"""What lies outside of the sandbox and notices when a model reaches it: sockets and processes."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path


class Outside:
    """One target for each of `NAMES`, and whether it was reached. Close it."""

    NAMES = ("tcp", "udp", "docker-socket", "kill", "ptrace")

    def __init__(self, folder: Path) -> None:
        self._sockets = {
            "tcp": socket.create_server(("127.0.0.1", 0)),
            "udp": socket.socket(type=socket.SOCK_DGRAM),
            "docker-socket": socket.socket(socket.AF_UNIX),
        }
        self._sockets["udp"].bind(("127.0.0.1", 0))
        path = folder / "docker.sock"
        self._sockets["docker-socket"].bind(str(path))
        self._sockets["docker-socket"].listen()
        path.chmod(0o777)
        for each in self._sockets.values():
            each.setblocking(False)
        waiting = [sys.executable, "-c", "import sys; sys.stdin.read()"]
        self._victims = {
            name: subprocess.Popen(waiting, stdin=subprocess.PIPE) for name in ("kill", "ptrace")
        }
        self.targets = {
            **{name: str(self._sockets[name].getsockname()[1]) for name in ("tcp", "udp")},
            "docker-socket": str(path),
            **{name: str(victim.pid) for name, victim in self._victims.items()},
        }

    def reached(self, name: str) -> bool:
        """Whether something came in, or the process is gone, which is seen at once."""
        if name in self._victims:
            return self._victims[name].poll() is not None
        try:
            if name == "udp":
                return bool(self._sockets[name].recv(64))
            self._sockets[name].accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def ended(self, name: str) -> int:
        """Waits for the end of a process that was reached."""
        return self._victims[name].wait(timeout=60)

    def close(self) -> None:
        """Ends what is left."""
        for each in self._sockets.values():
            each.close()
        for victim in self._victims.values():
            victim.kill()
            victim.communicate()
