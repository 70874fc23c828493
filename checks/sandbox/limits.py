"""How much a child may use, and which layers hold it. Pure data, for sessions and their callers."""

from __future__ import annotations

from dataclasses import dataclass

UID = "uid"
LANDLOCK = "landlock"
SECCOMP = "seccomp"
RLIMITS = "rlimits"
ENVIRONMENT = "env"
LAYER_NAMES = frozenset({UID, LANDLOCK, SECCOMP, RLIMITS, ENVIRONMENT})


@dataclass(frozen=True)
class Limits:
    """Bounds of one child. Seconds, bytes, counts."""

    cpu_s: int = 60  # processor time of the child's whole life
    wall_s: float = 120.0  # wall clock of one request, and of the start
    memory_bytes: int = 4 << 30  # address space, as RLIMIT_AS counts it
    output_bytes: int = 256 << 20  # one answer
    processes: int = 64  # threads, since no process can be forked
    file_bytes: int = 1 << 20  # 0 would break thread pools, whose semaphores are files
    open_files: int = 256
    threads: int = 2  # what OpenMP, BLAS and joblib are told


@dataclass(frozen=True)
class Layers:
    """What is in force around a child, as its parent verified it.

    `landlock` is the kernel's ABI number, None where there is no Landlock.
    """

    uid: bool = False
    landlock: int | None = None
    seccomp: bool = False
    rlimits: bool = False
    empty_env: bool = False

    @property
    def names(self) -> frozenset[str]:
        """The layers in force, by name."""
        state = {
            UID: self.uid,
            LANDLOCK: self.landlock is not None,
            SECCOMP: self.seccomp,
            RLIMITS: self.rlimits,
            ENVIRONMENT: self.empty_env,
        }
        return frozenset(name for name, in_force in state.items() if in_force)

    @property
    def lacking(self) -> tuple[str, ...]:
        """What is missing for the least that counts as a sandbox; empty when it is one."""
        missing = [name for name in (SECCOMP, RLIMITS, ENVIRONMENT) if name not in self.names]
        if not self.names & {UID, LANDLOCK}:
            missing.append("Landlock or another uid")
        return tuple(missing)
