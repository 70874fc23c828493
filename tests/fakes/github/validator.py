"""Holds requests and answers against GitHub's description; completes answers from it.

Called by the fake's server for every exchange. A violation is a sentence; what to do with it is the
server's business. Stricter than GitHub on purpose where GitHub ignores a mistake in silence: a
parameter or a body field that the description does not name is a violation.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]
_URN = "urn:github"
# Every route may answer these; the description names them for some routes only.
_ERRORS = {400, 401, 403, 404, 409, 410, 415, 422, 429, 500, 502, 503}
_MISSING: Any = object()


class Validator:
    """Knows the compiled description (see `schema.compile_routes`)."""

    def __init__(self, document: Json) -> None:
        self._document = document
        resource: Resource[Any] = Resource.from_contents(document, DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(_URN, resource)

    def request(
        self, route: str, path: Mapping[str, str], query: Mapping[str, str], body: Any
    ) -> list[str]:
        """What is wrong with a request to `route` ("GET /path/{template}")."""
        operation = self._document["routes"][route]
        known = {(each["in"], each["name"]): each for each in operation["parameters"]}
        found = [
            f"unknown query parameter {name!r}" for name in query if ("query", name) not in known
        ]
        for (place, name), parameter in known.items():
            value = {"path": path, "query": query}.get(place, {}).get(name)
            if value is not None:
                schema = parameter["schema"]
                found += self._errors(schema, _typed(schema, value), f"{place} {name}")
            elif parameter["required"] and place == "query":
                found.append(f"query parameter {name!r} is required")
        return found + self._body(operation, body)

    def _body(self, operation: Json, body: Any) -> list[str]:
        schema = operation["body"]
        if body is None:
            return ["a JSON body is required"] if schema and operation["body_required"] else []
        if schema is None:
            return ["this route takes no JSON body"]
        unknown = sorted(set(body) - self._names(schema)) if isinstance(body, dict) else []
        return [f"unknown body field {name!r}" for name in unknown] + self._errors(
            schema, body, "body"
        )

    def response(self, route: str, status: int, body: Any) -> list[str]:
        """What is wrong with an answer of `route`."""
        responses = self._document["routes"][route]["responses"]
        if str(status) not in responses:
            return [] if status in _ERRORS else [f"status {status} is not described"]
        schema = responses[str(status)]
        return [] if schema is None else self._errors(schema, body, "answer")

    def completed(self, route: str, status: int, body: Any) -> Any:
        """`body` with the required fields that the fake has no opinion about, smallest first."""
        schema = self._document["routes"][route]["responses"].get(str(status))
        return body if schema is None else self._fill(schema, body)

    def _errors(self, schema: Json, value: Any, what: str) -> list[str]:
        checker = Draft202012Validator(
            _absolute(schema),
            registry=self._registry,
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )
        return [
            f"{what} {each.json_path}: {_short(each.message)}"
            for each in checker.iter_errors(value)
        ]

    def _names(self, schema: Json) -> set[str]:
        schema = self._resolved(schema)
        names = set(schema.get("properties", {}))
        for variant in _variants(schema):
            names |= self._names(variant)
        return names

    def _resolved(self, schema: Json) -> Json:
        while "$ref" in schema:
            schema = self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema

    def _fill(self, schema: Json, value: Any) -> Any:
        schema = self._resolved(schema)
        for part in schema.get("allOf", []):
            value = self._fill(part, value)
        choices = [*schema.get("anyOf", []), *schema.get("oneOf", [])]
        if choices:
            return self._choose(choices, value)
        if value is _MISSING:
            value = _smallest(schema)
        if isinstance(value, dict):
            return self._fill_object(schema, value)
        if isinstance(value, list) and isinstance(schema.get("items"), dict):
            return [self._fill(schema["items"], each) for each in value]
        return value

    def _choose(self, choices: list[Json], value: Any) -> Any:
        if value is _MISSING and any(each.get("type") == "null" for each in choices):
            return None
        for choice in choices:
            filled = self._fill(choice, value)
            if not self._errors(choice, filled, ""):
                return filled
        return None if value is _MISSING else value

    def _fill_object(self, schema: Json, value: Json) -> Json:
        filled = dict(value)
        for name, part in schema.get("properties", {}).items():
            if name in filled:
                filled[name] = self._fill(part, filled[name])
            elif name in schema.get("required", ()):
                filled[name] = self._fill(part, _MISSING)
        return filled


def _short(message: str) -> str:
    """jsonschema quotes the value first and complains last; both ends are kept."""
    return message if len(message) <= 300 else f"{message[:150]} ... {message[-150:]}"


def _variants(schema: Json) -> list[Json]:
    return [each for key in ("allOf", "anyOf", "oneOf") for each in schema.get(key, [])]


def _absolute(node: Any) -> Any:
    """The same schema with `#/...` pointing into the whole document."""
    if isinstance(node, list):
        return [_absolute(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: f"{_URN}{each}" if key == "$ref" else _absolute(each) for key, each in node.items()
    }


def _typed(schema: Json, text: str) -> Any:
    """A path or query string as the type that its schema asks for; itself where it is not one."""
    if schema.get("type") == "integer" and text.lstrip("-").isdigit():
        return int(text)
    if schema.get("type") == "boolean" and text in {"true", "false"}:
        return text == "true"
    return text


_BY_FORMAT = {
    "uri": "https://github.example/",
    "date-time": "2020-01-01T00:00:00Z",
    "date": "2020-01-01",
    "email": "nobody@github.example",
}


def _smallest(schema: Json) -> Any:
    """The smallest value that a schema without composition allows."""
    kinds = schema.get("type", "object" if "properties" in schema else "null")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "null" in kinds:
        return None
    if "enum" in schema:
        return schema["enum"][0]
    return _smallest_of(kinds[0], schema)


def _smallest_of(kind: str, schema: Json) -> Any:
    make: dict[str, functools.partial[Any]] = {
        "string": functools.partial(str, _BY_FORMAT.get(schema.get("format", ""), "")),
        "integer": functools.partial(int, schema.get("minimum", 0)),
        "number": functools.partial(float, schema.get("minimum", 0)),
        "boolean": functools.partial(bool),
        "array": functools.partial(list),
        "object": functools.partial(dict),
    }
    return make[kind]()
