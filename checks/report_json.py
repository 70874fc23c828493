"""A report as JSON and back, and its short record as the text that ends a check run.

Called by the command line, the publisher and the bot. Reading is strict, because what is read may
have been written by anybody: an unknown or missing key, a wrong type or a number that is not
finite is a `ReportError` with a sentence, never a guess. It deliberately renders nothing for
people and touches neither disk nor network.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from checks.report import SCHEMA_VERSION, Record, Report, Severity

JsonObject = dict[str, Any]
T = TypeVar("T")

RECORD_FENCE = "holdpoint-record"
RECORD_LIMIT = 8192  # characters of the record's one line; 64 digests fit
_RECORD = re.compile(rf"(?:\A|\n)```{RECORD_FENCE}\n([^\n]{{1,{RECORD_LIMIT}}})\n```\s*\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_COMMIT = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|\+00:00)\Z")
_REPOSITORY = re.compile(r"[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}\Z")
# The JSON names `checks` what the type calls `verdicts`: the name that readers of reports know.
JSON_NAMES = {"verdicts": "checks"}


class ReportError(Exception):
    """A report or record that cannot be read or written; the message is one sentence."""


def to_json(report: Report) -> JsonObject:
    """The report as plain JSON values. Raises ReportError when a figure is not finite."""
    return {"schema_version": SCHEMA_VERSION, **_encode(report, "report")}


def from_json(data: object) -> Report:
    """The report that `to_json` wrote. Raises ReportError naming the first thing wrong."""
    if not isinstance(data, dict):
        raise ReportError(f"a report is a JSON object, this is {_kind(data)}")
    _require_version(data, "report")
    body = {key: value for key, value in data.items() if key != "schema_version"}
    return _decode_dataclass(Report, body, "report")


def dumps(report: Report) -> bytes:
    """The report's canonical bytes: sorted keys, two-space indent, UTF-8, a final newline."""
    text = json.dumps(
        to_json(report), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8", "backslashreplace") + b"\n"


def loads(payload: bytes) -> Report:
    """The report in the bytes that `dumps` wrote. Raises ReportError."""
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ReportError("report: not UTF-8") from error
    return from_json(_parse(text, "report"))


def digest_of(report: Report) -> str:
    """`sha256:<hex>` of the report's canonical bytes."""
    return "sha256:" + hashlib.sha256(dumps(report)).hexdigest()


def record_of(report: Report) -> Record:
    """The report in short. Raises ReportError when it is bound to no repository or commit."""
    if report.repository is None or report.commit is None:
        missing = "repository" if report.repository is None else "commit"
        raise ReportError(f"the report names no {missing}, so no record can be made of it")
    critical = [
        finding
        for verdict in report.verdicts
        for finding in verdict.findings
        if finding.severity is Severity.CRITICAL
    ]
    return Record(
        repository=report.repository,
        commit=report.commit,
        timestamp=report.timestamp,
        report_digest=digest_of(report),
        overall_score=report.overall_score,
        is_ready=report.is_ready,
        critical_count=max(len(critical), len(report.critical_issues)),
        model_digests=tuple(model.digest for model in report.models),
    )


def record_to_text(record: Record) -> str:
    """The fenced block that ends a check run's text. Raises ReportError when it is malformed."""
    _require_sound(record)
    line = json.dumps(_encode(record, "record"), sort_keys=True, separators=(",", ":"))
    if len(line) > RECORD_LIMIT:
        raise ReportError(f"the record has {len(line)} characters, {RECORD_LIMIT} are allowed")
    return f"```{RECORD_FENCE}\n{line}\n```"


def record_from_text(text: str) -> Record:
    """The record that ends `text`; whatever stands before it is for people and is not read.

    A block that something else follows does not count. Raises ReportError.
    """
    match = _RECORD.search(text)
    if match is None:
        raise ReportError(f"the text does not end with a {RECORD_FENCE} block")
    data = _parse(match[1], "record")
    if not isinstance(data, dict):
        raise ReportError(f"a record is a JSON object, this is {_kind(data)}")
    _require_version(data, "record")
    record = _decode_dataclass(Record, data, "record")
    _require_sound(record)
    return record


def _require_version(data: JsonObject, where: str) -> None:
    version = data.get("schema_version")
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise ReportError(
            f"{where}: schema_version is {version!r}; this version of Holdpoint reads "
            f"{SCHEMA_VERSION}"
        )


def _require_sound(record: Record) -> None:
    """Every field has the shape that a comparison later relies on."""
    shapes = (
        ("repository", _REPOSITORY, record.repository),
        ("commit", _COMMIT, record.commit),
        ("timestamp", _TIMESTAMP, record.timestamp),
        ("report_digest", _DIGEST, record.report_digest),
        *(("model_digests", _DIGEST, digest) for digest in record.model_digests),
    )
    for name, shape, value in shapes:
        if not shape.match(value):
            raise ReportError(f"record: {name} is malformed: {value[:80]!r}")
    if record.overall_score is not None and not 0 <= record.overall_score <= 1:
        raise ReportError("record: overall_score is outside 0 to 1")
    if record.critical_count < 0:
        raise ReportError("record: critical_count is negative")


def _parse(text: str, where: str) -> object:
    def constant(name: str) -> None:
        raise ReportError(f"{where}: {name} is not a JSON number")

    def unique(pairs: list[tuple[str, object]]) -> JsonObject:
        result = dict(pairs)
        if len(result) != len(pairs):
            raise ReportError(f"{where}: a key appears twice in one object")
        return result

    try:
        return json.loads(text, parse_constant=constant, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"{where}: not JSON ({error})") from error


def _encode(value: object, where: str) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        hints = get_type_hints(type(value))
        return {
            JSON_NAMES.get(f.name, f.name): _encode(
                _as_hinted(hints[f.name], getattr(value, f.name)), f"{where}.{f.name}"
            )
            for f in fields(value)
        }
    if isinstance(value, Mapping):
        return {str(key): _encode(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encode(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        raise ReportError(f"{where} is {value}, which JSON cannot hold")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise ReportError(f"{where} is {type(value).__name__}, which JSON cannot hold")


def _as_hinted(hint: Any, value: object) -> object:
    """A whole number where a float is meant as a float: the bytes must survive a round trip."""
    if type(value) is int and (hint is float or float in get_args(hint)):
        return float(value)
    return value


def _decode_dataclass(kind: type[T], data: JsonObject, where: str) -> T:
    names = {JSON_NAMES.get(f.name, f.name): f for f in fields(kind)}  # type: ignore[arg-type] # T is a dataclass
    unknown = sorted(set(data) - set(names))
    if unknown:
        raise ReportError(f"{where}: unknown key {unknown[0]!r}")
    hints = get_type_hints(kind)
    values = {}
    for name, field in names.items():
        if name in data:
            values[field.name] = _decode(hints[field.name], data[name], f"{where}.{name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ReportError(f"{where}: the key {name!r} is missing")
    return kind(**values)


def _decode(hint: Any, value: object, where: str) -> Any:
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        (inner,) = (option for option in get_args(hint) if option is not type(None))
        return None if value is None else _decode(inner, value, where)
    if origin is tuple and isinstance(value, list):
        return tuple(
            _decode(get_args(hint)[0], item, f"{where}[{i}]") for i, item in enumerate(value)
        )
    if origin is Mapping and isinstance(value, dict):
        return {k: _decode(get_args(hint)[1], item, f"{where}.{k}") for k, item in value.items()}
    if is_dataclass(hint) and isinstance(value, dict):
        return _decode_dataclass(hint, value, where)  # type: ignore[arg-type] # a dataclass type
    return _decode_scalar(hint, value, where)


def _decode_scalar(hint: Any, value: object, where: str) -> Any:
    if hint is object:
        return _encode(value, where)  # the same rules as for writing: finite numbers only
    if isinstance(hint, type) and issubclass(hint, StrEnum) and isinstance(value, str):
        if value not in list(hint):
            raise ReportError(f"{where} is {value[:40]!r}; known are {', '.join(hint)}")
        return hint(value)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise ReportError(f"{where} is not a finite number")
        return float(value)
    if hint in {str, bool, int} and type(value) is hint:
        return value
    expected = getattr(hint, "__name__", str(hint))
    raise ReportError(f"{where} is {_kind(value)}, expected {expected}")


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return names.get(type(value), "null" if value is None else "a number")
