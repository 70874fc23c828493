"""What the launcher is to do to itself: every lock that this machine has, as plain JSON values.

Used by `spawn`. It decides and `launcher.py` only carries out; a step left out is None.
"""

from __future__ import annotations

import base64
import os
import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.sandbox import identity, landlock, seccomp
from checks.sandbox.limits import ENVIRONMENT, LANDLOCK, RLIMITS, SECCOMP, UID, Limits

if TYPE_CHECKING:
    from checks.sandbox.interpreter import Environment

CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True)
class Plan:
    """The launcher's orders, and what `verify` compares the kernel's answers with."""

    parent: int  # pid: a launcher that has lost it gives up
    program: str
    arguments: list[str]
    environment: dict[str, str]
    empty_env: bool  # whether `environment` is all ours, or the parent's too
    rlimits: list[tuple[str, int, int]] | None  # name, soft, hard
    uid: int | None
    capabilities: bool | None  # whether to drop them
    landlock: list[Any] | None  # files, network, scopes, [[path, access], ...]
    abi: int | None
    seccomp: str | None  # base64

    def as_json(self) -> dict[str, Any]:
        """As `launcher.py` reads it."""
        return asdict(self)


def make(
    place: Environment, limits: Limits, wanted: frozenset[str], pid: int, ends: tuple[int, int]
) -> Plan:
    """The plan for process `pid`, whose ends of the request and result pipes are `ends`."""
    uid = identity.spare_uid() if UID in wanted and place.readable_to_others() else None
    version = landlock.abi() if LANDLOCK in wanted else None
    linux = sys.platform == "linux"
    filters = seccomp.program(platform.machine(), pid) if SECCOMP in wanted and linux else None
    own = _environment(limits.threads)
    return Plan(
        parent=os.getpid(),
        program=str(place.interpreter),
        # The script travels as text: its file need not be readable to the child.
        arguments=[
            *(str(place.interpreter), "-I", "-B", "-c"),
            *(CHILD.read_text(encoding="utf-8"), *map(str, ends)),
            *map(str, place.roots),
        ],
        environment=own if ENVIRONMENT in wanted else {**os.environ, **own},
        empty_env=ENVIRONMENT in wanted,
        rlimits=identity.rlimits(limits, uid) if RLIMITS in wanted else None,
        uid=uid,
        capabilities=True if UID in wanted and linux else None,
        landlock=_landlock(place, version) if version else None,
        abi=version,
        seccomp=base64.b64encode(filters).decode() if filters else None,
    )


def _landlock(place: Environment, version: int) -> list[Any]:
    rules = landlock.ruleset(version, place.folders, place.files, place.programs)
    return [rules.files, rules.network, rules.scopes, [list(rule) for rule in rules.rules]]


def _environment(threads: int) -> dict[str, str]:
    """All that the child's environment holds."""
    return {
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "LOKY_MAX_CPU_COUNT": str(threads),  # joblib's n_jobs=-1, without asking lscpu
        "MALLOC_ARENA_MAX": "2",  # arenas of idle threads would eat the address space
    }
