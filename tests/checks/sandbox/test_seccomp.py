"""The filter: every call on its list is refused in a child, and its shape is sound."""

from __future__ import annotations

import ast
import platform
import struct
import sys
from pathlib import Path

import pytest

from checks.sandbox import Limits, ModelSession, seccomp
from tests.checks.sandbox.payloads import model_of

CALLING = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def number(call):
    ctypes.set_errno(0)
    zero = ctypes.c_long(0)
    result = libc.syscall(ctypes.c_long(call), zero, zero, zero, zero, zero, zero)
    return ctypes.get_errno() if result == -1 else 0
print("ANSWERS", {call: number(call) for call in CALLS}, flush=True)
"""
EPERM, ENOSYS = 1, 38


def answers(calls: list[int], only: frozenset[str] | None = None) -> dict[int, int]:
    """The errno of each call with zeros for arguments, made in a child."""
    with ModelSession(Path(sys.executable), limits=Limits(wall_s=60), only=only) as session:
        session.load(model_of(f"CALLS = {calls}\n{CALLING}"), "pickle")
        told = session.noise.decode().partition("ANSWERS ")[2].splitlines()[0]
    found: dict[int, int] = ast.literal_eval(told)
    return found


def numbers() -> dict[str, int]:
    column = seccomp.ARCHITECTURES[platform.machine()].column
    every = {name: pair[column] for name, pair in seccomp.CALLS.items()}
    return {name: number for name, number in every.items() if number is not None}


def test_every_listed_call_is_refused() -> None:
    found = answers(list(numbers().values()), frozenset({"seccomp"}))
    let_through = [name for name, number in numbers().items() if found[number] != EPERM]
    assert let_through == []


def test_programs_processes_and_signals_are_refused_and_unknown_calls_absent() -> None:
    column = seccomp.ARCHITECTURES[platform.machine()].column
    execute = [pair[column] for pair in seccomp.EXECUTE]
    clone, clone3 = seccomp.CLONE[column], seccomp.CLONE3[column]
    kill = seccomp.SELF_ONLY["kill"][column]  # of process 0: the caller's whole group
    unknown = seccomp.LAST_KNOWN + 1
    found = answers([*execute, clone, clone3, kill, unknown])
    assert found == {
        **dict.fromkeys([*execute, clone, kill], EPERM),
        **dict.fromkeys([clone3, unknown], ENOSYS),
    }


@pytest.mark.skipif(platform.machine() != "x86_64", reason="x32 is x86's")
def test_the_other_calling_convention_is_refused() -> None:
    assert answers([seccomp.X32_BIT | 41]) == {seccomp.X32_BIT | 41: EPERM}


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
def test_every_way_through_the_filter_ends_in_a_return(machine: str) -> None:
    for text in (seccomp.program(machine, 7), seccomp.exec_program(machine)):
        assert text is not None
        lines = list(struct.iter_unpack("<HBBI", text))
        assert len(lines) < 4096  # BPF_MAXINSNS
        assert lines[-1] == (seccomp.RETURN, 0, 0, seccomp.ALLOW)
        for at, (code, if_true, if_false, _) in enumerate(lines):
            if code not in (seccomp.RETURN, seccomp.LOAD):
                assert at + 1 + max(if_true, if_false) < len(lines)


def test_no_number_is_listed_twice() -> None:
    for column in (0, 1):
        listed = [pair[column] for pair in seccomp.CALLS.values() if pair[column] is not None]
        assert len(listed) == len(set(listed))


def test_an_unknown_machine_has_no_filter() -> None:
    assert seccomp.program("riscv64", 1) is None
    assert seccomp.exec_program("riscv64") is None
