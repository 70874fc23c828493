"""What the parent reads about a process in /proc, and how it ends one. No word of the child counts.

Used by `spawn` (are the layers in force?) and `session` (memory, the end).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from checks.sandbox.errors import SandboxError

PROC = Path("/proc")
REAP_S = 10.0  # a killed process that is not gone by then is stuck in the kernel
ROUNDS = 100
LIMIT_LINES = {
    "RLIMIT_AS": "Max address space",
    "RLIMIT_CPU": "Max cpu time",
    "RLIMIT_FSIZE": "Max file size",
    "RLIMIT_NOFILE": "Max open files",
    "RLIMIT_NPROC": "Max processes",
    "RLIMIT_CORE": "Max core file size",
}


def status(pid: int) -> Mapping[str, str]:
    """/proc/<pid>/status as a mapping; empty when there is no such process or no /proc."""
    try:
        text = (PROC / str(pid) / "status").read_text(errors="replace")
    except OSError:
        return {}
    return {
        key: value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())
    }


def seccomp_filters(pid: int) -> int | None:
    """How many seccomp filters hold the process, None where the kernel does not count them."""
    count = status(pid).get("Seccomp_filters")
    return None if count is None else int(count)


def runs_as(pid: int, uid: int) -> bool:
    """Whether all four uids and gids are `uid`, without further groups or powers."""
    lines = status(pid)
    only = [str(uid)] * 4
    return (
        lines.get("Uid", "").split() == only
        and lines.get("Gid", "").split() == only
        and not lines.get("Groups")
        and int(lines.get("CapEff", "1"), 16) == 0
    )


def rlimits(pid: int) -> Mapping[str, tuple[str, str]]:
    """The soft and hard limits by their RLIMIT_* name, as text ("unlimited" or a number)."""
    try:
        lines = (PROC / str(pid) / "limits").read_text().splitlines()
    except OSError:
        return {}
    found = {}
    for name, title in LIMIT_LINES.items():
        for line in lines:
            if line.startswith(title):
                soft, hard = line[len(title) :].split()[:2]
                found[name] = (soft, hard)
    return found


def environment(pid: int) -> frozenset[str]:
    """The names of the variables that the process was started with; OSError where unreadable."""
    text = (PROC / str(pid) / "environ").read_bytes()
    return frozenset(os.fsdecode(item.partition(b"=")[0]) for item in text.split(b"\0") if item)


def tree(pid: int) -> tuple[int, ...]:
    """The process and all its descendants."""
    found = [pid]
    for parent in found:
        for task in (PROC / str(parent) / "task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(child) for child in task.read_text().split()]
    return tuple(found)


def resident_bytes(pid: int, line: str = "VmRSS") -> int:
    """Memory of the process and its descendants: `line` is VmRSS (now) or VmHWM (at its peak)."""
    sizes = [status(each).get(line, "0 kB").split()[0] for each in tree(pid)]
    return sum(int(size) for size in sizes) * 1024


def threads_of(uid: int) -> int:
    """How many threads run under this real uid, as RLIMIT_NPROC counts them."""
    if not PROC.is_dir():
        return 0
    every = (status(int(entry.name)) for entry in PROC.iterdir() if entry.name.isdigit())
    return sum(
        int(lines.get("Threads", "0"))
        for lines in every
        if lines.get("Uid", "").split()[:1] == [str(uid)]
    )


def end(process: subprocess.Popen[bytes]) -> int:
    """Kills the process and all that came from it, reaps it and returns its exit code."""
    if process.poll() is None:
        _end_descendants(process.pid)
    _send(signal.SIGKILL, -process.pid)
    try:
        return process.wait(REAP_S)
    except subprocess.TimeoutExpired as error:
        raise SandboxError(
            f"The process {process.pid} is stuck in the kernel and could not be killed."
        ) from error


def _end_descendants(pid: int) -> None:
    """Kills what a child without the seccomp layer may have started, daemons too.

    Such a child is a subreaper, so its orphans stay below it; it is stopped first, so that it makes
    no more of them. Under seccomp there are none, and this looks once.
    """
    for _ in range(ROUNDS):
        alive = [each for each in tree(pid)[1:] if status(each).get("State", "Z")[0] not in "ZX"]
        if not alive:
            return
        for each in (pid, *alive):
            _send(signal.SIGSTOP, each)
        for each in alive:
            _send(signal.SIGKILL, each)


def _send(number: signal.Signals, pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def how_it_ended(code: int) -> str:
    """An exit code in words."""
    if code == -signal.SIGXCPU:
        return "used up its processor time"
    if code < 0:
        return f"was ended by {_signal_name(-code)}"
    return f"ended by itself with exit code {code}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
