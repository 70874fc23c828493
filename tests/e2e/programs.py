"""Holdpoint's own processes, and the load, as the end-to-end tests start them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.e2e import load
from tests.testbed.processes import Server

HOLDPOINT = (sys.executable, "-I", "-m", "holdpoint")
LEASE_S = "3"  # short, so that a successor need not wait long


def controller(kubeconfig: Path, namespace: str, log: Path) -> Server:
    """`holdpoint controller` for one namespace."""
    return Server(
        "controller",
        [
            *HOLDPOINT,
            "controller",
            f"--kubeconfig={kubeconfig}",
            f"--namespace={namespace}",
            f"--lease-namespace={namespace}",
            f"--lease-duration={LEASE_S}",
            "--listen=127.0.0.1:0",
        ],
        log,
    )


class Load:
    """A constant load in a process of its own; `answers` is everything so far."""

    def __init__(self, url: str, host: str, file: Path, rate: float, body: str) -> None:
        self.file = file
        command = [sys.executable, "-m", "tests.e2e.load", url, host, body, str(file), str(rate)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, cwd=Path(__file__).parents[2]
        )

    @property
    def answers(self) -> list[load.Answer]:
        assert self._process.poll() in {None, 0}, "the load generator died"
        return load.read(self.file)

    def stop(self) -> list[load.Answer]:
        """Ends the load, waits for the last answers, returns them all."""
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
        self._process.wait(timeout=30)
        return self.answers

    def __enter__(self) -> Load:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
