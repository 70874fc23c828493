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
    from collections.abc import Callable, Collection, Mapping

    from checks.evidence.answers import Predictions
    from checks.evidence.data import Evaluation
    from checks.measure.bootstrap import Array, Estimate, Floats, Metric
    from checks.measure.slices import SliceScan
    from checks.sandbox.table import Table

SHOWN_SLICES = 5
LOWER_IS_BETTER = frozenset({"log_loss", "ece", "mae", "rmse"})
CHANCE_AUC = 0.5
GAIN = "gain "


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
    trivial, _ = _trivial(evaluation)
    found = bootstrap.estimate_in_parts(_with_gains(evaluation, predictions), evaluation.rows)
    scan = slices.scan(_columns(evaluation), _losses(evaluation, predictions))
    return Performance(
        task=evaluation.task,
        rows=evaluation.rows,
        of_total=evaluation.of_total,
        data_path=evaluation.path,
        model_path=model_path,
        estimates={name: each for name, each in found.items() if not name.startswith(GAIN)},
        trivial=trivial,
        gains={
            name.removeprefix(GAIN): each for name, each in found.items() if name.startswith(GAIN)
        },
        scan=scan,
        no_probabilities=predictions.no_probabilities,
        details={**_details(evaluation, predictions), "slices": _slice_details(scan)},
    )


def changes(
    evaluation: Evaluation, predictions: Predictions, base: Predictions
) -> dict[str, Estimate]:
    """This model minus the base branch's on the same rows: paired bootstrap differences."""

    def build(picks: Array | None) -> dict[str, Metric]:
        mine = metrics_of(*_part(evaluation, predictions, picks))
        theirs = metrics_of(*_part(evaluation, base, picks))
        return {n: bootstrap.difference(mine[n], theirs[n]) for n in mine if n in theirs}

    return bootstrap.estimate_in_parts(build, evaluation.rows)


def estimates(
    evaluation: Evaluation, predictions: Predictions, names: Collection[str]
) -> dict[str, Estimate]:
    """Some of the metrics with their intervals, as `measure` gives them."""

    def build(picks: Array | None) -> dict[str, Metric]:
        metrics = metrics_of(*_part(evaluation, predictions, picks))
        return {name: metric for name, metric in metrics.items() if name in names}

    return bootstrap.estimate_in_parts(build, evaluation.rows)


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


def _with_gains(
    evaluation: Evaluation, predictions: Predictions
) -> Callable[[Array | None], dict[str, Metric]]:
    """Builds the metrics, each computed once, and under GAIN how much better than trivial."""
    _, trivial = _trivial(evaluation)

    def build(picks: Array | None) -> dict[str, Metric]:
        part, answers = _part(evaluation, predictions, picks)
        metrics = {name: bootstrap.once(each) for name, each in metrics_of(part, answers).items()}
        gains = {
            GAIN + name: bootstrap.difference(other, metrics[name])
            if name in LOWER_IS_BETTER
            else bootstrap.difference(metrics[name], other)
            for name, other in trivial(part.truth).items()
            if name in metrics
        }
        return metrics | gains

    return build


def _part(
    evaluation: Evaluation, predictions: Predictions, picks: Array | None
) -> tuple[Evaluation, Predictions]:
    """Truth and answers of some rows; the inputs stay as they are, because no metric reads them."""
    if picks is None:
        return evaluation, predictions
    probabilities = predictions.probabilities
    return (
        replace(evaluation, truth=evaluation.truth[picks]),
        replace(
            predictions,
            predicted=predictions.predicted[picks],
            probabilities=None if probabilities is None else probabilities[picks],
        ),
    )


def _trivial(evaluation: Evaluation) -> tuple[str, Callable[[Array], dict[str, Metric]]]:
    """The best answer that looks at nothing, chosen on all evaluation rows, and its metrics."""
    truth = evaluation.truth
    if evaluation.task == "regression":
        return "always answering the mean or median", _constant_numbers(truth)
    count = len(evaluation.classes)
    common = int(np.bincount(truth, minlength=count).argmax())

    def metrics(rows: Array) -> dict[str, Metric]:
        found = classification.metrics(rows, np.full_like(rows, common), count)
        chance: Metric = lambda weights: np.full(len(weights), CHANCE_AUC)  # noqa: E731 - typed
        return {name: found[name] for name in ("accuracy", "f1")} | {"roc_auc": chance}

    return f"always answering {evaluation.classes[common]!r}", metrics


def _constant_numbers(truth: Floats) -> Callable[[Array], dict[str, Metric]]:
    mean, median = float(truth.mean()), float(np.median(truth))

    def metrics(rows: Array) -> dict[str, Metric]:
        return {
            "mae": regression.metrics(rows, np.full(len(rows), median))["mae"],
            "rmse": regression.metrics(rows, np.full(len(rows), mean))["rmse"],
        }

    return metrics


def _losses(evaluation: Evaluation, predictions: Predictions) -> Floats:
    if evaluation.task == "regression":
        return np.asarray(np.abs(evaluation.truth - predictions.predicted), dtype=np.float64)
    wrong = evaluation.truth != predictions.predicted
    return np.asarray(wrong, dtype=np.float64)


def _columns(evaluation: Evaluation) -> Table:
    return replace(evaluation.inputs, columns=evaluation.inputs.columns + evaluation.extras.columns)


def _details(evaluation: Evaluation, predictions: Predictions) -> dict[str, object]:
    if evaluation.task == "regression":
        drawn = regression.residuals(evaluation.truth, predictions.predicted)
        return {"task": "regression", "residuals": drawn}
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
