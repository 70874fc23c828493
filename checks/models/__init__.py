"""Model formats, one file each, found by looking into this package: adding a file adds a format.

An adapter says which files it is for and how the sandbox's child loads them; no adapter ever
touches a model's bytes in this process.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from typing import Any

from checks.errors import CannotJudgeError

ENTRY = "python:"


@dataclass(frozen=True)
class Adapter:
    """One format. `loader` is the name of its script in `checks/sandbox/loaders`.

    `imports` are the modules to import before the model's bytes are handed over, so that the time
    to load the model is not the time to import its library; `requires` are those without which
    nothing can be loaded, and `extra` is what to install then. `address_space` is what a library
    maps besides what a model may use, in bytes.
    """

    name: str
    suffixes: tuple[str, ...]
    loader: str
    imports: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    extra: str = ""
    address_space: int = 0

    def options(self) -> dict[str, Any]:
        """What `ModelSession.load` is told."""
        return {"imports": self.imports, "requires": self.requires, "extra": self.extra}


@cache
def discover() -> tuple[Adapter, ...]:
    """Every adapter of this package, by name."""
    modules = [module.name for module in pkgutil.iter_modules(__path__) if module.name[0] != "_"]
    adapters: list[Adapter] = [
        importlib.import_module(f"{__name__}.{name}").ADAPTER for name in sorted(modules)
    ]
    return tuple(sorted(adapters, key=lambda adapter: adapter.name))


def entry(path: str) -> str | None:
    """The "package.module:function" of a path that names code instead of a file."""
    module, mark, function = path.removeprefix(ENTRY).partition(":")
    if not path.startswith(ENTRY):
        return None
    if not mark or not all(part.isidentifier() for part in [*module.split("."), function]):
        raise CannotJudgeError(
            f"the model {path!r} names no function; expected {ENTRY}package.module:function"
        )
    return f"{module}:{function}"


def find(path: str, format_name: str | None) -> Adapter:
    """The adapter named, or the one for the file's suffix. Raises CannotJudgeError."""
    suffix = PurePosixPath(path).suffix.lower()
    if entry(path) is not None:
        suffix, format_name = "", "python"
    for adapter in discover():
        if adapter.name == format_name or (format_name is None and suffix in adapter.suffixes):
            return adapter
    known = ", ".join(f"{a.name} ({' '.join(a.suffixes) or ENTRY})" for a in discover())
    what = f"the model format {format_name!r}" if format_name else f"the model file {path!r}"
    raise CannotJudgeError(f"{what} is of no known format; known are {known}")


def suffixes() -> tuple[str, ...]:
    """Every suffix that some adapter is for."""
    return tuple(suffix for adapter in discover() for suffix in adapter.suffixes)
