"""Starts a child, has it locked, and verifies the locks before anything untrusted is sent.

Used by `session`. The order: the launcher (our own interpreter, our own text) reads its plan,
closes the locks and reports; it becomes the model's interpreter, which starts under the locks
already; `child.py` closes the last one, against starting further programs. Then `verify` looks.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from checks.sandbox import plan, process, seccomp
from checks.sandbox.channel import Channel, Closed, Late
from checks.sandbox.errors import SandboxUnavailable, clean
from checks.sandbox.interpreter import describe
from checks.sandbox.limits import LAYER_NAMES, Layers, Limits
from checks.sandbox.verify import verify
from checks.sandbox.wire import Malformed, pack

if TYPE_CHECKING:
    from checks.sandbox.code import Code

LAUNCHER = Path(__file__).with_name("launcher.py")
START_S = 60.0  # an interpreter starts in 0.1 s; a loaded machine is given time
CLOSING_S = 2.0  # from the pipe's end to the process's
PIPE_BYTES = 1 << 20
F_SETPIPE_SZ = 1031


@dataclass(frozen=True)
class Child:
    """A started process. `folder` is its empty working directory."""

    popen: subprocess.Popen[bytes]
    channel: Channel
    folder: Path
    layers: Layers = field(default_factory=Layers)
    failures: Mapping[str, str] = field(default_factory=dict)  # layers that could not be set: why

    def wait_for_the_end(self) -> int | None:
        """The exit code of a child that closed its pipe, None when it goes on without one."""
        try:
            return self.popen.wait(CLOSING_S)
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> int:
        """Kills it whole, closes the pipes, removes the folder; returns the exit code."""
        try:
            return process.end(self.popen)
        finally:
            self.channel.close()
            shutil.rmtree(self.folder, ignore_errors=True)


def start(
    interpreter: Path,
    limits: Limits,
    only: frozenset[str] | None,
    code: Code | None = None,
    files: tuple[int, ...] = (),
) -> Child:
    """A child under every layer that this machine has, or under just `only`.

    It may read and import `code`, and has the open descriptors `files`.

    Raises SandboxUnavailable when it cannot be started. Whether its layers are enough is the
    caller's to judge.
    """
    wanted = LAYER_NAMES if only is None else only
    if wanted - LAYER_NAMES:
        raise ValueError(f"unknown layers {wanted - LAYER_NAMES}; known: {sorted(LAYER_NAMES)}")
    place = describe(interpreter).with_code(code)
    child, ends = _launch(limits, files)
    try:
        orders = plan.make(place, limits, wanted, child.popen.pid, ends)
        return _handshake(child, orders)
    except (Closed, Late, Malformed, OSError) as error:
        child.end()
        said = clean(child.channel.noise.decode(errors="replace")[-300:]) or "it said nothing"
        raise SandboxUnavailable(
            f"The interpreter {interpreter} did not start in the sandbox "
            f"({type(error).__name__}): {said}"
        ) from error
    except BaseException:
        child.end()
        raise


def _launch(limits: Limits, files: tuple[int, ...]) -> tuple[Child, tuple[int, int]]:
    """Starts the launcher; with the numbers of its ends of the request and result pipes."""
    folder = Path(tempfile.mkdtemp(prefix="holdpoint-"))
    folder.chmod(0o555)
    their_requests, requests = os.pipe()
    results, their_results = os.pipe()
    noise, their_noise = os.pipe()
    ends = (their_requests, their_results)
    text = LAUNCHER.read_text(encoding="utf-8")
    try:
        popen = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-c", text, *map(str, ends)],
            stdin=subprocess.DEVNULL,
            stdout=their_noise,
            stderr=their_noise,
            env={},
            cwd=folder,
            start_new_session=True,
            pass_fds=(*ends, *files),
        )
    finally:
        for descriptor in (*ends, their_noise):
            os.close(descriptor)
    _enlarge(requests, results)
    channel = Channel(requests, results, noise, limits.output_bytes)
    return Child(popen, channel, folder), ends


def _enlarge(*pipes: int) -> None:
    """Fewer turns for large tables. Refused to a user who has used up his pipe pages."""
    if sys.platform == "linux":
        import fcntl  # noqa: PLC0415 - not everywhere

        for pipe in pipes:
            with contextlib.suppress(OSError):
                fcntl.fcntl(pipe, F_SETPIPE_SZ, PIPE_BYTES)


def _handshake(child: Child, orders: plan.Plan) -> Child:
    text = json.dumps(orders.as_json()).encode()
    child.channel.send([struct.pack("<I", len(text)), text], START_S)
    report = json.loads(child.channel.line())
    last = seccomp.exec_program(platform.machine()) if report["done"].get("seccomp") else None
    # The answer shows that the interpreter runs, so the lock is asked for even without a filter.
    child.channel.exchange(pack({"id": 0, "op": "lock"}, [last or b""]), START_S)
    layers = verify(child.popen.pid, orders, report["done"])
    return replace(child, layers=layers, failures=report["failed"])
