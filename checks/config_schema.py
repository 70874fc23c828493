"""holdpoint.yml as a JSON Schema, made from the same dataclasses that read it.

`python -m checks.config_schema` writes `docs/reference/holdpoint.schema.json`, and a test holds the
file against this. Every check of the catalogue brings its settings along. The reader is stricter in
words: its errors name the line and the nearest name.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from checks import catalog, config, config_flat

if TYPE_CHECKING:
    from checks.check import Check

TARGET = Path(__file__).parents[1] / "docs" / "reference" / "holdpoint.schema.json"
JsonObject = dict[str, Any]
# Settings that every check has.
COMMON = {
    "passed_at": "the least score that passes",
    "critical_below": "below this score the check is critical by itself",
}
_FLAT = "Of the older, flat kind"


def schema() -> JsonObject:
    """The schema as plain JSON values."""
    checks = catalog.discover()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "holdpoint.yml",
        "description": "What Holdpoint judges, and by which thresholds.",
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {
            "version": {"const": config.VERSION, "description": "The version of this format."},
            "model": of_dataclass(config.ModelConfig),
            "data": of_dataclass(config.DataConfig),
            "run": of_dataclass(config.RunConfig),
            "declarations": _declarations(checks),
            "waivers": {
                "description": inspect.getdoc(config.Waiver),
                "type": ["array", "null"],
                "items": _plain(of_dataclass(config.Waiver)),
            },
            "checks": {
                "description": "Settings of each check.",
                "type": ["object", "null"],
                "additionalProperties": False,
                "properties": {check.name: _settings(check) for check in checks},
            },
            **{key: _flat(key) for key in config_flat.TABLE},
        },
    }


def of_dataclass(kind: type[Any]) -> JsonObject:
    """The schema of a mapping that is read into this dataclass."""
    hints = get_type_hints(kind)
    fields = [f for f in dataclasses.fields(kind) if not f.metadata.get("derived")]
    required = [f.name for f in fields if f.default is dataclasses.MISSING]
    found: JsonObject = {
        "description": " ".join((inspect.getdoc(kind) or "").split()),
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {f.name: _field(f, hints[f.name]) for f in fields},
    }
    return found | ({"required": required} if required else {})


def dumps() -> str:
    """The text of the published file."""
    return json.dumps(schema(), indent=2) + "\n"


def about(each: dataclasses.Field[Any]) -> str:
    """What a setting means, in words."""
    said = each.metadata.get("about") or COMMON.get(each.name)
    return str(said or each.name.replace("_", " "))


def _field(each: dataclasses.Field[Any], hint: Any) -> JsonObject:
    text = about(each)
    found: JsonObject = {"description": text[0].upper() + text[1:] + "."} | _kind(hint)
    for name, bound in (("low", "minimum"), ("high", "maximum")):
        if each.metadata.get(name) is not None and found["type"][0] in {"number", "integer"}:
            found[bound] = each.metadata[name]
    if each.metadata.get("as_written"):
        found["type"] = ["string", "number", "boolean", "null"]
    if each.metadata.get("date"):
        found["pattern"] = r"^\d{4}-\d\d-\d\d$"
    if each.default is dataclasses.MISSING:
        return _plain(found)
    if each.default not in (None, "", ()):
        found["default"] = each.default
    return found


def _kind(hint: Any) -> JsonObject:
    """An empty value is read as the default, so every kind may be null."""
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        return _kind(next(each for each in get_args(hint) if each is not type(None)))
    if origin is tuple:
        return {"type": ["array", "null"], "items": _plain(_kind(get_args(hint)[0]))}
    if origin is Literal:
        return {"type": ["string", "null"], "enum": [*get_args(hint), None]}
    names = {str: "string", bool: "boolean", int: "integer", float: "number"}
    return {"type": [names[hint], "null"]}


def _plain(found: JsonObject) -> JsonObject:
    """The same, with null left out: what has no default has to be there."""
    return found | {"type": found["type"][0]}


def _settings(check: Check) -> JsonObject:
    found = of_dataclass(check.settings)
    text = (inspect.getmodule(type(check)).__doc__ or "").partition("\n")[0]
    return found | {"description": f"{text} {found['description']}"}


def _declarations(checks: tuple[Check, ...]) -> JsonObject:
    element = of_dataclass(config.Declaration)
    rules = config.declarable(checks)
    listed = _plain(element | {"required": ["item"]})
    listed["properties"] = element["properties"] | {
        "item": element["properties"]["item"] | {"type": "string", "enum": rules}
    }
    by_item = {name: each for name, each in element["properties"].items() if name != "item"}
    return {
        "description": element["description"],
        "oneOf": [
            {
                "type": ["object", "null"],
                "propertyNames": {"enum": rules},
                "additionalProperties": _plain(element | {"properties": by_item}),
            },
            {"type": "array", "items": listed},
        ],
    }


def _flat(key: str) -> JsonObject:
    entry = config_flat.TABLE[key]
    if isinstance(entry, config_flat.Target):
        return {"description": _flat_about(entry)}
    if config_flat.ANY in entry:
        return {"description": _flat_about(entry[config_flat.ANY])}
    return {
        "description": f"{_FLAT}.",
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {
            name: {"description": _flat_about(target)} for name, target in entry.items()
        },
    }


def _flat_about(target: config_flat.Target) -> str:
    name = f"{target.check}.{target.names[0]}"
    return f"{_FLAT}: {f'declares {name}' if target.declares else f'sets checks.{name}'}."


def main() -> int:
    """Writes the published file."""
    TARGET.write_text(dumps(), encoding="utf-8")
    sys.stdout.write(f"wrote {TARGET}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
