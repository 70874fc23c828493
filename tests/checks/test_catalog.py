"""Every check of the catalogue keeps the same promises; so does every model format."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import pkgutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from checks import catalog, config, models
from checks.config_schema import COMMON
from checks.errors import CannotJudgeError, ConfigError
from checks.sandbox import scripts

if TYPE_CHECKING:
    from types import ModuleType

    from checks.check import Check

HEADINGS = ("What it looks for", "Why", "How it is scored", "How to fix")
CHECKS = catalog.discover()


def module_of(check: Check) -> ModuleType:
    """The file that a check lives in."""
    return importlib.import_module(type(check).__module__)


def test_each_file_is_a_check_and_each_check_is_in_its_own_file() -> None:
    files = [module.name for module in pkgutil.iter_modules(catalog.__path__)]
    assert sorted(check.name for check in CHECKS) == sorted(files)


def test_the_order_is_that_of_the_report() -> None:
    ranks = [catalog.ORDER.index(check.name) for check in CHECKS]
    assert ranks == sorted(ranks)


def test_an_unknown_check_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="known are model_performance, model_robustness"):
        catalog.find("performance")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_its_file_explains_it(check: Check) -> None:
    text = module_of(check).__doc__ or ""
    positions = [text.find(f"\n{heading}\n    ") for heading in HEADINGS]
    assert all(position > 0 for position in positions), "the fixed headings, in order"
    assert positions == sorted(positions)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_its_settings_are_frozen_and_have_defaults(check: Check) -> None:
    settings: Any = check.settings()
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.passed_at = 0.0
    assert 0 <= settings.critical_below <= settings.passed_at <= 1


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_each_of_its_settings_says_what_it_is(check: Check) -> None:
    fields = dataclasses.fields(check.settings)
    silent = [f.name for f in fields if f.name not in COMMON and not f.metadata.get("about")]
    assert not silent, "say it in about="


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_its_rules_are_what_a_waiver_may_name(check: Check) -> None:
    """That no finding has another rule is asked of every verdict that the checks' tests make."""
    assert len(set(check.rules)) == len(check.rules) > 0
    waiver = f"{{rule: {check.name}.no_such_rule, reason: r, owner: o, expires: 2030-01-01}}"
    with pytest.raises(ConfigError, match=r"waivers\[0\]\.rule is unknown"):
        config.load(f"waivers: [{waiver}]".encode(), "holdpoint.yml", CHECKS)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_what_can_be_declared_is_worth_something(check: Check) -> None:
    assert all(0 < worth <= 1 for worth in check.items.values())
    assert sum(check.items.values()) == pytest.approx(1.0 if check.items else 0.0)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_its_judge_reads_nothing(check: Check) -> None:
    """No clock, disk, network or process is imported where judging happens."""
    forbidden = {"os", "pathlib", "socket", "subprocess", "time", "datetime", "urllib", "random"}
    tree = ast.parse(Path(inspect.getfile(type(check))).read_text(encoding="utf-8"))
    imported = {
        name.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (node.names if isinstance(node, ast.Import) else [ast.alias(node.module or "")])
    }
    assert not imported & forbidden
    calls = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert "open" not in calls


def test_formats_are_found_by_suffix_or_name() -> None:
    assert models.find("a/Model.PKL", None).name == "pickle"
    assert models.find("model.bin", "joblib").name == "joblib"
    with pytest.raises(
        CannotJudgeError, match=r"of no known format; known are joblib \(.joblib\), onnx"
    ):
        models.find("model.h5", None)
    with pytest.raises(CannotJudgeError, match="the model format 'keras'"):
        models.find("model.pkl", "keras")
    assert models.find("python:shop.model:make", None).name == "python"
    with pytest.raises(CannotJudgeError, match="names no function; expected python:"):
        models.find("python:model.py", None)


@pytest.mark.parametrize("adapter", models.discover(), ids=lambda adapter: adapter.name)
def test_a_format_has_suffixes_of_its_own_and_a_known_loader(adapter: models.Adapter) -> None:
    others = [s for a in models.discover() if a is not adapter for s in a.suffixes]
    assert adapter.suffixes or adapter.name == "python"
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in adapter.suffixes)
    assert not set(adapter.suffixes) & set(others)
    assert adapter.loader in scripts.names(scripts.LOADERS)
    assert bool(adapter.requires) == bool(adapter.extra)


@pytest.mark.parametrize("name", scripts.names(scripts.LOADERS))
def test_a_loader_is_a_script_that_stands_alone(name: str) -> None:
    text = scripts.text(scripts.LOADERS, name).decode()
    tree = ast.parse(text)
    imported = {
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert {str(module).partition(".")[0] for module in imported} <= sys.stdlib_module_names
    assert "load" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert name in {adapter.loader for adapter in models.discover()}
