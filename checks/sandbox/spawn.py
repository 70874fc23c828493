"""Starts a child, has it locked, and verifies the locks before anything untrusted is sent.

Used by `session`. The order: the launcher (our own interpreter and text) reads its plan, closes the
locks and reports; it becomes the model's interpreter, which starts under the locks; `child.py`
closes the last one (no further program). Only then does the parent look at /proc, where the kernel
says what is in force. For Landlock there is no such place, so the launcher's report counts: when it
was written, neither the model nor its environment had run.
"""

from __future__ import annotations

import base64
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checks.sandbox import identity, landlock, process, seccomp
from checks.sandbox.channel import Channel, Closed, Late
from checks.sandbox.errors import SandboxUnavailable, clean
from checks.sandbox.interpreter import Environment, describe
from checks.sandbox.limits import (
    ENVIRONMENT,
    LANDLOCK,
    LAYER_NAMES,
    RLIMITS,
    SECCOMP,
    UID,
    Layers,
    Limits,
)
from checks.sandbox.wire import Malformed, pack

HERE = Path(__file__).parent
START_S = 60.0  # interpreters start in 0.1 s; a loaded machine is given time
CLOSING_S = 2.0  # from the pipe's end to the process's
PIPE_BYTES = 1 << 20
F_SETPIPE_SZ = 1031


@dataclass(frozen=True)
class Child:
    """A started, locked process. `folder` is its empty working directory."""

    popen: subprocess.Popen[bytes]
    channel: Channel
    layers: Layers
    folder: Path
    failures: Mapping[str, str]  # layers that could not be set, and why

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


def start(interpreter: Path, limits: Limits, only: frozenset[str] | None) -> Child:
    """A child under every layer that this machine has (or just `only`).

    Raises SandboxUnavailable when it cannot be started. Whether the layers are enough is the
    caller's to judge.
    """
    wanted = LAYER_NAMES if only is None else only
    if wanted - LAYER_NAMES:
        raise ValueError(
            f"unknown layers {sorted(wanted - LAYER_NAMES)}; known: {sorted(LAYER_NAMES)}"
        )
    place = describe(interpreter)
    folder = Path(tempfile.mkdtemp(prefix="holdpoint-"))
    folder.chmod(0o555)
    popen, channel, results = _launch(folder, limits)
    child = Child(popen, channel, Layers(), folder, {})
    try:
        plan = _plan(place, limits, wanted, popen.pid, results)
        return _handshake(child, plan)
    except (Closed, Late, Malformed, OSError) as error:
        child.end()
        last = clean(channel.noise.decode(errors="replace")[-300:]) or "it said nothing"
        raise SandboxUnavailable(
            f"The confined interpreter {interpreter} did not start ({type(error).__name__}): {last}"
        ) from error
    except BaseException:
        child.end()
        raise


