"""What one test does, read from its syntax tree: asserts, calls out, times, predicts, attacks.

Used by `checks.evidence.suites`. A test is followed into the helpers, fixtures and set-up of the
repository's tests that it uses. Values are followed by name within one function, which is enough
for tests: they are short. Nothing is imported or run.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.evidence.python_code import NETWORK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from checks.evidence.python_code import Module

    Functions = list[tuple[Module, "Function"]]

Function = ast.FunctionDef | ast.AsyncFunctionDef
MOST_FOLLOWED = 50  # helpers of one test
_SETUP = frozenset({"setUp", "setUpClass", "asyncSetUp", "setup_method", "setup_class"})
_OUTSIDE = re.compile(
    r"(?:requests|httpx|aiohttp|urllib\.request|urllib3|http\.client|subprocess|testcontainers|docker"
    r"|grpc|psycopg2?|redis|boto3|kafka|(?:fastapi|starlette)\.testclient|click\.testing"
    r"|typer\.testing)\.|socket\.create_connection$|sqlalchemy\.create_engine$|.*\.test_client$"
)
_CLOCK = re.compile(
    r"(?:time\.(?:perf_counter|monotonic|process_time|time)(?:_ns)?|datetime\.datetime\.now)$"
)
_TIMED = re.compile(
    r"timeit\.|tracemalloc\.get_traced_memory$|resource\.getrusage$|benchmark(?:\.\w+)?$"
)
_PREDICT = frozenset(
    {"predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples"}
)
_ORDER = ast.Lt | ast.LtE | ast.Gt | ast.GtE
_ORDER_CALL = re.compile(r"(?i)assert_?(?:less|greater)")
_RAISES = re.compile(r"pytest\.raises$|.*\.assertRaises(?:Regex)?$")
_REFUSED = frozenset({400, 401, 403, 405, 411, 413, 414, 415, 422, 429, 431})
_DENIED = frozenset({401, 403})
_HOSTILE = re.compile(
    r"<script|\.\./|'\s*or\s+'?1|;\s*(?:drop|rm)\b|union\s+select|\$\{jndi:|\{\{.*\}\}|__import__"
    r"|__class__|\x00|%00|<!ENTITY|!!python|javascript:|\b(?:NaN|-?Infinity|1e999)\b",
    re.IGNORECASE,
)
_FAILS = frozenset({"pytest.fail", "self.fail", "pytest.warns"})
_HUGE = 1_000  # times something is repeated to be too much


@dataclass(frozen=True)
class Trace:
    """What a test was seen to do; `calls` are dotted names."""

    asserts: bool
    kinds: frozenset[str]  # integration, performance, security
    behaviours: frozenset[str]  # invariance, directional, minimum functionality
    calls: frozenset[str]


@dataclass(frozen=True, eq=False)
class Scope:
    """Where a test stands: its module, its class's methods, and everybody's helpers by name."""

    module: Module
    methods: Mapping[str, Function]
    helpers: Mapping[str, tuple[Module, Function]]


def trace(test: Function, scope: Scope) -> Trace:
    """Follows one test."""
    body = _followed([(scope.module, test)], scope)
    given = [scope.helpers[name] for name in _arguments(test) if name in scope.helpers]
    given += [(scope.module, f) for name, f in scope.methods.items() if name in _SETUP]
    around = body + _followed(given, scope)
    asserted = [each for module, function in body for each in _asserted(module, function)]
    kinds = set()
    if any(_OUTSIDE.match(name) for name in _calls(around)):
        kinds.add("integration")
    if _is_timed(body):
        kinds.add("performance")
    if _is_attack(asserted, body):
        kinds.add("security")
    return Trace(
        asserts=bool(asserted),
        kinds=frozenset(kinds),
        behaviours=frozenset(_behaviours(body)),
        calls=frozenset(_calls(body)),
    )


def _arguments(function: Function) -> list[str]:
    return [each.arg for each in (*function.args.args, *function.args.kwonlyargs)]


def _followed(start: list[tuple[Module, Function]], scope: Scope) -> list[tuple[Module, Function]]:
    """The functions and those helpers of the tests that they call."""
    found = list(start)
    for module, function in found:
        for node in ast.walk(function):
            if not isinstance(node, ast.Call) or len(found) >= MOST_FOLLOWED:
                continue
            called = _helper(node.func, module, scope)
            if called is not None and all(called[1] is not each for _, each in found):
                found.append(called)
    return found


def _helper(called: ast.expr, module: Module, scope: Scope) -> tuple[Module, Function] | None:
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
        if called.value.id in {"self", "cls"} and called.attr in scope.methods:
            return scope.module, scope.methods[called.attr]
        return None
    if isinstance(called, ast.Name):
        helper = scope.helpers.get(called.id)
        if helper is not None and (helper[0] is module or called.id in module.names):
            return helper
    return None


def _calls(functions: Iterable[tuple[Module, Function]]) -> set[str]:
    return {
        module.dotted(node.func) or _last(node.func)
        for module, function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
    }


def _last(node: ast.expr) -> str:
    return f"?.{node.attr}" if isinstance(node, ast.Attribute) else ""


def _asserted(module: Module, function: Function) -> list[ast.expr]:
    """The expressions that a function asserts something about; a constant says nothing."""
    found: list[ast.expr] = []
    for node in ast.walk(function):
        if isinstance(node, ast.Assert) and not _is_constant(node.test):
            found.append(node.test)
        elif isinstance(node, ast.Call):
            name = module.dotted(node.func) or _last(node.func)
            last = name.rpartition(".")[2].lower()
            said = last.startswith("assert") and not all(map(_is_constant, node.args))
            if said or last.startswith("assert_") or _RAISES.match(name) or name in _FAILS:
                found.append(node)
    return found


def _is_constant(node: ast.expr) -> bool:
    inner = [each for each in ast.walk(node) if isinstance(each, ast.expr)]
    plain = ast.Constant | ast.Tuple | ast.List | ast.Compare | ast.UnaryOp | ast.BoolOp
    return all(isinstance(each, plain) for each in inner)


class _Taint:
    """Which expressions hold a value that comes from a source."""

    def __init__(self, functions: Functions, is_source: Callable[[Module, ast.AST], bool]) -> None:
        self._is_source = is_source
        self._returning: set[str] = set()
        self._named: dict[int, set[str]] = {id(function): set() for _, function in functions}
        for _ in range(4):  # helpers that call helpers, and names that come from names
            for module, function in functions:
                self._spread(module, function)

    def holds(self, module: Module, function: Function, node: ast.AST) -> bool:
        """Whether such a value stands in an expression of a function."""
        names = self._named[id(function)]
        return any(
            (isinstance(each, ast.Name) and each.id in names)
            or (isinstance(each, ast.Call) and _called(each) in self._returning)
            or self._is_source(module, each)
            for each in ast.walk(node)
        )

    def _spread(self, module: Module, function: Function) -> None:
        for node in ast.walk(function):
            value, targets = _flow(node)
            if value is not None and self.holds(module, function, value):
                self._named[id(function)] |= targets
            returned = node.value if isinstance(node, ast.Return) else None
            if returned is not None and self.holds(module, function, returned):
                self._returning.add(function.name)


def _called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        own = isinstance(function.value, ast.Name) and function.value.id in {"self", "cls"}
        return function.attr if own else ""
    return function.id if isinstance(function, ast.Name) else ""


def _flow(node: ast.AST) -> tuple[ast.expr | None, set[str]]:
    """From which expression to which names a value goes."""
    if isinstance(node, ast.Assign):
        return node.value, _bound(node.targets)
    if isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
        return node.value, _bound([node.target])
    if isinstance(node, ast.For | ast.comprehension):
        return node.iter, _bound([node.target])
    called = node.func if isinstance(node, ast.Call) else None
    if isinstance(called, ast.Attribute) and called.attr in {"append", "extend", "add"}:
        given = node.args if isinstance(node, ast.Call) else []
        return (given[0], _bound([called.value])) if given else (None, set())
    return None, set()


def _bound(targets: Iterable[ast.expr]) -> set[str]:
    return {
        each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)
    }


def _is_timed(functions: Functions) -> bool:
    """A difference of clock readings, or a timer's figure, is compared in an assertion."""

    def is_clock(module: Module, node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and bool(_CLOCK.match(module.dotted(node.func)))

    clock = _Taint(functions, is_clock)
    homes = {id(node): f for _, f in functions for node in ast.walk(f)}

    def is_duration(module: Module, node: ast.AST) -> bool:
        if isinstance(node, ast.Call):
            return bool(_TIMED.match(module.dotted(node.func)))
        is_difference = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub)
        return is_difference and clock.holds(module, homes[id(node)], node)

    lasting = _Taint(functions, is_duration)
    return any(
        _is_ordered(expression) and lasting.holds(module, function, expression)
        for module, function in functions
        for expression in _asserted(module, function)
    )


