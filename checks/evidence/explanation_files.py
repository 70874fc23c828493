"""Files about explanations: artefacts that hold some, and what is installed to make them.

Used by `model_interpretability`. A file counts by its name and content: a table or JSON file has to
hold numbers and, where the model's columns are known, name one of them. It gives no points.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from checks.evidence.dependencies import LOCKS
from checks.evidence.repository import FileError
from checks.report import Evidence, Location, State
from checks.sandbox import describe_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from checks.evidence.repository import Repository

Found = tuple[str, Evidence]
MAX_FILES = 200
MAX_BYTES = 2 << 20
MIN_BYTES = 20
_NAME = re.compile(
    r"(?:^|[_.-])(?:importances?|explanations?|attributions|partial_dependence|pdp|shap(?:_\w+)?"
    r"|lime_\w+)(?:[_.-]|$)",
    re.IGNORECASE,
)
_TEXTS = (".json", ".csv", ".jsonl", ".tsv")
_OTHERS = (".parquet", ".npy", ".npz", ".png", ".svg", ".html", ".pdf", ".feather")
_INSTALLED = re.compile(
    r"(?:^\s*(?:-\s*)?|[\"'])(shap|lime|fasttreeshap|shapash)\s*(?:$|[=<>!~;\[@,\"'])",
    re.IGNORECASE,
)
_ITSELF = re.compile(r"\s*(?:name|keywords|description)\b")
_TESTS = re.compile(r"(?:^|/)(?:tests?|testing)/")


def artefacts(repository: Repository, columns: Iterable[str]) -> Iterator[Found]:
    """Files that hold explanations; `columns` are the model's, none when they are not known."""
    known = tuple(columns)
    named = [
        file
        for file in repository.matching(*(f"*{suffix}" for suffix in (*_TEXTS, *_OTHERS)))
        if _NAME.search(file.name.rpartition(".")[0]) and not _TESTS.search(file.path)
    ]
    for file in named[:MAX_FILES]:
        suffix = "." + file.name.rpartition(".")[2].lower()
        try:
            payload = repository.read_bytes(file.path, MAX_BYTES)
        except FileError:
            continue
        if len(payload) < MIN_BYTES or describe_bytes(payload, suffix):
            continue
        if suffix in _TEXTS and not _holds_some(payload.decode("utf-8", "replace"), known):
            continue
        where = Location(file.path, 1)
        yield "stored.any", Evidence("artefact", State.FOUND, f"{file.path} holds some", where)


def installed(repository: Repository) -> Iterator[Found]:
    """Lines of requirements, lock and project files that install SHAP or LIME."""
    for file in repository.matching(*LOCKS, "pyproject.toml", "environment.yaml"):
        try:
            lines = repository.read_text(file.path).splitlines()
        except FileError:
            continue
        for number, line in enumerate(lines, start=1):
            match = _INSTALLED.search(line[:500].partition("#")[0])
            if match and not (file.name == "pyproject.toml" and _ITSELF.match(line)):
                where, what = Location(file.path, number), f"{match[1]} is installed"
                yield "shap.named", Evidence("dependency", State.FOUND, what, where)
                break


def _holds_some(text: str, columns: tuple[str, ...]) -> bool:
    """Numbers, and the name of a column where columns are known."""
    return bool(re.search(r"\d", text)) and (not columns or any(each in text for each in columns))
