"""The model files of the tree and what loading them would import.

Used by the security check. The judged model is looked at whatever it is called; other files by
their suffix. Nothing is loaded. What is too large to be looked at is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from checks.evidence import pickles, skops_files
from checks.evidence.repository import FileError

if TYPE_CHECKING:
    from checks.check import Context
    from checks.evidence.pickles import Pickles

PATTERNS = (
    *("*.pkl", "*.pickle", "*.joblib", "*.dill", "*.cloudpickle"),
    *("*.pt", "*.pth", "*.pt2", "*.ckpt", "*.skops"),
)
# Formats of data only, and code, which has no file that a loader would run.
INERT = frozenset({"onnx", "safetensors", "python"})
MAX_SIZE = 512 << 20  # bytes of a model file that is not the judged one
MAX_FILES = 50


@dataclass(frozen=True)
class ModelFile:
    """One file: what it would import, or why that is not known."""

    path: str
    content: Pickles | None
    why: str | None = None


def collect(context: Context) -> tuple[ModelFile, ...]:
    """The judged model first."""
    judged = context.runs.model
    known = PurePosixPath(judged.path.lower()).match
    runs = judged.adapter.name not in INERT or any(map(known, PATTERNS))
    first = (ModelFile(judged.path, _look(judged.path, judged.payload)),) if runs else ()
    return (*first, *_others(context, judged.path))


def _others(context: Context, judged: str) -> Iterator[ModelFile]:
    files = [f for f in context.repository.matching(*PATTERNS) if f.path != judged]
    for file in files[:MAX_FILES]:
        try:
            payload = context.repository.read_bytes(file.path, MAX_SIZE)
        except FileError as error:
            yield ModelFile(file.path, None, str(error))
            continue
        yield ModelFile(file.path, _look(file.path, payload))
    if len(files) > MAX_FILES:
        why = f"{len(files) - MAX_FILES} more model files were not looked at"
        yield ModelFile(files[MAX_FILES].path, None, why)


def _look(path: str, payload: bytes) -> Pickles:
    if path.lower().endswith(".skops"):
        return skops_files.look(payload)
    return pickles.look(payload)