def _is_ordered(expression: ast.expr) -> bool:
    if isinstance(expression, ast.Call) and _ORDER_CALL.match(_last(expression.func)[2:]):
        return True
    return any(isinstance(op, _ORDER) for c in _comparisons(expression) for op in c.ops)


def _comparisons(expression: ast.AST) -> list[ast.Compare]:
    return [node for node in ast.walk(expression) if isinstance(node, ast.Compare)]


def _behaviours(functions: Functions) -> set[str]:
    """What is asserted about predictions (Ribeiro et al. 2020, CheckList)."""

    def is_prediction(module: Module, node: ast.AST) -> bool:
        if not isinstance(node, ast.Call):
            return False
        called = _last(node.func)[2:] or (node.func.id if isinstance(node.func, ast.Name) else "")
        is_graph = called == "run" and "onnxruntime" in module.names.values()
        return called in _PREDICT or is_graph or NETWORK.match(called) is not None

    predicted = _Taint(functions, is_prediction)
    found = set()
    for module, function in functions:
        for expression in _asserted(module, function):
            if not predicted.holds(module, function, expression):
                continue
            sides = _sides(expression)
            both = sum(predicted.holds(module, function, side) for side in sides) > 1
            if not both:
                found.add("minimum functionality")
            else:
                found.add("directional" if _is_ordered(expression) else "invariance")
    return found


