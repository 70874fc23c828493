"""Turns OpenAPI 3.0 operations into JSON Schema (2020-12). Pure; called by `description`.

OpenAPI 3.0 has its own dialect: `nullable`, boolean `exclusiveMinimum`, and `$ref` whose siblings
do not count. Only what the wanted routes reach is kept, so that loading takes milliseconds.
"""

from __future__ import annotations

from typing import Any

COMPILER = 4  # raise it when the output changes, so that cached files are made anew

Json = dict[str, Any]
_KEPT = {
    "type", "enum", "required", "pattern", "format", "minLength", "maxLength", "minItems",
    "maxItems", "uniqueItems", "minimum", "maximum", "minProperties", "maxProperties", "default",
}  # fmt: skip
_NESTED = {"items", "additionalProperties", "not"}
_LISTS = {"allOf", "anyOf", "oneOf"}
_COMPOSED = {*_LISTS, "$ref"}


def compile_routes(document: Json, routes: list[tuple[str, str]]) -> Json:
    """`{"routes": {"GET /path": {parameters, body, responses}}, "components": {schemas}}`.

    Raises KeyError with the route's name when the description does not know it.
    """
    compiled: Json = {}
    for method, template in routes:
        operation = document["paths"].get(template, {}).get(method.lower())
        if operation is None:
            raise KeyError(f"GitHub's description knows no {method} {template}")
        compiled[f"{method} {template}"] = _operation(document, operation)
    names = _reached(document, compiled)
    schemas = {name: convert(document["components"]["schemas"][name]) for name in sorted(names)}
    return {"routes": compiled, "components": {"schemas": schemas}}


def _operation(document: Json, operation: Json) -> Json:
    body = _resolve(document, operation.get("requestBody", {}))
    return {
        "parameters": [
            _parameter(_resolve(document, each)) for each in operation.get("parameters", [])
        ],
        "body": _content(body),
        "body_required": body.get("required", False),
        "responses": {
            status: _content(_resolve(document, answer))
            for status, answer in operation["responses"].items()
        },
    }


def _parameter(parameter: Json) -> Json:
    return {
        "name": parameter["name"],
        "in": parameter["in"],
        "required": parameter.get("required", False),
        "schema": convert(parameter.get("schema", {})),
    }


def _resolve(document: Json, node: Json) -> Json:
    while "$ref" in node:
        reference = node["$ref"]
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
    return node


def _content(node: Json) -> Json | None:
    media = node.get("content", {}).get("application/json")
    return convert(media["schema"]) if media and "schema" in media else None


def convert(node: Any) -> Any:
    """One schema object of OpenAPI 3.0 as JSON Schema."""
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"$ref": node["$ref"]}
    out: Json = {key: node[key] for key in _KEPT & node.keys()}
    out |= {key: convert(node[key]) for key in _NESTED & node.keys()}
    out |= {key: [convert(each) for each in node[key]] for key in _LISTS & node.keys()}
    if "properties" in node:
        out["properties"] = {name: convert(each) for name, each in node["properties"].items()}
    _bounds(node, out)
    return _nullable(out) if node.get("nullable") is True else out


def _bounds(node: Json, out: Json) -> None:
    for exclusive, plain in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if node.get(exclusive) is True and plain in out:
            out[exclusive] = out.pop(plain)


def _nullable(schema: Json) -> Json:
    if "type" not in schema or _COMPOSED & schema.keys():
        return {"anyOf": [schema, {"type": "null"}]}
    nullable = {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema and None not in schema["enum"]:
        nullable["enum"] = [*schema["enum"], None]
    return nullable


def _reached(document: Json, start: Json) -> set[str]:
    names: set[str] = set()
    queue = list(references(start))
    while queue:
        name = queue.pop()
        if name not in names:
            names.add(name)
            queue += references(convert(document["components"]["schemas"][name]))
    return names


def references(node: Any) -> set[str]:
    """The names of all component schemas that a converted schema refers to."""
    if isinstance(node, list):
        return set().union(*map(references, node))
    if not isinstance(node, dict):
        return set()
    own = node.get("$ref")
    found = {own.rpartition("/")[2]} if isinstance(own, str) else set()
    return found.union(*map(references, node.values()))
