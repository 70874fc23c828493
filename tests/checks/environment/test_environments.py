"""Models that need other packages than ours, judged in environments of real wheels.

The models are trained at test time inside such an environment, which the judging then finds in the
cache: one download for all of them.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from checks import run
from checks.environment.build import Builder, cache_folder
from checks.environment.installed import installed
from checks.environment.wanted import Requirements, Wanted
from tests.checks.conftest import finding_of, judge, verdict_of
from tests.checks.environment.repositories import CONFIG, rows
from tests.checks.environment.repositories import run as run_python
from tests.checks.trees import write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.report import Report

PINS = ("numpy==1.26.4", "pandas==2.2.3", "scikit-learn==1.5.2", "xgboost-cpu==3.2.0")
TRAIN = """\
import pickle, sys
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
{more}
table = pd.read_csv("e.csv")
labels = table.pop("y"){labels}
pickle.dump({model}.fit(table, labels), open("m.pkl", "wb"))
"""
PIPELINE = "make_pipeline(StandardScaler(), LogisticRegression())"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of environments for the tests of this file."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOLDPOINT_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def python(cache: Path) -> Path:
    """The interpreter of an environment that has PINS: the same that judging will ask for."""
    asked = Requirements(None, tuple(map(Wanted, PINS)))
    return Builder(cache_folder(os.environ)).interpreter(asked)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is not in the cache cannot be had."""
    monkeypatch.setenv("UV_OFFLINE", "1")


def trained(root: Path, python: Path, model: str, more: str = "", labels: str = "") -> Path:
    """A repository whose model was trained in that environment."""
    asked = "".join(f"{line}\n" for line in PINS)
    write(root, {"holdpoint.yml": CONFIG, "e.csv": rows(), "requirements.txt": asked})
    run_python(python, TRAIN.format(model=model, more=more, labels=labels), root, root)
    return root


def figure(report: Report, name: str) -> float:
    """One figure of the performance check."""
    verdict = verdict_of(report, "model_performance")
    assert verdict.score is not None, verdict.message
    return {each.name: each.value for each in verdict.figures}[name]


@pytest.mark.usefixtures("offline")
def test_another_scikit_learn_is_judged_as_it_was_trained(tmp_path: Path, python: Path) -> None:
    root = trained(tmp_path, python, PIPELINE)
    score = "import pickle, pandas as pd; t = pd.read_csv('e.csv'); y = t.pop('y');"
    theirs = float(
        run_python(python, f"{score} print(pickle.load(open('m.pkl','rb')).score(t, y))", root)
    )
    report = judge(root, "model_performance")
    assert figure(report, "accuracy") == pytest.approx(theirs)
    assert {name: report.versions[name] for name in ("scikit-learn", "numpy", "pandas")} == {
        "scikit-learn": "1.5.2",
        "numpy": "1.26.4",
        "pandas": "2.2.3",
    }
    made = next(note for note in report.notes if "environment made from" in note)
    assert made.startswith("The model ran in an environment made from requirements.txt, because")
    assert "it needs scikit-learn 1.5.2" in made


@pytest.mark.usefixtures("offline")
def test_an_xgboost_model_is_judged(tmp_path: Path, python: Path) -> None:
    more = "from xgboost import XGBClassifier"
    model = "XGBClassifier(n_estimators=8, max_depth=2)"
    root = trained(tmp_path, python, model, more, ".map({'p': 1, 'n': 0})")
    table = (root / "e.csv").read_text()
    (root / "e.csv").write_text(table.replace(",p\n", ",1\n").replace(",n\n", ",0\n"))
    report = judge(root, "model_performance", "deployment")
    assert figure(report, "accuracy") == 1.0
    note = finding_of(report, "deployment.versions")
    assert "xgboost 3.2.0 saved the model and will serve it" in note.message


@pytest.mark.usefixtures("offline")
def test_a_class_of_the_repository_over_another_library_is_judged(
    tmp_path: Path, python: Path
) -> None:
    code = (
        "from sklearn.linear_model import LogisticRegression\n\n\nclass Ours(LogisticRegression):\n"
    )
    write(tmp_path, {"src/shop/__init__.py": "", "src/shop/models.py": f"{code}    pass\n"})
    more = "sys.path.append('src')\nfrom shop.models import Ours"
    assert figure(judge(trained(tmp_path, python, "Ours()", more), "model_performance"), "f1") > 0.9


@pytest.mark.usefixtures("offline")
def test_a_lock_that_would_serve_another_version_is_a_finding(tmp_path: Path, python: Path) -> None:
    root = trained(tmp_path, python, PIPELINE)
    here = run.versions()
    write(root, {"requirements.txt": f"scikit-learn=={here['scikit-learn']}\n"})
    report = judge(root, "model_performance", "deployment")
    found = finding_of(report, "deployment.defect.versions")
    assert found.where is not None
    assert (found.where.path, found.where.line) == ("requirements.txt", 1)
    assert f"saved by scikit-learn 1.5.2, {here['scikit-learn']} will serve it" in found.message
    assert f"was saved by scikit-learn 1.5.2 and ran with {here['scikit-learn']}" in " ".join(
        report.notes
    )


def test_without_an_environment_the_tools_packages_run_it_and_it_is_said(
    tmp_path: Path, python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = trained(tmp_path / "r", python, PIPELINE)
    monkeypatch.setenv("HOLDPOINT_CACHE", str(tmp_path / "untouched"))
    payload, name = run.find_config(root) or (b"", "")
    config = run.load_config(payload, name)
    options = run.Options(only=("model_performance",), environment="tool")
    report = run.run(root, config=config, options=options)
    said = " ".join(report.notes)
    assert "ran with Holdpoint's packages, though it needs numpy 1.26.4" in said
    assert report.versions["scikit-learn"] == run.versions()["scikit-learn"]
    told = replace(config, model=replace(config.model, environment="tool"))
    again = run.run(root, config=told, options=replace(options, environment=None))
    assert again.notes == report.notes
    assert not (tmp_path / "untouched").exists()


def test_environments_are_not_kept_in_the_repository(
    tmp_path: Path, python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = trained(tmp_path, python, PIPELINE)
    monkeypatch.setenv("HOLDPOINT_CACHE", str(root / "cache"))
    said = judge(root, "model_performance").critical_issues[0]
    assert "environments cannot be kept in the repository that is judged" in said


def test_a_check_that_needs_no_model_installs_nothing(
    tmp_path: Path, python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = trained(tmp_path / "r", python, PIPELINE)
    monkeypatch.setenv("HOLDPOINT_CACHE", str(tmp_path / "untouched"))
    judge(root, "deployment", "documentation")
    assert not (tmp_path / "untouched").exists()


def test_what_cannot_be_installed_is_a_critical_finding_in_its_file(
    tmp_path: Path, python: Path
) -> None:
    root = trained(tmp_path, python, PIPELINE)
    write(root, {"requirements.txt": "scikit-learn==0.24.0\n"})
    report = judge(root, "model_performance")
    assert "scikit-learn 0.24.0 has no wheel for Python 3." in report.critical_issues[0]
    assert report.recommendations[0].startswith("requirements.txt: ask for a version that has one")


def test_the_environment_holds_what_was_asked_for(python: Path) -> None:
    found = installed(python).versions
    assert {line.partition("==")[0]: found[line.partition("==")[0]] for line in PINS} == {
        **dict(line.split("==") for line in PINS),
    }
