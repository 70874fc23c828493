"""The smaller examples, each judged whole by the command: what their READMEs say is what comes out.

What is expected was written by hand, from reading each example: which checks fail, and what is not
there. The figures are computed here a second time, by the libraries that made the models.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.inspection import permutation_importance

from checks import catalog
from tests.checks.libraries import need
from tests.patience import patient

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PASSING = {
    "digits": {"model_performance", "inference_performance"},
    "diabetes": {
        *("model_performance", "inference_performance", "monitoring", "deployment", "testing"),
        "security",
    },
}
LACKING = {
    "digits": """
        data_quality.missing.handled data_quality.outliers.handled data_quality.validation.step
        data_quality.versioning.data model_fairness.attributes
        model_interpretability.methods.code model_interpretability.served.endpoint
        model_interpretability.shap.named model_interpretability.shap.used
        model_interpretability.stored.any
        scalability.autoscaling.scaler scalability.caching.code scalability.distributed.serving
        scalability.horizontal.disruption scalability.horizontal.spread
        monitoring.aggregation monitoring.alerts.rules monitoring.dashboard.panels
        monitoring.drift.watched monitoring.logs.structured monitoring.metrics.count
        monitoring.metrics.errors monitoring.metrics.latency monitoring.metrics.quality
        monitoring.system.scrape
        deployment.advanced.strategy deployment.cicd.build deployment.cicd.deploy deployment.drill
        deployment.health.liveness deployment.strategy.stated
        documentation.api.described documentation.api.schema documentation.deployment.commands
        documentation.deployment.guide documentation.incident documentation.model.agreement
        documentation.model.metadata documentation.model.metrics documentation.monitoring.guide
        documentation.onboarding.guide
        testing.coverage.any testing.integration.any testing.ml_test_score
        testing.performance.any testing.security.any
        security.audit security.authentication security.authorisation security.encryption
        security.scanning
    """,
    "diabetes": """
        data_quality.missing.handled data_quality.outliers.handled data_quality.validation.step
        data_quality.versioning.data
        model_interpretability.methods.code model_interpretability.served.endpoint
        model_interpretability.shap.named model_interpretability.shap.used
        model_interpretability.stored.any
        scalability.autoscaling.scaler scalability.caching.code scalability.distributed.serving
        scalability.horizontal.spread
        monitoring.aggregation monitoring.dashboard.panels monitoring.drift.watched
        monitoring.metrics.quality
        deployment.advanced.strategy deployment.drill
        documentation.api.described documentation.api.schema documentation.incident
        documentation.monitoring.guide documentation.onboarding.guide
        testing.ml_test_score testing.performance.any
        security.encryption security.scanning
    """,
}


@dataclass(frozen=True)
class Said:
    """What one run of the command wrote."""

    code: int
    text: str
    markdown: str
    report: dict[str, Any]

    def check(self, name: str) -> dict[str, Any]:
        """One check's part of the JSON report."""
        return next(each for each in self.report["checks"] if each["check_name"] == name)

    def figures(self, name: str) -> dict[str, Any]:
        """What a check measured, by name."""
        return {each["name"]: each for each in self.check(name)["figures"]}

    def value(self, name: str, figure: str) -> float:
        """One measured number."""
        return float(self.figures(name)[figure]["value"])

    def finding(self, rule: str) -> str:
        """The message of a rule's finding."""
        findings = [f for each in self.report["checks"] for f in each["findings"]]
        return str(next(f["message"] for f in findings if f["rule"] == rule))


