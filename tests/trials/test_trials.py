"""Tried as a new user would: `holdpoint init && holdpoint check` on repositories of others' making.

What is asserted is what makes the outcome useful to somebody who sees Holdpoint for the first time.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.trials import repositories

if TYPE_CHECKING:
    from pathlib import Path

READ_ONLY = ("scalability", "monitoring", "deployment", "documentation", "testing", "security")


def holdpoint(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command typed in that folder."""
    done = subprocess.run(
        [sys.executable, "-I", "-m", "holdpoint", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def words(text: str) -> str:
    """Without line breaks and indents, which depend on the width."""
    return " ".join(text.split())


def only(*checks: str) -> list[str]:
    """Options that name checks."""
    return [part for check in checks for part in ("--only", check)]


@pytest.fixture(scope="module")
def with_artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Model in artifacts/, data in data/raw, notebooks, a Helm chart, no configuration."""
    return repositories.with_artifacts(tmp_path_factory.mktemp("trial") / "churn")


def test_a_repository_of_another_layout(with_artifacts: Path) -> None:
    told = holdpoint(with_artifacts, "init")
    assert (told.returncode, told.stderr) == (0, "")
    for guess in (
        "artifacts/model.joblib",
        "data/raw/test.csv, by its name",
        "data/raw/train.csv",
        "churned, notebooks/02-train.ipynb uses it as the target",
        "parts of a model and not taken: artifacts/scaler.joblib",
        "next: holdpoint check",
    ):
        assert guess in words(told.stdout)
    done = holdpoint(with_artifacts, "check", *only("model_performance", *READ_ONLY))
    assert done.returncode == 1
    assert all(line.startswith("[") for line in done.stderr.splitlines()), "progress, no complaint"
    said = words(done.stdout)
    assert done.stdout.startswith("NOT READY")
    assert "accuracy 0.9" in said, "the model was measured on the rows that were found"
    assert "not found: a readiness probe" in said
    # The chart may hold all that seems to be missing: said at once, with what to do.
    assert "no deployment strategy; 9 of 12 items missing; 1 file could not be read" in said
    chart = (
        "chart/templates/deployment.yaml: unreadable: a Helm template that needs helm to be read"
    )
    assert chart in said
    assert "a deployment guide" not in said, "the README has one"


def test_an_unrendered_chart_comes_with_what_to_do(with_artifacts: Path) -> None:
    done = holdpoint(with_artifacts, "check", "--format", "markdown", *only("security"))
    assert "makes of the chart, so that it can be judged" in done.stdout


@pytest.fixture(scope="module")
def with_two_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A monorepo."""
    return repositories.with_two_models(tmp_path_factory.mktemp("trial") / "models")


def test_a_monorepo_is_told_how_to_choose(with_two_models: Path) -> None:
    done = holdpoint(with_two_models, "check")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    for part in (
        "2 model files were found (services/churn/model.joblib, services/price/model.joblib)",
        "`holdpoint check services/churn`",
        "model.path in holdpoint.yml, which `holdpoint init` writes",
    ):
        assert part in done.stderr


def test_each_service_of_a_monorepo_is_judged_by_its_folder(with_two_models: Path) -> None:
    for name, measured in (("churn", "accuracy 0.9"), ("price", "R2 0.9")):
        told = holdpoint(with_two_models, "init", f"services/{name}")
        assert f"next: holdpoint check services/{name}" in told.stdout
        checks = only("model_performance", "deployment")
        done = holdpoint(with_two_models, "check", f"services/{name}", *checks)
        assert done.returncode == 1
        assert measured in done.stdout
        assert "Dockerfile runs as root" in words(done.stdout)
        assert "services/" not in done.stdout, "nothing of the other"


def test_a_monorepo_judged_whole_says_what_that_means(with_two_models: Path) -> None:
    told = holdpoint(with_two_models, "init")
    said = words(told.stdout)
    assert "services/churn/model.joblib (taken), services/price/model.joblib" in said
    assert "what belongs to the other too" in said
    assert "`holdpoint check services/churn` keep to one folder" in said
    done = holdpoint(with_two_models, "check", *only("deployment"))
    assert done.returncode == 1
    assert done.stdout.startswith("NOT READY")


def test_a_repository_without_a_model(tmp_path: Path) -> None:
    root = repositories.without_model(tmp_path / "features")
    for command in ("init", "check"):
        done = holdpoint(root, command)
        assert (done.returncode, done.stdout) == (2, "")
        assert len(done.stderr.splitlines()) == 1
        assert "no model file was found" in done.stderr
        assert "nothing to judge" in done.stderr
        assert "Git LFS is fine" in done.stderr
    assert not (root / "holdpoint.yml").exists()
