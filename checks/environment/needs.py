"""What a model needs, read from its bytes and from the code it uses; nothing is loaded or run.

Used by `checks.environment.home`. It reads what a pickle would import, the imports of the
repository's modules among them (and of those that they import), and versions that were recorded.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from checks.environment.missing import INSTALLED_AS
from checks.evidence import pickles, syntax
from checks.evidence.dependencies import trained_with
from checks.evidence.repository import FileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from checks.evidence.model_runs import ModelFile
    from checks.evidence.repository import Repository

MAX_MODULES = 200  # files of the repository that are followed
MAX_SOURCE = 512 << 10
PICKLED = frozenset({"pickle", "joblib", "torch"})  # loaders of files that name their classes
OLD_NAMES = frozenset({"__builtin__", "__main__", "copy_reg", "exceptions"})
STANDARD = sys.stdlib_module_names | OLD_NAMES


@dataclass(frozen=True)
class Needs:
    """Top-level modules that have to be installed, and versions that the model was saved with."""

    modules: frozenset[str]
    recorded: dict[str, str]

    def packages(self) -> frozenset[str]:
        """The packages of the modules, by normal name, as far as the names tell."""
        return frozenset(package_of(module) for module in self.modules)


def package_of(module: str) -> str:
    """The package that a module is installed by, as far as its name tells."""
    return canonicalize_name(INSTALLED_AS.get(module, module))


def needs(
    repository: Repository,
    roots: Iterable[str],
    model: ModelFile,
    constructor: str | None = None,
) -> Needs:
    """What the model needs; `roots` are where the repository's modules lie.

    `constructor` is "package.module:function" of the code that makes the model, if there is one.
    """
    adapter = model.adapter
    pickled = pickles.look(model.payload).imports if adapter.loader in PICKLED else ()
    wanted = {each.module for each in pickled if each.module.isprintable()}
    wanted |= set(adapter.requires) | ({constructor.partition(":")[0]} if constructor else set())
    found = {"numpy"} | ({"joblib"} if adapter.loader == "joblib" else set())
    prefixes = [f"{root}/" if root else "" for root in roots]
    seen: set[str] = set()
    pending = sorted(wanted)
    while pending:
        module = pending.pop()
        path = _path_of(repository, prefixes, module)
        if path is None:
            found.add(module.partition(".")[0])
        elif path not in seen and len(seen) < MAX_MODULES:
            seen.add(path)
            pending += _imports(repository, path, module)
            above = module.rpartition(".")[0]  # a package's own file runs too, where it has one
            pending += [above] if above and _path_of(repository, prefixes, above) else []
    return Needs(frozenset(found - STANDARD), trained_with(model.payload))


def _path_of(repository: Repository, prefixes: list[str], module: str) -> str | None:
    """The file of a repository's module; the nearest package's file where it is a name in it."""
    parts = module.split(".")
    for prefix in prefixes:
        for length in range(len(parts), 0, -1):
            stem = prefix + "/".join(parts[:length])
            for path in (f"{stem}.py", f"{stem}/__init__.py"):
                if repository.find(path) is not None:
                    return path
    return None


def _imports(repository: Repository, path: str, module: str) -> Iterator[str]:
    """The modules that a file imports, relative ones spelled out."""
    try:
        tree = syntax.parse(repository.read_text(path, MAX_SOURCE), path)
    except (FileError, SyntaxError):
        return
    package = module.split(".") if path.endswith("/__init__.py") else module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}".strip(".") for alias in node.names)
