"""The JSON report as a JSON Schema, made from the same dataclasses that are written.

`python -m checks.report_schema` writes `docs/reference/report.schema.json`, and a test holds the
file against this and reports against the file. It is strict: it describes exactly what this version
writes. `schema_version` changes when a key goes or changes its meaning.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import sys
import types
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from checks.report import SCHEMA_VERSION, Report
from checks.report_json import JSON_NAMES

TARGET = Path(__file__).parents[1] / "docs" / "reference" / "report.schema.json"
JsonObject = dict[str, Any]


def schema() -> JsonObject:
    """The schema as plain JSON values."""
    kinds: dict[str, JsonObject] = {}
    whole = _object(Report, kinds)
    whole["properties"] = {
        "schema_version": {"const": SCHEMA_VERSION},
        **whole["properties"],
    }
    whole["required"] = ["schema_version", *whole["required"]]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Holdpoint's readiness report",
        **whole,
        "$defs": dict(sorted(kinds.items())),
    }


def dumps() -> str:
    """The text of the published file."""
    return json.dumps(schema(), indent=2) + "\n"


def _object(kind: type[Any], kinds: dict[str, JsonObject]) -> JsonObject:
    """Every key is always written; an unknown one would be of another version."""
    hints = get_type_hints(kind)
    names = [JSON_NAMES.get(f.name, f.name) for f in dataclasses.fields(kind)]
    return {
        "description": " ".join((inspect.getdoc(kind) or "").split()),
        "type": "object",
        "properties": {
            name: _of(hints[field.name], kinds)
            for name, field in zip(names, dataclasses.fields(kind), strict=True)
        },
        "required": names,
        "additionalProperties": False,
    }


def _of(hint: Any, kinds: dict[str, JsonObject]) -> JsonObject:
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        (inner,) = (option for option in get_args(hint) if option is not type(None))
        return {"anyOf": [_of(inner, kinds), {"type": "null"}]}
    if origin is tuple:
        return {"type": "array", "items": _of(get_args(hint)[0], kinds)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _of(get_args(hint)[1], kinds)}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if hint.__name__ not in kinds:
            kinds[hint.__name__] = {}  # a place first: a kind may hold its own
            kinds[hint.__name__] = _object(hint, kinds)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {"enum": [each.value for each in hint]}
    names = {str: "string", bool: "boolean", int: "integer", float: "number"}
    return {} if hint is object else {"type": names[hint]}


def main() -> int:
    """Writes the published file."""
    TARGET.write_text(dumps(), encoding="utf-8")
    sys.stdout.write(f"wrote {TARGET}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
