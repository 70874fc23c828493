"""The repository's tests by what they do, and what runs and measures them.

Used by the testing check. Tests are the functions that pytest and unittest would collect; folders
and names of files say nothing about their kind. Load tests in Locust and k6 count as well. Tests in
other languages are not read.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.evidence import tracing
from checks.evidence.repository import FileError
from checks.report import Location

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from checks.evidence.python_code import Module
    from checks.evidence.repository import Repository
    from checks.evidence.tracing import Function, Trace

MOST_TESTS = 5_000
RUNS_TESTS = re.compile(
    r"\bpytest\b|\bpython3?\s+-m\s+unittest\b|\btox\b|\bnox\b|\bmake\s+(?:\S+\s+)*(?:test|check)\b"
    r"|\bmanage\.py\s+test\b|\bhatch\s+(?:run\s+)?test\b|\bjust\s+test\b"
)
SCANS = re.compile(
    r"\bbandit\b|\bpip-audit\b|\bsafety\s+(?:check|scan)\b|\btrivy\b|\bgrype\b|\bsnyk\b|\bsemgrep\b"
    r"|\bgitleaks\b|\btrufflehog\b|github/codeql-action|\bosv-scanner\b"
)
COVERS = re.compile(r"--cov\b|--cov=|\bcoverage\s+(?:run|xml|report|html)\b|codecov/codecov-action")
_SETTINGS = (
    (".coveragerc", re.compile(r"^\[(?:run|report|xml|html)\]")),
    ("pyproject.toml", re.compile(r"^\[tool\.coverage\b|--cov\b")),
    ("setup.cfg", re.compile(r"^\[coverage:|--cov\b")),
    ("tox.ini", re.compile(r"^\[coverage:|--cov\b")),
    ("pytest.ini", re.compile(r"--cov\b")),
    ("coverage.xml", re.compile(r"<coverage\b.*\bline-rate=")),
    ("lcov.info", re.compile(r"^SF:")),
)
_SKIPS = frozenset({"pytest.mark.skip", "unittest.skip", "pytest.skip", "self.skipTest"})
_K6 = re.compile(r"""\bfrom\s+['"]k6(?:/\w+)?['"]""")
_K6_ASSERTS = re.compile(r"\bthresholds\b|\bcheck\s*\(")


@dataclass(frozen=True)
class Test:
    """One test function and what it was seen to do."""

    name: str
    where: Location
    trace: Trace
    skipped: bool
    own_code: bool  # it uses the repository's own modules

    @property
    def counts(self) -> bool:
        """Whether it runs and can fail."""
        return self.trace.asserts and not self.skipped

    @property
    def kinds(self) -> frozenset[str]:
        """Of unit, integration, performance, model, security. A test may be of several kinds."""
        kinds = set(self.trace.kinds)
        if self.trace.behaviours:
            kinds.add("model")
        if self.own_code and "integration" not in kinds:
            kinds.add("unit")
        return frozenset(kinds)


def collect(modules: Sequence[Module]) -> tuple[Test, ...]:
    """Every test function of the repository, in order of path and line."""
    helpers = {
        node.name: (module, node)
        for module in modules
        if module.is_test
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    own = _own_names(modules)
    found: list[Test] = []
    for module in modules:
        if module.is_test_file:
            local = helpers | {
                node.name: (module, node)
                for node in module.tree.body
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            }
            for function, methods in _functions(module):
                if len(found) < MOST_TESTS:
                    scope = tracing.Scope(module, methods, local)
                    found.append(_test(function, scope, own))
    return tuple(found)


def coverage(repository: Repository) -> tuple[Location, ...]:
    """Where coverage is configured or reported."""
    found = []
    for name, pattern in _SETTINGS:
        for file in list(repository.matching(name))[:10]:
            try:
                lines = repository.read_text(file.path, 8 << 20).splitlines()
            except FileError:
                continue
            matching = (n for n, line in enumerate(lines, 1) if pattern.search(line[:2000]))
            line = next(matching, None)
            if line is not None:
                found.append(Location(file.path, line))
    return tuple(found)


def load_tests(repository: Repository, modules: Sequence[Module]) -> tuple[Location, ...]:
    """Locust users and k6 scripts that check something."""
    found = [
        Location(module.path, node.lineno)
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
        and any(module.dotted(base).startswith("locust.") for base in node.bases)
    ]
    for file in list(repository.matching("*.js", "*.ts"))[:200]:
        try:
            text = repository.read_text(file.path, 256 << 10)
        except FileError:
            continue
        match = _K6.search(text)
        if match and _K6_ASSERTS.search(text):
            found.append(Location(file.path, text.count("\n", 0, match.start()) + 1))
    return tuple(found)


def _own_names(modules: Sequence[Module]) -> frozenset[str]:
    """What the repository's own modules and packages are called at the start of an import."""
    names = set()
    for module in modules:
        if not module.is_test:
            parts = module.path.removesuffix(".py").split("/")
            names |= set(parts)
    return frozenset(names - {"src", "__init__"})


def _functions(module: Module) -> Iterator[tuple[Function, Mapping[str, Function]]]:
    cases: set[str] = set()
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name.startswith("test"):
                yield node, {}
        elif isinstance(node, ast.ClassDef):
            bases = {module.dotted(base) for base in node.bases}
            is_case = any(base.endswith("TestCase") for base in bases) or bool(bases & cases)
            if not is_case and not node.name.startswith("Test"):
                continue
            cases.add(node.name)
            methods = {
                each.name: each
                for each in node.body
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
            }
            for name, method in methods.items():
                if name.startswith("test"):
                    yield method, methods


def _test(function: Function, scope: tracing.Scope, own: frozenset[str]) -> Test:
    module, seen = scope.module, tracing.trace(function, scope)
    imported = {name for name in module.names.values() if name.lstrip(".").split(".")[0] in own}
    uses = any(name in imported or _begins(name, imported) for name in seen.calls)
    where = Location(module.path, function.lineno)
    return Test(function.name, where, seen, _is_skipped(module, function), uses)


def _begins(name: str, imported: set[str]) -> bool:
    return any(name.startswith(f"{each}.") for each in imported)


def _is_skipped(module: Module, function: Function) -> bool:
    """Always, that is: a condition makes it run somewhere."""
    first: list[ast.expr] = [*function.decorator_list]
    for statement in function.body[:2]:
        if isinstance(statement, ast.Expr):
            first.append(statement.value)
    names = (each.func if isinstance(each, ast.Call) else each for each in first)
    return any(module.dotted(name) in _SKIPS for name in names)
