"""A server process of the testbed: output in a file, shown when it dies, stopped in order."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TAIL_LINES = 40


class ServerDiedError(RuntimeError):
    """A server process ended although nobody asked it to."""


def tail(path: Path, lines: int = _TAIL_LINES) -> str:
    """The last `lines` lines of a log file, or a word that there are none."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    return "\n".join(text.splitlines()[-lines:]) or "(nothing was written)"


class Server:
    """A started process. Its standard output and error go to `log`."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=None if env is None else dict(env),
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def require_alive(self) -> None:
        """Raise ServerDiedError, with the end of the log, when the process has ended."""
        code = self._process.poll()
        if code is not None:
            raise ServerDiedError(
                f"{self.name} ended with exit code {code} while it was needed. "
                f"The end of its log, {self.log}:\n{tail(self.log)}"
            )

    def memory_kib(self) -> int:
        """Resident memory of the process in KiB (0 when it has ended)."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        except FileNotFoundError:
            return 0
        values = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
        return int(values[0]) if values else 0

    def kill(self) -> None:
        """SIGKILL, for a process whose state nobody will read again."""
        self._process.kill()
        self._process.wait()

    def stop(self, grace_s: float = 5) -> None:
        """SIGTERM, then SIGKILL after `grace_s` seconds. Safe to call twice."""
        if self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
