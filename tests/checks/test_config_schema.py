"""The published JSON Schema: made from the code, and true about what the reader takes."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import jsonschema
import pytest
import yaml

from checks import catalog, config, config_schema
from checks.errors import ConfigError
from tests.checks.conftest import LENDING
from tests.checks.test_config import WHOLE
from tests.checks.test_config_flat import FLAT

if TYPE_CHECKING:
    from checks.check import Check

SCHEMA = config_schema.schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
WAIVER = "waivers: [{rule: deployment.risk, reason: r, owner: o, expires: '2030-01-01'}]"


def test_the_published_file_is_the_codes() -> None:
    """A failure: `.venv/bin/python -m checks.config_schema` writes it anew."""
    assert config_schema.TARGET.read_text(encoding="utf-8") == config_schema.dumps()


def test_it_is_a_schema_and_every_key_is_described() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def undescribed(node: object, path: str) -> list[str]:
        if not isinstance(node, dict):
            return []
        found = []
        for name, child in node.get("properties", {}).items():
            if not child.get("description"):
                found.append(f"{path}.{name}")
            found += undescribed(child, f"{path}.{name}")
        return found

    assert undescribed(SCHEMA, "") == []


@pytest.mark.parametrize("check", catalog.discover(), ids=lambda check: check.name)
def test_every_check_brings_its_settings(check: Check) -> None:
    properties = SCHEMA["properties"]["checks"]["properties"][check.name]["properties"]
    assert list(properties) == [field.name for field in dataclasses.fields(check.settings)]


@pytest.mark.parametrize(
    "text",
    [
        (LENDING / "holdpoint.yml").read_text(),
        WHOLE,
        FLAT,
        WAIVER,
        "",
        "model:\ndata:\n",
        "declarations: {deployment.rollback: {link: x, by: y}}",
        "data: {positive_label: 1}",
        "checks: {inference_performance: {p99_ms: }}",
    ],
)
def test_what_the_reader_takes_is_valid(text: str) -> None:
    config.load(text.encode(), "holdpoint.yml", catalog.discover())
    VALIDATOR.validate(json.loads(json.dumps(yaml.safe_load(text))))


@pytest.mark.parametrize(
    "text",
    [
        "modell: {}",
        "version: 2",
        "model: {path: 3}",
        "model: {task: clustering}",
        "data: {ignore: a}",
        "checks: {model_performance: {accuracy: 85}}",
        "checks: {inference_performance: {p99_ms: -1}}",
        "checks: {deployment: {risk: extreme}}",
        "declarations: {deployment.rolback: {says: x}}",
        "declarations: [{says: x}]",
        "deployment: {rolback_enabled: true}",
        WAIVER.replace("owner: o, ", ""),
        WAIVER.replace("2030-01-01", "soon"),
    ],
)
def test_what_the_reader_refuses_is_invalid(text: str) -> None:
    with pytest.raises(ConfigError):
        config.load(text.encode(), "holdpoint.yml", catalog.discover())
    assert not VALIDATOR.is_valid(json.loads(json.dumps(yaml.safe_load(text))))
