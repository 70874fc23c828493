"""The repository's own Python files, as a child may import them. Pure data, for sessions' callers.

`checks.environment.code` makes the copy that this points at.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Code:
    """A folder that the child may read, and the folders in it that modules are looked for in.

    They are asked after everything that is installed, in their order, so that no module of the
    repository can stand in for an installed one, be it only a namespace package.
    """

    folder: Path
    roots: tuple[Path, ...]

    @classmethod
    def at(cls, folder: Path) -> Code:
        """A folder whose modules and packages lie right in it."""
        return cls(folder, (folder,))