def judged(name: str, folder: Path) -> Said:
    """Runs the command on an example, with its configuration but for this machine's speed."""
    config = folder / "holdpoint.yml"
    config.write_bytes(patient((EXAMPLES / name / "holdpoint.yml").read_bytes()))
    asked = [part for kind in ("text", "markdown", "json") for part in ("--format", kind)]
    done = subprocess.run(
        [sys.executable, "-m", "holdpoint", "check", str(EXAMPLES / name), "--config", str(config),
         *asked, "--output", str(folder / "said.txt")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert done.returncode in {0, 1}, done.stderr
    texts = [(folder / f"said.{end}").read_text(encoding="utf-8") for end in ("txt", "md", "json")]
    return Said(done.returncode, texts[0], texts[1], json.loads(texts[2]))


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Said:
    """The digits example, judged once."""
    need("torch")
    return judged("digits", tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="module")
def diabetes(tmp_path_factory: pytest.TempPathFactory) -> Said:
    """The diabetes example, judged once."""
    need("onnxruntime")
    return judged("diabetes", tmp_path_factory.mktemp("diabetes"))


@pytest.fixture(params=["digits", "diabetes"])
def example(request: pytest.FixtureRequest) -> tuple[str, Said]:
    """Each example by its name."""
    return request.param, request.getfixturevalue(request.param)


def test_all_twelve_checks_judge_it(example: tuple[str, Said]) -> None:
    name, said = example
    assert said.code == 1
    assert said.report["is_ready"] is False
    checks = said.report["checks"]
    assert [each["check_name"] for each in checks] == [each.name for each in catalog.discover()]
    assert len(checks) == 12
    assert all(each["score"] is not None for each in checks)
    assert {each["check_name"] for each in checks if each["passed"]} == PASSING[name]
    markdown = said.markdown.replace("\u00a0", " ")  # which holds a title's words together
    for each in checks:
        title = each["check_name"].replace("_", " ")
        assert f" {title} " in said.text
        assert f" {title.capitalize()} | {each['score']:.2f} |" in markdown


def test_exactly_what_is_not_there_is_missed(example: tuple[str, Said]) -> None:
    name, said = example
    findings = [finding for each in said.report["checks"] for finding in each["findings"]]
    missing = sorted(each["rule"] for each in findings if each["grade"] == "missing")
    assert missing == sorted(LACKING[name].split())


class Network(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn is not typed
    """The example's network as scikit-learn would have it."""

    classes_ = np.arange(10)

    def fit(self, *_: Any) -> Network:
        """It was fitted."""
        return self

    def predict_proba(self, rows: Any) -> np.ndarray:
        """Of shape (rows, 10)."""
        torch = need("torch")
        with torch.inference_mode():
            logits = network()(torch.tensor(np.asarray(rows), dtype=torch.float32))
            found: np.ndarray = logits.double().softmax(1).numpy()
        return found

    def predict(self, rows: Any) -> np.ndarray:
        """The likeliest digit."""
        return np.asarray(self.predict_proba(rows).argmax(axis=1))


def network() -> Any:
    """The example's network, from its own code and weights."""
    spec = importlib.util.spec_from_file_location("digits_network", EXAMPLES / "digits/network.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.make()
    made.load_state_dict(need("safetensors.torch").load_file(
        EXAMPLES / "digits" / "model" / "model.safetensors"))  # fmt: skip
    return made.eval()


def test_the_digits_figures_are_those_of_torch(digits: Said) -> None:
    rows = pd.read_csv(EXAMPLES / "digits" / "data" / "evaluation.csv")
    truth, inputs = rows.pop("digit"), rows
    chances = Network().predict_proba(inputs)
    predicted = chances.argmax(axis=1)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        truth, predicted, average="weighted"
    )
    common = truth.mode()[0]
    expected = {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "log_loss": metrics.log_loss(truth, chances),
        "roc_auc": metrics.roc_auc_score(truth, chances, multi_class="ovr", average="weighted"),
        "accuracy_gain": metrics.accuracy_score(truth, predicted) - (truth == common).mean(),
    }
    found = digits.figures("model_performance")
    for name, value in expected.items():
        assert found[name]["value"] == pytest.approx(value, abs=1e-4), name
        assert found[name]["low"] < found[name]["value"] < found[name]["high"], name
        assert found[name]["samples"] == len(truth)
    confusion = metrics.confusion_matrix(truth, predicted).tolist()
    assert digits.check("model_performance")["details"]["confusion"] == confusion
    assert f"accuracy {expected['accuracy']:.3f}" in digits.text
    assert digits.report["models"][0]["format"] == "safetensors"


def test_the_digits_findings_are_true(digits: Said) -> None:
    whole, training = (
        pd.read_csv(EXAMPLES / "digits" / "data" / f"{name}.csv")
        for name in ("evaluation", "training")
    )
    for path, frame in (("evaluation", whole), ("training", training)):
        same = [str(name) for name in frame if frame[name].nunique() == 1]
        assert f"the same value in every row of data/{path}.csv: {', '.join(same)}" in " ".join(
            digits.text.split()
        )
    assert np.isnan(Network().predict_proba(whole.drop(columns="digit").mask(whole == 0))).any()
    assert "NaN or infinite" in digits.finding("model_robustness.missing")
    assert "Network.forward() scales what" in digits.finding("data_quality.scaling.done")
    truth, inputs = whole["digit"], whole.drop(columns="digit")
    again = permutation_importance(Network(), inputs, truth, n_repeats=5, random_state=0)
    leans = digits.figures("model_interpretability")
    for name, value in zip(inputs, again.importances_mean, strict=True):
        if figure := leans.get(f"importance of {name}"):
            assert abs(value - figure["value"]) < figure["high"] - figure["low"], name


class Graph(RegressorMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn is not typed
    """The example's graph as scikit-learn would have it."""

    n_features_in_ = 10

    def fit(self, *_: Any) -> Graph:
        """It was fitted."""
        return self

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """One number a row."""
        path = EXAMPLES / "diabetes" / "model" / "model.onnx"
        session = need("onnxruntime").InferenceSession(str(path))
        feed = {each.name: rows[[each.name]].to_numpy(np.float32) for each in session.get_inputs()}
        return np.asarray(session.run(None, feed)[0].ravel(), dtype=np.float64)


def test_the_diabetes_figures_are_those_of_onnxruntime(diabetes: Said) -> None:
    rows = pd.read_csv(EXAMPLES / "diabetes" / "data" / "evaluation.csv")
    truth, inputs = rows["progression"], rows.drop(columns="progression")
    answers = Graph().predict(inputs)
    expected = {
        "r2": metrics.r2_score(truth, answers),
        "mae": metrics.mean_absolute_error(truth, answers),
        "rmse": metrics.root_mean_squared_error(truth, answers),
    }
    for name, value in expected.items():
        assert diabetes.value("model_performance", name) == pytest.approx(value, rel=1e-6)
    again = permutation_importance(Graph(), inputs, truth, n_repeats=5, random_state=0)
    leans = diabetes.figures("model_interpretability")
    for column, value in zip(inputs, again.importances_mean, strict=True):
        if figure := leans.get(f"importance of {column}"):
            assert abs(value - figure["value"]) < figure["high"] - figure["low"], column
    by_sex = pd.DataFrame({"answer": answers, "error": answers - truth}).groupby(rows["sex"]).mean()
    gaps = (by_sex.max() - by_sex.min()) / truth.std(ddof=0)
    found = diabetes.figures("model_fairness")
    assert found["prediction_gap_sex"]["value"] == pytest.approx(gaps["answer"], rel=1e-6)
    assert found["error_gap_sex"]["value"] == pytest.approx(gaps["error"], rel=1e-6)


def test_the_diabetes_findings_are_true(diabetes: Said) -> None:
    root = EXAMPLES / "diabetes"
    digest = diabetes.report["models"][0]["digest"]
    assert diabetes.report["models"][0]["format"] == "onnx"
    assert digest in (root / "k8s" / "deployment.yaml").read_text()
    lost = diabetes.finding("model_robustness.extremes")
    assert "R2 drops from 0.39 to -" in lost
    assert diabetes.finding("data_quality.scaling.done").endswith("Scaler in the model file")
    assert diabetes.finding("deployment.rollback.path").endswith("written down")
    assert "parse checks what it is given" in diabetes.finding("security.validation")
    psi = diabetes.figures("data_quality")["psi"]
    assert (psi["value"] > psi["threshold"], psi["met"]) == (True, None)
    assert "| psi | 0.2209 |  | 0.2 (cannot tell) |" in diabetes.markdown
