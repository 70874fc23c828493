"""Which files a child may read, as the Landlock rules of this kernel. Makes one call: the probe.

Used by `spawn`; `launcher` applies the rules. Everything is handled and so refused, except reading
the interpreter, its packages, the shared libraries and a few facts about the processors. Nothing
is writable but /dev/null. On ABI 4 TCP is refused too, on ABI 6 abstract unix sockets and signals
to the outside. The ABI is probed, never guessed from the kernel's version.

Numbers: the kernel's include/uapi/linux/landlock.h.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

CREATE_RULESET = 444  # the same on every architecture
VERSION_FLAG = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
ALL_OF_ABI_1 = (1 << 13) - 1
TCP = 1 | 2  # bind, connect
SCOPES = 1 | 2  # abstract unix sockets, signals

SYSTEM_FOLDERS = (
    "/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/nix/store",
    "/usr/share/zoneinfo", "/sys/devices/system/cpu", "/sys/devices/system/node",
)  # fmt: skip
SYSTEM_FILES = (
    "/etc/ld.so.cache", "/dev/urandom", "/dev/random", "/dev/zero", "/proc/cpuinfo",
    "/proc/meminfo", "/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
    "/sys/fs/cgroup/cpu/cpu.cfs_period_us",
)  # fmt: skip


@dataclass(frozen=True)
class Ruleset:
    """What is handled (struct landlock_ruleset_attr) and what is allowed after all."""

    abi: int
    files: int
    network: int
    scopes: int
    rules: tuple[tuple[str, int], ...]  # path, allowed access


def abi() -> int | None:
    """The kernel's Landlock ABI, None where there is none (or the system is not Linux)."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    version: int = libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION_FLAG)
    return version if version > 0 else None


def ruleset(
    version: int, folders: Iterable[Path], files: Iterable[Path], programs: Iterable[Path]
) -> Ruleset:
    """Rules for ABI `version`: `folders` and `files` are read, `programs` may also be executed."""
    rules = [(str(path), READ_FILE | READ_DIR) for path in folders]
    rules += [(path, READ_FILE | READ_DIR) for path in SYSTEM_FOLDERS]
    rules += [(str(path), READ_FILE) for path in files]
    rules += [(path, READ_FILE) for path in SYSTEM_FILES]
    rules += [(str(path), READ_FILE | EXECUTE) for path in programs]
    rules += [("/dev/null", READ_FILE | WRITE_FILE)]
    return Ruleset(
        abi=version,
        files=_handled(version),
        network=TCP if version >= 4 else 0,
        scopes=SCOPES if version >= 6 else 0,
        rules=tuple(rules),
    )


def _handled(version: int) -> int:
    access = ALL_OF_ABI_1
    access |= REFER if version >= 2 else 0
    access |= TRUNCATE if version >= 3 else 0
    return access | (IOCTL_DEV if version >= 5 else 0)
