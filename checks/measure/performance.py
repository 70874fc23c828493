"""Every figure about how well a model answers, from its predictions and the truth. Pure.

Used by `model_performance`: metrics with intervals, the gain over the trivial answer, paired
changes against another model on the same rows, the weakest groups of rows. It judges nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from checks.measure import bootstrap, classification, regression, slices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.evidence.answers import Predictions
    from checks.evidence.data import Evaluation
    from checks.measure.bootstrap import Estimate, Floats, Metric
    from checks.measure.slices import SliceScan
    from checks.sandbox.table import Table

SHOWN_SLICES = 5
LOWER_IS_BETTER = frozenset({"log_loss", "ece", "mae", "rmse"})
CHANCE_AUC = 0.5


@dataclass(frozen=True)
class Performance:
    """What was measured. Estimates by metric; gains over the trivial answer; paired changes."""

    task: str
    rows: int
    of_total: str  # the rows in words, and of how many where they are a sample
    data_path: str
    model_path: str
    estimates: Mapping[str, Estimate]
    trivial: str
    gains: Mapping[str, Estimate]
    scan: SliceScan
    changes: Mapping[str, Estimate] = field(default_factory=dict)
    base_problem: str = ""
    no_probabilities: str = ""
    details: Mapping[str, object] = field(default_factory=dict)


def measure(evaluation: Evaluation, predictions: Predictions, model_path: str) -> Performance:
    """Every figure of one model on the evaluation rows. Pure."""
    metrics = metrics_of(evaluation, predictions)
    trivial, trivial_metrics = _trivial(evaluation)
    losses = _losses(evaluation, predictions)
    gains = {
        name: bootstrap.difference(metrics[name], trivial_metrics[name])
        if name not in LOWER_IS_BETTER
        else bootstrap.difference(trivial_metrics[name], metrics[name])
        for name in trivial_metrics
        if name in metrics
    }
    scan = slices.scan(_columns(evaluation), losses)
    return Performance(
        task=evaluation.task,
        rows=evaluation.rows,
        of_total=evaluation.of_total,
        data_path=evaluation.path,
        model_path=model_path,
        estimates=bootstrap.estimate(metrics, evaluation.rows),
        trivial=trivial,
        gains=bootstrap.estimate(gains, evaluation.rows),
        scan=scan,
        no_probabilities=predictions.no_probabilities,
        details={**_details(evaluation, predictions), "slices": _slice_details(scan)},
    )


def changes(
    evaluation: Evaluation, predictions: Predictions, base: Predictions
) -> dict[str, Estimate]:
    """This model minus the base branch's on the same rows: paired bootstrap differences."""
    mine, theirs = metrics_of(evaluation, predictions), metrics_of(evaluation, base)
    paired = {
        name: bootstrap.difference(mine[name], theirs[name]) for name in mine if name in theirs
    }
    return bootstrap.estimate(paired, evaluation.rows)


def metrics_of(evaluation: Evaluation, predictions: Predictions) -> dict[str, Metric]:
    """The metrics that these predictions allow."""
    truth = evaluation.truth
    if evaluation.task == "regression":
        return regression.metrics(truth, predictions.predicted)
    metrics = classification.metrics(truth, predictions.predicted, len(predictions.classes))
    if predictions.probabilities is None:
        return metrics
    probabilities = predictions.probabilities
    return metrics | classification.probability_metrics(truth, probabilities, evaluation.positive)


def _trivial(evaluation: Evaluation) -> tuple[str, dict[str, Metric]]:
    """The best answer that looks at nothing, chosen on the evaluation rows, and its metrics."""
    truth = evaluation.truth
    if evaluation.task == "regression":
        mean = np.full(evaluation.rows, truth.mean())
        median = np.full(evaluation.rows, np.median(truth))
        metrics = {
            "mae": regression.metrics(truth, median)["mae"],
            "rmse": regression.metrics(truth, mean)["rmse"],
        }
        return "always answering the mean or median", metrics
    count = len(evaluation.classes)
    common = int(np.bincount(truth, minlength=count).argmax())
    metrics = classification.metrics(truth, np.full_like(truth, common), count)
    wanted = {name: metrics[name] for name in ("accuracy", "f1")}
    wanted["roc_auc"] = lambda weights: np.full(len(weights), CHANCE_AUC)
    return f"always answering {evaluation.classes[common]!r}", wanted


def _losses(evaluation: Evaluation, predictions: Predictions) -> Floats:
    if evaluation.task == "regression":
        return np.asarray(np.abs(evaluation.truth - predictions.predicted), dtype=np.float64)
    wrong = evaluation.truth != predictions.predicted
    return np.asarray(wrong, dtype=np.float64)


def _columns(evaluation: Evaluation) -> Table:
    return replace(evaluation.inputs, columns=evaluation.inputs.columns + evaluation.extras.columns)


def _details(evaluation: Evaluation, predictions: Predictions) -> dict[str, object]:
    if evaluation.task == "regression":
        return {"task": "regression"}
    details: dict[str, object] = {
        "task": "classification",
        "classes": list(predictions.classes),
        "confusion": classification.confusion(
            evaluation.truth, predictions.predicted, len(predictions.classes)
        ),
    }
    if predictions.probabilities is not None:
        details["calibration"] = classification.calibration_curve(
            evaluation.truth, predictions.probabilities
        )
    return details


def _slice_details(scan: SliceScan) -> dict[str, object]:
    rows = [
        {
            "column": each.column,
            "value": each.value,
            "rows": each.rows,
            "loss": round(each.loss, 6),
            "loss_elsewhere": round(each.loss_elsewhere, 6),
            "p_value": round(each.p_value, 6),
        }
        for each in scan.slices[:SHOWN_SLICES]
    ]
    return {"tested": len(scan.slices), "too_few": scan.too_few, "weakest": rows}
