"""Locks its own process, then becomes the model's interpreter. Run as text, never imported.

`spawn` starts it with the tool's own interpreter (`python -I -S -c`), so nothing of the model or of
its environment has run when the locks close, and its report can be believed. It reads a plan from
the request pipe (what to do is decided there, not here), applies it in the one order that works,
writes a report of one line to the result pipe and executes the interpreter. It imports the standard
library only.
"""

from __future__ import annotations

import base64
import ctypes
import json
import os
import resource
import struct
import sys
from typing import Any

PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_CAPBSET_DROP = 1, 22, 24
PR_SET_SECUREBITS, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 28, 36, 38
SECUREBITS_NO_ROOT = 0b1111  # NOROOT and NO_SETUID_FIXUP, both locked
CAPABILITY_VERSION_3 = 0x20080522
LAST_CAPABILITY = 63
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
SIGKILL = 9

LIBC = ctypes.CDLL(None, use_errno=True)


def check(result: int, what: str) -> int:
    """Turns a C library failure into an OSError that says what failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def prctl(option: int, value: int, name: str, third: ctypes.c_char_p | None = None) -> None:
    """prctl(2): `third` is for the one option that takes a pointer."""
    zero = ctypes.c_ulong(0)
    check(LIBC.prctl(option, ctypes.c_ulong(value), third or zero, zero, zero), name)


def set_rlimits(plan: list[tuple[str, int, int]]) -> bool:
    for name, soft, hard in plan:
        resource.setrlimit(getattr(resource, name), (soft, hard))
    return True


def change_uid(number: int) -> int:
    os.setgroups([])
    os.setresgid(number, number, number)
    os.setresuid(number, number, number)
    return number


def drop_capabilities(_plan: bool) -> bool:
    """Root without its powers, where root has to stay root to read the interpreter."""
    if os.geteuid() == 0:
        prctl(PR_SET_SECUREBITS, SECUREBITS_NO_ROOT, "PR_SET_SECUREBITS")
    for capability in range(LAST_CAPABILITY + 1):
        LIBC.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0)  # unknown ones fail
    header = struct.pack("<Ii", CAPABILITY_VERSION_3, 0)
    check(LIBC.capset(header, bytes(24)), "capset")
    return True


def restrict_files(plan: Any) -> bool:
    """Landlock; plan = [files, network, scopes, [[path, access], ...]], missing paths skipped."""
    files, network, scopes, rules = plan
    attributes = struct.pack("<QQQ", files, network, scopes)
    size = ctypes.c_size_t(len(attributes))
    ruleset = check(LIBC.syscall(LANDLOCK_CREATE_RULESET, attributes, size, 0), "landlock")
    for path, access in rules:
        try:
            folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        rule = struct.pack("<Qi", access, folder)
        check(LIBC.syscall(LANDLOCK_ADD_RULE, ruleset, 1, rule, 0), f"landlock rule {path}")
        os.close(folder)
    check(LIBC.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)
    return True


def filter_calls(plan: str) -> bool:
    program = base64.b64decode(plan)
    instructions = ctypes.create_string_buffer(program, len(program))
    descriptor = struct.pack("@HP", len(program) // 8, ctypes.addressof(instructions))
    prctl(PR_SET_SECCOMP, 2, "PR_SET_SECCOMP", ctypes.c_char_p(descriptor))
    return True


# Limits while still privileged; the uid before the capabilities it needs are gone; Landlock before
# the filter, which is last because everything else needs system calls.
STEPS = (
    ("rlimits", set_rlimits),
    ("uid", change_uid),
    ("capabilities", drop_capabilities),
    ("landlock", restrict_files),
    ("seccomp", filter_calls),
)


def lock(plan: dict[str, Any]) -> dict[str, Any]:
    """Applies each planned step and reports it; one that fails is reported and the rest go on."""
    report: dict[str, Any] = {"done": {}, "failed": {}}
    for name, step in STEPS:
        if name == "landlock" and sys.platform == "linux":
            # Both need it, and a change of uid clears the signal of the parent's death.
            prctl(PR_SET_NO_NEW_PRIVS, 1, "PR_SET_NO_NEW_PRIVS")
            prctl(PR_SET_PDEATHSIG, SIGKILL, "PR_SET_PDEATHSIG")
            # Where processes can be made after all, orphans stay below us and are found.
            prctl(PR_SET_CHILD_SUBREAPER, 1, "PR_SET_CHILD_SUBREAPER")
        if plan.get(name) is None:
            continue
        try:
            report["done"][name] = step(plan[name])
        except (OSError, ValueError) as error:
            report["failed"][name] = str(error)
    return report


def say(descriptor: int, message: dict[str, Any]) -> None:
    os.write(descriptor, json.dumps(message).encode() + b"\n")


def main() -> None:
    requests, results = int(sys.argv[1]), int(sys.argv[2])
    size = struct.unpack("<I", os.read(requests, 4))[0]
    text = b""
    while len(text) < size:
        text += os.read(requests, size - len(text))
    plan = json.loads(text)
    report = lock(plan)
    if os.getppid() != plan["parent"]:
        os._exit(1)  # the parent died before its death could be signalled
    say(results, report)
    try:
        os.execve(  # noqa: S606 - the point of it all
            plan["program"], plan["arguments"], plan["environment"]
        )
    except OSError as error:
        say(results, {"cannot start": str(error)})
        os._exit(1)


if __name__ == "__main__":
    main()