def _sides(expression: ast.expr) -> list[ast.expr]:
    """What an assertion holds against each other."""
    for compare in _comparisons(expression):
        return [compare.left, *compare.comparators]
    for node in ast.walk(expression):
        if isinstance(node, ast.Call) and len(node.args) > 1:
            return node.args
    return [expression]


def _is_attack(asserted: list[ast.expr], functions: Functions) -> bool:
    """Something hostile is sent and refused, or somebody without rights is."""
    codes = {
        node.value
        for expression in asserted
        for node in ast.walk(expression)
        if isinstance(node, ast.Constant) and type(node.value) is int
    }
    if codes & _DENIED:
        return True
    raises = any(
        isinstance(each, ast.Call) and "raises" in _last(each.func).lower() for each in asserted
    )
    if not raises and not codes & _REFUSED:
        return False
    return any(
        _is_hostile(node)
        for module, function in functions
        for root in (function, *_tables(module, function))
        for node in ast.walk(root)
    )


def _tables(module: Module, function: Function) -> list[ast.AST]:
    """The module's constants that a function names."""
    used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    return [
        statement
        for statement in module.tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign) and _flow(statement)[1] & used
    ]


def _is_hostile(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        text = node.value.decode("latin-1") if isinstance(node.value, bytes) else node.value
        return bool(_HOSTILE.search(text[:2000]))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        sides = (node.left, node.right)
        sizes = [s.value for s in sides if isinstance(s, ast.Constant)]
        return any(type(each) is int and each >= _HUGE for each in sizes)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
        said = node.args[0] if node.args else None
        return isinstance(said, ast.Constant) and str(said.value).lower().lstrip("+-") in {
            *("nan", "inf", "infinity"),
        }
    return False
