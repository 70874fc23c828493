"""The smaller examples, each judged whole: what their READMEs say is what comes out.

What is expected was written by hand. A check is listed when it fails; all others pass.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from tests.checks.conftest import judge, verdict_of
from tests.checks.libraries import need

if TYPE_CHECKING:
    from checks.report import Report

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def figures(report: Report, check: str) -> dict[str, float]:
    """What a measured check measured."""
    verdict = verdict_of(report, check)
    assert verdict.score is not None, verdict.message
    return {figure.name: figure.value for figure in verdict.figures}


def failed(report: Report, *among: str) -> set[str]:
    """Which of these checks do not pass."""
    return {name for name in among if not verdict_of(report, name).passed}


def test_diabetes_is_measured_and_not_ready() -> None:
    onnxruntime = need("onnxruntime")
    root = EXAMPLES / "diabetes"
    report = judge(root)
    assert not report.is_ready
    rows = pd.read_csv(root / "data" / "evaluation.csv")
    session = onnxruntime.InferenceSession(str(root / "model" / "model.onnx"))
    names = [each.name for each in session.get_inputs()]
    feed = {name: rows[[name]].to_numpy(np.float32) for name in names}
    answers = session.run(None, feed)[0].ravel()
    found = figures(report, "model_performance")
    assert found["r2"] == pytest.approx(metrics.r2_score(rows["progression"], answers))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(rows["progression"], answers))
    assert figures(report, "inference_performance")["p99_ms"] > 0
    assert report.models[0].format == "onnx"
    assert not failed(report, "model_performance", "inference_performance", "deployment", "testing")
    assert failed(report, "scalability") == {"scalability"}
    assert report.models[0].digest in (root / "k8s" / "deployment.yaml").read_text()


def test_digits_is_measured_and_not_ready() -> None:
    need("torch")
    report = judge(EXAMPLES / "digits")
    assert not report.is_ready
    found = figures(report, "model_performance")
    assert 0.95 < found["accuracy"] < 1
    assert found["log_loss"] < 0.3
    assert figures(report, "inference_performance")["p99_ms"] > 0
    assert report.models[0].format == "safetensors"
    assert not failed(report, "model_performance", "inference_performance")
    lacking = {"monitoring", "documentation", "security", "scalability"}
    assert failed(report, *lacking) == lacking
