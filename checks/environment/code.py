"""Copies the repository's own Python files to where a model's child may import them.

Used by `checks.environment.home`. The copy lies outside the checkout, holds regular files only, and
is bounded; nothing in it is imported or compiled here. Files that are no Python are not copied, so
a module that reads one when it is imported fails, and says which.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path, PurePosixPath

from checks.evidence.repository import File, FileError, Repository
from checks.sandbox import Code

MAX_FILES = 5_000
MAX_SIZE = 1 << 20  # bytes of one file
MAX_TOTAL = 64 << 20
MAX_ROOTS = 100


@dataclass(frozen=True)
class Snapshot:
    """The copy, and what was left out in sentences."""

    code: Code
    roots: tuple[str, ...]  # of the code, from the repository's root
    notes: tuple[str, ...] = ()


@contextmanager
def snapshot(repository: Repository, model: str) -> Iterator[Snapshot]:
    """The Python files of the repository, for the model at path `model`; removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="holdpoint-code-"))
    try:
        folder.chmod(0o755)  # the child may have another uid; only the parent's may write
        files, notes = _chosen(repository)
        kept = [file.path for file in files if _copy(repository, file, folder)]
        roots = import_roots(kept, model)
        yield Snapshot(Code(folder, tuple(folder / root for root in roots)), roots, notes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def import_roots(paths: Iterable[str], model: str) -> tuple[str, ...]:
    """The folders whose modules are imported by their bare names, in the order of looking. Pure.

    Where a training run would have found them: the root, `src`, and each folder with Python files
    that is no package (Python puts a script's own folder first). Folders near the model come first,
    so that of two models in one repository each finds its own modules.
    """
    known = set(paths)
    found = {"", *(str(folder) for path in known for folder in _sources(PurePosixPath(path)))}
    found |= {
        folder
        for folder in (_parent(path) for path in known)
        if not folder or f"{folder}/__init__.py" not in known
    }
    home = PurePosixPath(model).parent.parts

    def order(folder: str) -> tuple[int, int, str]:
        parts = PurePosixPath(folder).parts
        return -_shared(parts, home), len(parts), folder

    return tuple(sorted(found, key=order)[:MAX_ROOTS])


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many folders both paths begin with."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _sources(path: PurePosixPath) -> Iterator[PurePosixPath]:
    """Every `src` folder above the file."""
    return (folder for folder in path.parents if folder.name == "src")


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _chosen(repository: Repository) -> tuple[list[File], tuple[str, ...]]:
    files: list[File] = []
    total, left = 0, 0
    for file in repository.matching("*.py"):
        total += file.size
        if len(files) >= MAX_FILES or file.size > MAX_SIZE or total > MAX_TOTAL:
            left += 1
            total -= file.size
        else:
            files.append(file)
    if not left:
        return files, ()
    return files, (f"{left} large or surplus Python files were not given to the model.",)


def _copy(repository: Repository, file: File, folder: Path) -> bool:
    try:
        payload = repository.read_bytes(file.path, MAX_SIZE)
    except FileError:  # it became something else since it was listed
        return False
    target = folder / file.path
    for parent in reversed(target.relative_to(folder).parents):
        (folder / parent).mkdir(mode=0o755, exist_ok=True)
        (folder / parent).chmod(0o755)  # whatever the umask
    target.write_bytes(payload)
    target.chmod(0o444)
    return True
