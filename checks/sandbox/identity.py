"""Whose process the child is, and how much that may use. Reads /proc; changes nothing.

Used by `spawn` to make the plan. Another uid is possible only for a parent that is root with powers
and a uid map to spare; a container with one mapped uid has none.
"""

from __future__ import annotations

import os
import pwd
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from checks.sandbox import process

if TYPE_CHECKING:
    from checks.sandbox.limits import Limits

# systemd's range for uids that belong to nobody and are given out for a while
SPARE_UIDS = range(61184, 65520)
CAP_SETGID, CAP_SETUID = 6, 7
TRIES = 32


def spare_uid() -> int | None:
    """A uid that nobody has and no process runs under, or None when we may not change to one."""
    if sys.platform != "linux" or os.geteuid() != 0 or not _may_change():
        return None
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    for uid in random.sample(SPARE_UIDS, TRIES):
        if uid not in taken and _mapped(uid) and process.threads_of(uid) == 0:
            return uid
    return None


def _may_change() -> bool:
    effective = int(process.status(os.getpid()).get("CapEff", "0"), 16)
    needed = 1 << CAP_SETUID | 1 << CAP_SETGID
    try:
        groups = Path("/proc/self/setgroups").read_text().strip()
    except OSError:
        groups = "allow"  # kernels without user namespaces have no such file
    return effective & needed == needed and groups == "allow"


def _mapped(uid: int) -> bool:
    """Whether both the user and the group map of our namespace hold this number."""
    for name in ("uid_map", "gid_map"):
        lines = Path("/proc/self", name).read_text().splitlines()
        ranges = ((int(line.split()[0]), int(line.split()[2])) for line in lines)
        if not any(first <= uid < first + count for first, count in ranges):
            return False
    return True


def rlimits(limits: Limits, uid: int | None) -> list[tuple[str, int, int]]:
    """(name, soft, hard) for setrlimit."""
    # RLIMIT_NPROC counts every thread of the user, so without a uid of its own the child's share
    # comes on top of what runs already.
    running = 0 if uid is not None else process.threads_of(os.getuid())
    processes = running + limits.processes
    plan = [
        ("RLIMIT_AS", limits.memory_bytes, limits.memory_bytes),
        ("RLIMIT_CPU", limits.cpu_s, limits.cpu_s + 1),
        ("RLIMIT_FSIZE", limits.file_bytes, limits.file_bytes),
        ("RLIMIT_NOFILE", limits.open_files, limits.open_files),
        ("RLIMIT_NPROC", processes, processes),
        ("RLIMIT_CORE", 0, 0),
    ]
    return [_within(name, soft, hard) for name, soft, hard in plan]


def _within(name: str, soft: int, hard: int) -> tuple[str, int, int]:
    """No more than the hard limit that we have ourselves: raising it is root's alone."""
    import resource  # noqa: PLC0415 - not everywhere

    ceiling = resource.getrlimit(getattr(resource, name))[1]
    if ceiling == resource.RLIM_INFINITY:
        return name, soft, hard
    return name, min(soft, ceiling), min(hard, ceiling)
