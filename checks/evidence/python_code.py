"""The repository's Python files as syntax trees: bounded, parsed only, never imported or run.

Used by the checks that read code. A file that is too large, nested too deeply or no
Python is left out and named.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from checks.evidence import syntax
from checks.evidence.notebooks import code_of
from checks.evidence.repository import FileError
from checks.report import Evidence, Location, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.evidence.repository import Repository

MAX_FILES = 2_000
MAX_SOURCE = 512 << 10  # bytes of one file; a syntax tree takes a hundred times that
MAX_NOTEBOOK = 8 << 20  # bytes of one notebook, most of them pictures
MAX_TOTAL = 32 << 20  # bytes of all files together
# What a network is called where it is asked by calling it; `Model(...)` makes one.
_NETWORKS = "model|net|network|classifier|regressor|predictor|estimator"
NETWORK = re.compile(f"^(?:{_NETWORKS}|{_NETWORKS.upper()})$")
_TEST_FILE = re.compile(r"(?:^|/)(?:test[^/]*|[^/]+_test)\.py$")  # what pytest and unittest collect
_SUPPORT = re.compile(r"(?:^|/)(?:conftest\.py|tests?/)")


@dataclass(frozen=True, eq=False)
class Module:
    """One file. `names` maps what it imports to the dotted name that is meant."""

    path: str
    tree: ast.Module
    names: dict[str, str] = field(default_factory=dict)

    @property
    def is_test_file(self) -> bool:
        """Whether a test runner would collect it."""
        return bool(_TEST_FILE.search(self.path))

    @property
    def is_test(self) -> bool:
        """Whether it belongs to tests rather than to what is shipped."""
        return self.is_test_file or bool(_SUPPORT.search(self.path))

    def dotted(self, node: ast.expr) -> str:
        """`requests.get` for an expression such as `r.get` after `import requests as r`; or ""."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([self.names.get(node.id, node.id), *reversed(parts)])

    def calls(self) -> Iterator[tuple[str, int]]:
        """The dotted name and the line of every call."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield self.dotted(node.func), node.lineno

    def line_of_import(self, name: str) -> int:
        """The line of the import that brings this dotted name, else 1."""
        for node in ast.walk(self.tree):
            if (
                isinstance(node, ast.Import | ast.ImportFrom)
                and name in dict(_bound(node)).values()
            ):
                return node.lineno
        return 1

    def strings(self) -> Iterator[str]:
        """Every string in the code."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def collect(
    repository: Repository, *, notebooks: bool = False
) -> tuple[tuple[Module, ...], tuple[Evidence, ...]]:
    """Every Python file that can be parsed, and those that cannot.

    With `notebooks` their code as well, for checks that ask how a model came to be.
    """
    modules, unreadable = list[Module](), list[Evidence]()
    left = MAX_TOTAL
    patterns = ("*.py", "*.ipynb") if notebooks else ("*.py",)
    for file in list(repository.matching(*patterns))[:MAX_FILES]:
        left -= file.size
        try:
            if left < 0:
                raise FileError(f"{file.path} is beyond the {MAX_TOTAL >> 20} MiB that are read")
            modules.append(_read(repository, file.path))
        except FileError as error:
            unreadable.append(Evidence("python", State.UNREADABLE, str(error), Location(file.path)))
    return tuple(modules), tuple(unreadable)


def _read(repository: Repository, path: str) -> Module:
    if not path.endswith(".ipynb"):
        return parse(repository.read_bytes(path, MAX_SOURCE), path)
    try:
        return parse(code_of(repository.read_text(path, MAX_NOTEBOOK)).encode(), path)
    except ValueError as error:
        raise FileError(f"{path}: {error}") from error


def parse(payload: bytes, path: str) -> Module:
    """One file's tree. Raises FileError when it is no Python."""
    try:
        tree = syntax.parse(payload, path)
    except SyntaxError as error:
        line = getattr(error, "lineno", None)
        raise FileError(f"{path}{f':{line}' if line else ''} is not Python") from error
    return Module(path, tree, dict(_imports(tree)))


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from _bound(node)


def _bound(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """The names that an import binds, and what they mean."""
    if isinstance(node, ast.ImportFrom):
        source = "." * node.level + (node.module or "")
        for name in node.names:
            yield name.asname or name.name, f"{source}.{name.name}"
        return
    for name in node.names:
        first = name.name.partition(".")[0]
        yield (name.asname, name.name) if name.asname else (first, first)
