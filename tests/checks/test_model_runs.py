"""Small models of many shapes, each judged in the sandbox from files in a folder."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier

from checks.errors import CannotJudgeError
from checks.evidence.answers import (
    OTHER_LABEL,
    RunProblemError,
    code_labels,
    numbers,
    order_probabilities,
)
from checks.evidence.data import label_text
from tests.checks.conftest import finding_of, judge, verdict_of

if TYPE_CHECKING:
    from pathlib import Path

GENERATOR = np.random.default_rng(0)
INPUTS = pd.DataFrame(GENERATOR.normal(size=(300, 3)), columns=["a", "b", "c"])
SIGNAL = INPUTS["a"] * 2 + INPUTS["b"]


def repository(root: Path, model: Any, target: Any, config: str = "") -> Path:
    """A repository of one pickled model and the data it was fitted on."""
    root.mkdir(exist_ok=True)
    (root / "m.pkl").write_bytes(pickle.dumps(model))
    INPUTS.assign(y=target).to_csv(root / "e.csv", index=False)
    (root / "holdpoint.yml").write_text(
        f"model: {{path: m.pkl}}\ndata: {{evaluation: e.csv, target: y}}\n{config}"
    )
    return root


def figures(root: Path) -> dict[str, float]:
    """The figures of the performance check."""
    verdict = verdict_of(judge(root, "model_performance"), "model_performance")
    assert verdict.score is not None, verdict.message
    return {figure.name: figure.value for figure in verdict.figures}


def test_regression(tmp_path: Path) -> None:
    target = SIGNAL + GENERATOR.normal(size=300)
    model = LinearRegression().fit(INPUTS, target)
    found = figures(repository(tmp_path, model, target))
    assert found["r2"] == pytest.approx(model.score(INPUTS, target))
    assert found["mae"] == pytest.approx(np.abs(model.predict(INPUTS) - target).mean())
    assert found["mae_gain"] > 0
    assert "accuracy" not in found


def test_several_classes_as_numbers(tmp_path: Path) -> None:
    target = np.digitize(SIGNAL, [-1, 1]) * 10
    model = LogisticRegression().fit(INPUTS, target)
    found = figures(repository(tmp_path, model, target))
    assert found["accuracy"] == pytest.approx(model.score(INPUTS, target))
    assert 0.9 < found["roc_auc"] <= 1


def test_booleans(tmp_path: Path) -> None:
    target = SIGNAL > 0
    model = LogisticRegression().fit(INPUTS, target)
    root = repository(tmp_path, model, target)
    (root / "holdpoint.yml").write_text(
        "model: {path: m.pkl}\ndata: {evaluation: e.csv, target: y, positive_label: true}\n"
    )
    assert figures(root)["accuracy"] == pytest.approx(model.score(INPUTS, target))


def test_a_model_without_probabilities_says_so(tmp_path: Path) -> None:
    target = np.where(SIGNAL > 0, "p", "n")
    root = repository(tmp_path, RidgeClassifier().fit(INPUTS, target), target)
    report = judge(root, "model_performance")
    assert "no predict_proba" in finding_of(report, "model_performance.probabilities").message
    assert "roc_auc" not in {f.name for f in report.verdicts[0].figures}


def test_a_model_that_looks_at_nothing_is_critical(tmp_path: Path) -> None:
    target = np.where(SIGNAL > -2.5, "common", "rare")
    model = DummyClassifier(strategy="prior").fit(INPUTS, target)
    root = repository(tmp_path, model, target)
    report = judge(root, "model_performance")
    assert report.verdicts[0].score is not None
    assert report.verdicts[0].score > 0.8
    assert "no better than always answering 'common'" in report.critical_issues[0]


class Raising:
    """A model whose predict fails; it is found by name only where this module is."""

    def predict(self, _rows: object) -> object:
        """Never answers."""
        raise ValueError("no")


def test_a_class_that_the_child_does_not_have_is_a_finding(tmp_path: Path) -> None:
    root = repository(tmp_path, Raising(), np.where(SIGNAL > 0, "p", "n"))
    report = judge(root, "model_performance", "inference_performance")
    assert [verdict.critical for verdict in report.verdicts] == [True, True]
    assert "m.pkl could not be run" in report.critical_issues[0]


def test_a_compressed_joblib_file(tmp_path: Path) -> None:
    target = np.where(SIGNAL > 0, "p", "n")
    root = repository(tmp_path, None, target)
    (root / "m.pkl").unlink()
    joblib.dump(LogisticRegression().fit(INPUTS, target), root / "m.joblib", compress=("xz", 3))
    (root / "holdpoint.yml").write_text("data: {evaluation: e.csv, target: y}\n")
    assert figures(root)["accuracy"] > 0.9


def test_two_models_and_no_word_which(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(b"x")
    (tmp_path / "b.joblib").write_bytes(b"x")
    with pytest.raises(CannotJudgeError, match=r"2 model files were found \(a.pkl, b.joblib\)"):
        judge(tmp_path)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (1.0, "1"), (True, "1"), (np.bool_(False), "0"), ("yes", "yes"), (0.5, "0.5")],
)
def test_labels_mean_the_same_in_every_type(value: object, text: str) -> None:
    assert label_text(value) == text


def test_unknown_labels_are_wrong_answers() -> None:
    codes, classes = code_labels(np.array(["a", "z", "b"], dtype=object), ("a", "b"))
    assert codes.tolist() == [0, 2, 1]
    assert classes == ("a", "b", OTHER_LABEL)


@pytest.mark.parametrize(
    ("values", "labels", "why"),
    [
        ([[0.5, 0.5]], ["b", "a"], ""),
        ([[0.5, 0.2, 0.3]], ["a", "b", "c"], ""),
        ([[0.5, 0.6]], ["a", "b"], "no probabilities"),
        ([[np.nan, 1.0]], ["a", "b"], "no probabilities"),
        ([[-0.5, 1.5]], ["a", "b"], "no probabilities"),
        ([[1.0]], ["a"], "knows no class 'b'"),
        ([[0.5, 0.5]], ["a"], "shape"),
    ],
)
def test_probabilities_are_checked_before_use(
    values: list[list[float]], labels: list[str], why: str
) -> None:
    found, reason = order_probabilities(np.array(values), labels, ("a", "b"))
    assert (found is None) is bool(why)
    assert why in reason


def test_probabilities_follow_the_datas_order() -> None:
    found, _ = order_probabilities(np.array([[0.9, 0.1]]), ["b", "a"], ("a", "b"))
    assert found is not None
    assert found.tolist() == [[0.1, 0.9]]


def test_numbers_that_are_none() -> None:
    with pytest.raises(RunProblemError, match="1 value that is NaN"):
        numbers(np.array([1.0, np.inf]))
    with pytest.raises(RunProblemError, match="gave text"):
        numbers(np.array(["x"], dtype=object))
