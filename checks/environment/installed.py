"""What is installed beside an interpreter, read from its folders without running it.

Used to decide whether an interpreter has what a model needs, and for the versions in the report: a
model's environment is not asked, because what is installed in it is not trusted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

MAX_ENTRIES = 20_000
_INFO = re.compile(r"(?P<name>[\w.]+)-(?P<version>[0-9A-Za-z.!+_]+)\.(?:dist|egg)-info")
_MODULE = re.compile(r"(\w+)(?:\.py|\.[\w.-]+\.so|\.so)?")


@dataclass(frozen=True)
class Installed:
    """Versions by a package's normal name, and the names of the top-level modules."""

    versions: dict[str, str]
    modules: frozenset[str]


def installed(interpreter: Path) -> Installed:
    """What the interpreter at this path would find in its site-packages."""
    versions: dict[str, str] = {}
    modules: set[str] = set()
    for name in _entries(interpreter):
        info = _INFO.fullmatch(name)
        module = _MODULE.fullmatch(name)
        if info is not None:
            versions[canonicalize_name(info["name"])] = info["version"]
        elif module is not None:
            modules.add(module[1])
    return Installed(versions, frozenset(modules))


def _entries(interpreter: Path) -> Iterator[str]:
    called = Path(os.path.abspath(interpreter))  # resolve() would leave a virtual environment
    prefix = called.parent.parent
    if not (prefix / "pyvenv.cfg").is_file():
        prefix = called.resolve().parent.parent
    for folder in sorted(prefix.glob("lib*/python3*/*-packages")):
        if folder.parent.parent.is_symlink():
            continue  # lib64 -> lib
        for index, entry in enumerate(os.scandir(folder)):
            if index >= MAX_ENTRIES:
                break
            yield entry.name
