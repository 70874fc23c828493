"""A new check is one new file: it is written, found, configured, judged and shown."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import checks
from tests.checks.conftest import LENDING
from tests.patience import with_settings

PACKAGE = Path(checks.__file__).parent


def copy_of_the_package(root: Path) -> dict[str, str]:
    """The package in a folder of its own, and an environment that finds it first."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, root / "checks", ignore=ignore)
    shutil.copy(PACKAGE.parent / "holdpoint.py", root)
    return {**os.environ, "PYTHONPATH": str(root)}


def python(root: Path, environment: dict[str, str], *arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, output and errors of a module of the copy."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_one_new_file_is_a_new_check(tmp_path: Path, lending: Path) -> None:
    environment = copy_of_the_package(tmp_path)
    before = set(tmp_path.rglob("*.py"))
    code, said, errors = python(tmp_path, environment, "-m", "checks.scaffold", "onboarding")
    assert (code, errors) == (0, "")
    added = set(tmp_path.rglob("*.py")) - before
    assert added == {tmp_path / "checks" / "catalog" / "onboarding.py"}
    config = lending / "holdpoint.yml"
    config.write_bytes(with_settings(config.read_bytes(), b"  onboarding: {passed_at: 0.9}\n"))
    command = ("-m", "holdpoint", "check", lending, "--only", "onboarding", "--format", "json")
    code, said, errors = python(tmp_path, environment, *command)
    assert code == 0, errors
    (verdict,) = json.loads(said)["checks"]
    assert (verdict["check_name"], verdict["score"]) == ("onboarding", 1.0)
    (lending / "README.md").unlink()
    (lending / "holdpoint.yml").write_text(
        (lending / "holdpoint.yml").read_text()
        + "declarations: [{item: onboarding.readme, says: it is in the wiki}]\n"
    )
    code, said, errors = python(tmp_path, environment, *command)
    assert json.loads(said)["checks"][0]["score"] == 0.5, errors


def test_what_it_writes_keeps_the_promises_and_the_style(tmp_path: Path) -> None:
    environment = copy_of_the_package(tmp_path)
    python(tmp_path, environment, "-m", "checks.scaffold", "onboarding")
    shutil.copytree(LENDING.parents[1] / "tests" / "checks", tmp_path / "tests" / "checks")
    shutil.copy(LENDING.parents[1] / "tests" / "patience.py", tmp_path / "tests")
    shutil.copy(PACKAGE.parent / "pyproject.toml", tmp_path)
    for path in ("tests/__init__.py", "examples/lending/holdpoint.yml"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    test = ("-m", "pytest", "-q", "-k", "onboarding", "tests/checks/test_catalog.py")
    code, said, errors = python(tmp_path, environment, *test)
    assert code == 0, said + errors
    assert "6 passed" in said
    for tool in (("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)):
        target = "checks/catalog/onboarding.py"
        code, said, errors = python(tmp_path, environment, "-m", *tool, target)
        assert code == 0, said + errors


def test_it_overwrites_nothing_and_takes_only_names(tmp_path: Path) -> None:
    environment = copy_of_the_package(tmp_path)
    for name, words in (("deployment", "exists already"), ("../x", "is no name")):
        code, _, errors = python(tmp_path, environment, "-m", "checks.scaffold", name)
        assert code == 2
        assert words in errors
