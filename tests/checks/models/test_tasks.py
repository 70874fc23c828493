"""Every task with every kind of input: each model's figures are those that its library gives here.

A DataFrame with a column of text goes to a pipeline, a plain matrix to a bare estimator, an array
for each column to a graph; two labels, three labels, a number. What answers is judged whole.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC

from checks import models
from tests.checks.conftest import judge, verdict_of
from tests.checks.libraries import need

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from checks.report import Verdict

RANDOM = np.random.default_rng(11)
NUMBERS = pd.DataFrame(RANDOM.normal(size=(240, 3)), columns=["a", "b", "c"]).round(4)
COLOURS = pd.Series(RANDOM.choice(["red", "green"], 240), name="colour")
SIGNAL = NUMBERS["a"] * 2 + NUMBERS["b"] + (COLOURS == "red") + RANDOM.normal(scale=0.4, size=240)
TRUTH: dict[str, np.ndarray] = {
    "binary": np.where(SIGNAL > 0.5, "yes", "no"),
    "multiclass": np.array(["low", "middle", "high"])[np.digitize(SIGNAL, [-0.5, 1.5])],
    "regression": SIGNAL.round(4).to_numpy(),
}


@dataclass(frozen=True)
class Case:
    """A model file, the columns it is given, and what its own library answers to them."""

    name: str
    payload: bytes
    inputs: pd.DataFrame
    answers: np.ndarray
    chances: np.ndarray | None  # columns as in the sorted labels


def estimator(task: str) -> Any:
    """A linear model of the task."""
    return LinearRegression() if task == "regression" else LogisticRegression()


def frame(task: str) -> Case:
    """A pipeline that picks its columns by name, one of them text."""
    inputs = NUMBERS.assign(colour=COLOURS)
    encode = make_column_transformer((OneHotEncoder(), ["colour"]), remainder="passthrough")
    model = make_pipeline(encode, estimator(task)).fit(inputs, TRUTH[task])
    chances = None if task == "regression" else model.predict_proba(inputs)
    return Case("m.pkl", pickle.dumps(model), inputs, model.predict(inputs), chances)


def array(task: str) -> Case:
    """An estimator that was fitted on a matrix and knows no names."""
    rows = NUMBERS.to_numpy()
    model = estimator(task).fit(rows, TRUTH[task])
    assert not hasattr(model, "feature_names_in_")
    chances = None if task == "regression" else model.predict_proba(rows)
    return Case("m.pkl", pickle.dumps(model), NUMBERS, model.predict(rows), chances)


def named(task: str) -> Case:
    """A graph with one input a column, whose order is not the data's."""
    types = need("skl2onnx.common.data_types")
    model = estimator(task).fit(NUMBERS[["c", "a", "b"]], TRUTH[task])
    columns = make_pipeline(make_column_transformer(("passthrough", ["c", "a", "b"])), model)
    columns.fit(NUMBERS[["c", "a", "b"]], TRUTH[task])
    options = {} if task == "regression" else {"zipmap": False}
    graph = need("skl2onnx").convert_sklearn(
        columns,
        initial_types=[(name, types.FloatTensorType([None, 1])) for name in "cab"],
        options={id(columns): options} if options else None,
        target_opset=17,
    )
    payload = graph.SerializeToString()
    session = need("onnxruntime").InferenceSession(payload)
    assert [each.name for each in session.get_inputs()] == ["c", "a", "b"]
    feed = {name: NUMBERS[[name]].to_numpy(np.float32) for name in "cab"}
    found = session.run(None, feed)
    answers, chances = (found[0].ravel(), None) if task == "regression" else found[:2]
    return Case("m.onnx", payload, NUMBERS, np.asarray(answers), chances)


def judged(root: Path, case: Case, truth: np.ndarray, config: str = "") -> Verdict:
    """The verdict on a model's performance in a repository made of the case."""
    (root / case.name).write_bytes(case.payload)
    case.inputs.assign(y=truth).to_csv(root / "rows.csv", index=False)
    (root / "holdpoint.yml").write_text(
        f"model: {{path: {case.name}{config}}}\ndata: {{evaluation: rows.csv, target: y}}\n"
    )
    verdict = verdict_of(judge(root, "model_performance"), "model_performance")
    assert verdict.score is not None, verdict.message
    return verdict


@pytest.mark.parametrize("make", [frame, array, named])
@pytest.mark.parametrize("task", TRUTH)
def test_its_figures_are_those_of_its_library(
    tmp_path: Path, task: str, make: Callable[[str], Case]
) -> None:
    case, truth = make(task), TRUTH[task]
    found = {f.name: f.value for f in judged(tmp_path, case, truth).figures}
    if task == "regression":
        assert found["r2"] == pytest.approx(metrics.r2_score(truth, case.answers), abs=1e-6)
        assert found["mae"] == pytest.approx(
            metrics.mean_absolute_error(truth, case.answers), abs=1e-6
        )
        assert "accuracy" not in found
        return
    assert case.chances is not None
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(truth, case.answers))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(truth, case.chances), abs=1e-5)
    binary = task == "binary"
    auc = metrics.roc_auc_score(
        truth, case.chances[:, 1] if binary else case.chances, multi_class="ovr", average="weighted"
    )
    assert found["roc_auc"] == pytest.approx(auc, abs=1e-6)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_without_predict_proba_the_labels_are_judged(tmp_path: Path, task: str) -> None:
    truth = TRUTH[task]
    model = LinearSVC().fit(NUMBERS, truth)
    assert not hasattr(model, "predict_proba")
    case = Case("m.pkl", pickle.dumps(model), NUMBERS, model.predict(NUMBERS), None)
    verdict = judged(tmp_path, case, truth)
    found = {f.name: f.value for f in verdict.figures}
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(truth, case.answers))
    assert found["f1"] == pytest.approx(metrics.f1_score(truth, case.answers, average="weighted"))
    assert not {"log_loss", "roc_auc", "ece"} & set(found)
    assert any("predict_proba" in finding.message for finding in verdict.findings)


def test_a_pipeline_may_be_told_to_take_a_matrix(tmp_path: Path) -> None:
    truth = TRUTH["binary"]
    model = LogisticRegression().fit(NUMBERS, truth)  # knows names, and takes a matrix too
    case = Case("m.pkl", pickle.dumps(model), NUMBERS, model.predict(NUMBERS), None)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        assert (model.predict(NUMBERS.to_numpy()) == case.answers).all()
    found = {f.name: f.value for f in judged(tmp_path, case, truth, ", input: array").figures}
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(truth, case.answers))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("m.pkl", "pickle"),
        ("m.pickle", "pickle"),
        ("m.joblib", "joblib"),
        ("m.skops", "skops"),
        ("m.onnx", "onnx"),
        ("m.pt", "torch"),
        ("m.pth", "torch"),
        ("M.PTH", "torch"),
        ("m.ckpt", "torch"),
        ("m.pt2", "torch.export"),
        ("m.safetensors", "safetensors"),
        ("python:own.model:make", "python"),
    ],
)
def test_every_file_has_its_format(path: str, name: str) -> None:
    assert models.find(path, None).name == name
