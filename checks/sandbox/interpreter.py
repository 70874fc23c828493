"""Where an interpreter keeps what it has to read, found without running it.

Used by `spawn` for the Landlock rules and to see whether another uid could read it at all. An
environment made for a repository's packages is not trusted, so asking it by running it is no way.
"""

from __future__ import annotations

import os
import stat
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from checks.sandbox.errors import SandboxUnavailable

if TYPE_CHECKING:
    from checks.sandbox.code import Code

ELF_PROGRAM_INTERPRETER = 3  # PT_INTERP


@dataclass(frozen=True)
class Environment:
    """An interpreter as it is called, and what it reads: folders, single files, programs."""

    interpreter: Path
    folders: tuple[Path, ...]
    files: tuple[Path, ...]
    programs: tuple[Path, ...]  # the real binary and its loader
    roots: tuple[Path, ...] = ()  # where modules are looked for last

    def with_code(self, code: Code | None) -> Environment:
        """With the repository's own code, where there is some."""
        if code is None:
            return self
        return replace(self, folders=(*self.folders, code.folder), roots=code.roots)

    def readable_to_others(self) -> bool:
        """Whether a stranger's uid could start it and import what is installed."""
        packages = [
            entry for folder in self.folders for entry in folder.glob("python3*/*-packages/*")
        ]
        paths = [self.interpreter, *self.folders, *self.files, *self.programs, *packages]
        return all(_open_to_others(path) for path in paths)


def describe(interpreter: Path) -> Environment:
    """Finds the folders of `interpreter`, which may be a virtual environment's.

    Raises SandboxUnavailable when there is no such program.
    """
    if not (interpreter.is_file() and os.access(interpreter, os.X_OK)):
        raise SandboxUnavailable(
            f"There is no Python interpreter at {interpreter}; "
            "name one that has the model's packages."
        )
    called = Path(os.path.abspath(interpreter))  # resolve() would leave a virtual environment
    real = called.resolve()
    prefixes = [*_virtual_prefixes(called), real.parent.parent]
    configuration = called.parent.parent / "pyvenv.cfg"
    loader = _loader(real)
    return Environment(
        interpreter=called,
        folders=_unique(folder for prefix in prefixes for folder in _libraries(prefix)),
        files=(configuration,) if configuration.is_file() else (),
        programs=(real, loader.resolve()) if loader else (real,),
    )


def _virtual_prefixes(called: Path) -> list[Path]:
    """The environment's own prefix and the one it was made from, by pyvenv.cfg."""
    prefix = called.parent.parent
    try:
        text = (prefix / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    homes = [
        Path(value.strip()).parent
        for key, _, value in (line.partition("=") for line in text.splitlines())
        if key.strip() == "home"
    ]
    return [prefix, *homes]


def _libraries(prefix: Path) -> list[Path]:
    """The prefix's lib folders, with packages that a link leads elsewhere to."""
    if prefix == Path("/usr"):  # /usr/lib is a system folder anyway; local packages are not
        return sorted(Path("/usr/local/lib").glob("python3*"))
    folders = [prefix / name for name in ("lib", "lib64") if (prefix / name).is_dir()]
    linked = [
        packages.resolve()
        for folder in folders
        for packages in folder.glob("python3*/*-packages")
        if packages.is_symlink()
    ]
    return [*folders, *linked]


def _unique(paths: object) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(paths))  # type: ignore[call-overload]


def _loader(program: Path) -> Path | None:
    """The dynamic loader that an ELF file of 64 bits names (PT_INTERP)."""
    with program.open("rb") as file:
        head = file.read(64)
        if head[:5] != b"\x7fELF\x02":
            return None
        table, size, count = (
            *struct.unpack_from("<Q", head, 32),
            *struct.unpack_from("<HH", head, 54),
        )
        file.seek(table)
        entries = file.read(size * count)
        for at in range(0, len(entries), size):
            kind, _, offset = struct.unpack_from("<IIQ", entries, at)
            if kind == ELF_PROGRAM_INTERPRETER:
                length = struct.unpack_from("<Q", entries, at + 32)[0]
                file.seek(offset)
                return Path(os.fsdecode(file.read(length).rstrip(b"\0")))
    return None


def _open_to_others(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
        wanted = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(mode) else 0)
        parents = {*path.parents, *path.resolve().parents}
        ancestors = all(parent.stat().st_mode & stat.S_IXOTH for parent in parents)
    except OSError:
        return False
    return ancestors and mode & wanted == wanted
