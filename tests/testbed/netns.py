"""Runs a command in namespaces of its own: network (only `lo`), processes and mounts.

Three processes stand between the caller and the command. The *caller* keeps its network and
writes the user maps, which only someone outside may do. The *doorkeeper* makes the namespaces and
waits. The *init* is process 1 inside; when it ends, for whatever reason, the kernel kills every
process of the namespace, so nothing that a test started can outlive the run.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.testbed import linux

if TYPE_CHECKING:
    from collections.abc import Callable

MARK = "HOLDPOINT_TESTBED_NAMESPACE"
OUTSIDE = (
    "The test cluster starts only inside its own network namespace, so that nothing in it can "
    "reach the network or meet another run. Run the command through "
    "`python -m tests.testbed exec -- pytest tests/cluster`, or `make test`."
)
NODE_ADDRESS = "10.244.0.1"
POD_NETMASK = "255.255.0.0"
_SETUP_FAILED = 125
_WITHIN = linux.CLONE_NEWNET | linux.CLONE_NEWPID | linux.CLONE_NEWNS | linux.CLONE_NEWUTS


class NotInsideError(RuntimeError):
    """The testbed was asked to start outside the network namespace made for it."""


def is_inside() -> bool:
    """Whether this process runs under `run`."""
    return MARK in os.environ


def require_inside() -> None:
    """Raise NotInsideError unless this process runs under `run`."""
    if not is_inside():
        raise NotInsideError(OUTSIDE)


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _wait_for(child: int) -> int:
    """Wait for `child`, handing SIGTERM and SIGHUP on to it; SIGINT the terminal gives to all."""

    def hand_on(number: int, _frame: object) -> None:
        os.kill(child, number)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, hand_on)
    while True:
        # Process 1 is handed the orphans of the namespace as well; they are only reaped.
        ended, status = os.wait()
        if ended == child:
            return _exit_code(status)


def _mount_own_proc() -> None:
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    # Some containers mask parts of /proc and then allow no second one. The outer one still
    # answers what the testbed asks of it.
    with contextlib.suppress(OSError):
        linux.mount("proc", "/proc", "proc")


def _init(main: Callable[[], int]) -> int:
    linux.die_with_parent(signal.SIGKILL)
    _mount_own_proc()
    linux.bring_up("lo")
    # On lo an address with a netmask makes the whole range local, so every pod address can be
    # bound to without further ado. EndpointSlices refuse 127.0.0.0/8, hence this range.
    linux.set_address("lo:pods", NODE_ADDRESS, POD_NETMASK)
    os.environ[MARK] = "1"
    command = os.fork()
    if command == 0:
        _leave(main)
    return _wait_for(command)


def _leave(main: Callable[[], int]) -> None:
    """Run `main` in a forked child and end the child with its result, never returning."""
    code = _SETUP_FAILED
    try:
        code = main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except OSError as error:
        print(f"testbed: {error}", file=sys.stderr)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _doorkeeper(main: Callable[[], int], own_user: bool, say: int, hear: int) -> int:
    linux.die_with_parent(signal.SIGKILL)
    linux.unshare(_WITHIN | (linux.CLONE_NEWUSER if own_user else 0))
    os.write(say, b".")
    os.read(hear, 1)  # the caller has written the maps
    init = os.fork()
    if init == 0:
        _leave(lambda: _init(main))
    return _wait_for(init)


def _write_maps(process: int) -> None:
    """Make the caller root inside. A caller that is root takes the other users along."""
    who = Path(f"/proc/{process}")
    if os.geteuid() == 0:
        (who / "uid_map").write_text("0 0 65536")
        (who / "gid_map").write_text("0 0 65536")
        return
    (who / "setgroups").write_text("deny")
    (who / "uid_map").write_text(f"0 {os.geteuid()} 1")
    (who / "gid_map").write_text(f"0 {os.getegid()} 1")


def _attempt(main: Callable[[], int], own_user: bool, beside: Callable[[], None]) -> int | None:
    """One try; None when the kernel allowed no such namespaces."""
    hear_child, tell_parent = os.pipe()
    hear_parent, tell_child = os.pipe()
    sys.stdout.flush()
    doorkeeper = os.fork()
    if doorkeeper == 0:
        # Only the parent may hold these ends: the child sees the other side close.
        os.close(hear_child)
        os.close(tell_child)
        _leave(lambda: _doorkeeper(main, own_user, tell_parent, hear_parent))
    os.close(tell_parent)
    os.close(hear_parent)
    made = os.read(hear_child, 1)
    try:
        if made and own_user:
            _write_maps(doorkeeper)
        os.write(tell_child, b".") if made else None
    finally:
        os.close(hear_child)
        os.close(tell_child)
    if made:
        beside()
    code = _wait_for(doorkeeper)
    return code if made else None


def run(main: Callable[[], int], beside: Callable[[], None] = lambda: None) -> int:
    """Call `main` in a child inside fresh namespaces and return the exit code that it returned.

    `beside` is called here, outside, once the child has begun; it may start threads.
    Must be called before this process starts a thread (it forks). Raises PermissionError where
    neither a user namespace nor root's own right allows it.
    """
    for own_user in (True, False) if os.geteuid() == 0 else (True,):
        code = _attempt(main, own_user, beside)
        if code is not None:
            return code
    raise PermissionError(
        "This machine lets the testbed make no network namespace. Allow unprivileged user "
        "namespaces (sysctl kernel.unprivileged_userns_clone=1, or "
        "kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu), or run as root with "
        "CAP_SYS_ADMIN."
    )


def run_command(command: list[str]) -> int:
    """Run `command` inside and return its exit code."""

    def main() -> int:
        os.execvp(command[0], command)

    return run(main)
