"""OpenAPI 3.0 to JSON Schema: the dialect's traps, on small documents."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.github.schema import compile_routes, convert
from tests.fakes.github.validator import Validator


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        (
            {"type": "string", "enum": ["a"], "nullable": True},
            {"type": ["string", "null"], "enum": ["a", None]},
        ),
        (
            {"allOf": [{"$ref": "#/components/schemas/x"}], "nullable": True},
            {"anyOf": [{"allOf": [{"$ref": "#/components/schemas/x"}]}, {"type": "null"}]},
        ),
        (
            {"$ref": "#/components/schemas/x", "nullable": True},
            {"$ref": "#/components/schemas/x"},
        ),
        ({"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}),
        ({"type": "object", "example": {"type": "integer"}}, {"type": "object"}),
        (
            {"properties": {"nullable": {"type": "boolean"}}},
            {"properties": {"nullable": {"type": "boolean"}}},
        ),
    ],
)
def test_dialect(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert convert(given) == expected


DOCUMENT: dict[str, Any] = {
    "paths": {
        "/x/{id}": {
            "get": {
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}},
                    {"name": "page", "in": "query", "schema": {"type": "integer"}},
                ],
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/node"}}
                        }
                    }
                },
            }
        }
    },
    "components": {
        "schemas": {
            "node": {
                "type": "object",
                "required": ["name", "next", "at"],
                "properties": {
                    "name": {"type": "string"},
                    "at": {"type": "string", "format": "date-time"},
                    "next": {"nullable": True, "oneOf": [{"$ref": "#/components/schemas/node"}]},
                },
            },
            "unreached": {"type": "string"},
        }
    },
}


def test_only_what_is_reached_is_kept_and_recursion_ends() -> None:
    compiled = compile_routes(DOCUMENT, [("GET", "/x/{id}")])
    assert list(compiled["components"]["schemas"]) == ["node"]
    with pytest.raises(KeyError, match="DELETE /x"):
        compile_routes(DOCUMENT, [("DELETE", "/x/{id}")])


def test_answers_are_completed_then_judged() -> None:
    validator = Validator(compile_routes(DOCUMENT, [("GET", "/x/{id}")]))
    body = validator.completed("GET /x/{id}", 200, {"next": {"name": "inner"}})
    assert body["next"]["name"] == "inner"
    assert body["next"]["next"] is None
    assert validator.response("GET /x/{id}", 200, body) == []
    assert validator.response("GET /x/{id}", 200, {**body, "at": "yesterday"})
    assert validator.response("GET /x/{id}", 418, body) == ["status 418 is not described"]


def test_parameters_are_typed() -> None:
    validator = Validator(compile_routes(DOCUMENT, [("GET", "/x/{id}")]))
    assert validator.request("GET /x/{id}", {"id": "7"}, {"page": "2"}, None) == []
    assert validator.request("GET /x/{id}", {"id": "seven"}, {}, None)
    assert validator.request("GET /x/{id}", {"id": "7"}, {"page": "two"}, None)
    assert validator.request("GET /x/{id}", {"id": "7"}, {}, {"a": 1})
