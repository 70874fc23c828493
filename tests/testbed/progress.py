"""Commands that take minutes, run so that a person sees that they are still at work."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.testbed.processes import tail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HEARTBEAT_S = 20


def say(text: str) -> None:
    print(f"testbed: {text}", file=sys.stderr, flush=True)


def run_slowly(
    what: str, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], takes: str
) -> None:
    """Run `command`, saying every 20 s that it goes on. Raises RuntimeError when it fails."""
    say(f"{what} ({takes})")
    start = time.monotonic()
    with tempfile.NamedTemporaryFile(prefix="testbed-", suffix=".log") as log:
        process = subprocess.Popen(
            list(command), cwd=cwd, env=dict(env), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            while True:
                try:
                    code = process.wait(_HEARTBEAT_S)
                    break
                except subprocess.TimeoutExpired:
                    say(f"... {what}: {time.monotonic() - start:.0f} s so far")
        finally:
            process.kill()
            process.wait()
        if code != 0:
            raise RuntimeError(
                f"{what} failed with exit code {code}: {' '.join(command)}\n{tail(Path(log.name))}"
            )
    say(f"{what}: done in {time.monotonic() - start:.0f} s")