def _launch(
    folder: Path, limits: Limits
) -> tuple[subprocess.Popen[bytes], Channel, tuple[int, int]]:
    """Starts the launcher; returns it, the parent's ends and the numbers of the child's ends."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    ours_noise, theirs_noise = os.pipe()
    text = (HERE / "launcher.py").read_text(encoding="utf-8")
    command = [sys.executable, "-I", "-S", "-B", "-c", text, str(theirs_in), str(theirs_out)]
    try:
        popen = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=theirs_noise,
            stderr=theirs_noise,
            env={},
            cwd=folder,
            start_new_session=True,
            pass_fds=(theirs_in, theirs_out),
        )
    finally:
        for descriptor in (theirs_in, theirs_out, theirs_noise):
            os.close(descriptor)
    _enlarge(ours_out)
    _enlarge(ours_in)
    channel = Channel(ours_out, ours_in, ours_noise, limits.output_bytes)
    return popen, channel, (theirs_in, theirs_out)


def _enlarge(pipe: int) -> None:
    if sys.platform == "linux":
        import fcntl  # noqa: PLC0415 - not everywhere

        with contextlib.suppress(OSError):  # an unprivileged user may be out of pipe pages
            fcntl.fcntl(pipe, F_SETPIPE_SZ, PIPE_BYTES)


def _plan(
    place: Environment, limits: Limits, wanted: frozenset[str], pid: int, ends: tuple[int, int]
) -> dict[str, Any]:
    """What the launcher is to do. None leaves a step out."""
    linux = sys.platform == "linux"
    uid = identity.spare_uid() if UID in wanted and place.readable_to_others() else None
    version = landlock.abi() if LANDLOCK in wanted else None
    filters = seccomp.program(platform.machine(), pid) if SECCOMP in wanted and linux else None
    text = (HERE / "child.py").read_text(encoding="utf-8")
    arguments = [str(place.interpreter), "-I", "-B", "-c", text, *map(str, ends)]
    environment = _environment(limits)
    return {
        "parent": os.getpid(),
        "program": arguments[0],
        "arguments": arguments,
        "environment": environment if ENVIRONMENT in wanted else {**os.environ, **environment},
        "rlimits": identity.rlimits(limits, uid) if RLIMITS in wanted else None,
        "uid": uid,
        "capabilities": True if linux and UID in wanted else None,
        "landlock": _landlock_plan(place, version) if version else None,
        "seccomp": base64.b64encode(filters).decode() if filters else None,
        "abi": version,
    }


def _landlock_plan(place: Environment, version: int) -> list[Any]:
    rules = landlock.ruleset(version, place.folders, place.files, place.programs)
    return [rules.files, rules.network, rules.scopes, [list(rule) for rule in rules.rules]]


def _environment(limits: Limits) -> dict[str, str]:
    threads = str(limits.threads)
    return {
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "LOKY_MAX_CPU_COUNT": threads,  # joblib's n_jobs=-1, without asking lscpu
        "MALLOC_ARENA_MAX": "2",  # arenas of idle threads would eat the address space
    }


def _handshake(child: Child, plan: dict[str, Any]) -> Child:
    text = json.dumps(plan).encode()
    channel = child.channel
    channel.send([struct.pack("<I", len(text)), text], START_S)
    report = json.loads(channel.line())
    header: dict[str, Any] = {"id": 0, "op": "import", "modules": []}
    last = seccomp.exec_program(platform.machine()) if report["done"].get("seccomp") else None
    if last:
        header = {"id": 0, "op": "lock"}
    channel.exchange(pack(header, [last] if last else []), START_S)
    layers = verify(child.popen.pid, plan, report["done"])
    return Child(child.popen, channel, layers, child.folder, report["failed"])


def verify(pid: int, plan: Mapping[str, Any], done: Mapping[str, Any]) -> Layers:
    """The layers in force around `pid`, by what the kernel says (and the launcher, on Landlock)."""
    lines = process.status(pid)
    held = lines.get("NoNewPrivs") == "1"
    uid = plan["uid"]
    # The interpreter's own environment could have kept child.py from closing the second filter.
    filters = process.seccomp_filters(pid)
    counted = "Seccomp_filters" in lines
    return Layers(
        uid=held and uid is not None and process.runs_as(pid, uid),
        landlock=plan["abi"] if held and done.get("landlock") else None,
        seccomp=held and filters >= (2 if counted else 1),
        rlimits=plan["rlimits"] is not None and _limits_hold(pid, plan["rlimits"]),
        empty_env=_environment_holds(pid, plan["environment"]),
    )


def _limits_hold(pid: int, planned: list[tuple[str, int, int]]) -> bool:
    found = process.rlimits(pid)
    if not found:  # no /proc (macOS): the launcher's report has to do
        return sys.platform != "linux"
    return all(found.get(name) == (str(soft), str(hard)) for name, soft, hard in planned)


def _environment_holds(pid: int, planned: Mapping[str, str]) -> bool:
    if not planned.keys() <= _environment(Limits()).keys():
        return False
    try:
        return process.environment(pid) <= planned.keys()
    except OSError:
        # Unreadable to us (no /proc, or another uid's): we gave it exactly this at its start.
        return True
