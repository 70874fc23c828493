"""How much worse the answers on changed rows are, and whether two answers are the same. Pure.

Used by `checks.evidence.probing`. A drop is relative: the share of the model's own performance that
is lost. For classification it is the larger of the drops in accuracy and in weighted F1, because
accuracy alone hides a model that falls back to the most common label; for regression it is the drop
in R2, the share of the variance that is explained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from checks.measure import bootstrap, classification, regression

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.evidence.answers import Predictions
    from checks.measure.bootstrap import Array, Estimate, Floats, Metric

MOST_CLASSES = 20  # beyond them only accuracy: F1 needs a matrix of classes x classes a row
TOLERANCE = (
    1e-4  # of a probability, or of the answers' standard deviation: float32 sums differ less
)


def metrics(task: str, truth: Array, predictions: Predictions) -> dict[str, Metric]:
    """What performance means for a task, the one that is plotted first."""
    if task == "regression":
        return {"r2": regression.metrics(truth, predictions.predicted)["r2"]}
    right = (truth == predictions.predicted).astype(np.float64)
    found = {"accuracy": classification.mean_of(right)}
    count = len(predictions.classes)
    if count <= MOST_CLASSES:
        found["f1"] = classification.metrics(truth, predictions.predicted, count)["f1"]
    return found


def drops(
    task: str, truth: Array, base: Predictions, changed: Mapping[str, Predictions]
) -> dict[str, dict[str, Estimate]]:
    """For each probe the relative drop by metric, paired: all on the same resampled rows.

    A drop is undefined, and left out, where the model performs at 0 or below (R2) to begin with.
    """
    before = metrics(task, truth, base)
    parts = {
        (probe, name): _relative(before[name], metric)
        for probe, predictions in changed.items()
        for name, metric in metrics(task, truth, predictions).items()
        if name in before
    }
    keys = {f"{probe}\n{name}": (probe, name) for probe, name in parts}
    estimates = bootstrap.estimate({k: parts[v] for k, v in keys.items()}, len(truth))
    found: dict[str, dict[str, Estimate]] = {probe: {} for probe in changed}
    for key, estimate in estimates.items():
        probe, name = keys[key]
        found[probe][name] = estimate
    return found


def baseline(task: str, truth: Array, base: Predictions) -> dict[str, float]:
    """Each metric on the rows as they are."""
    whole = np.ones((1, len(truth)))
    return {name: float(m(whole)[0]) for name, m in metrics(task, truth, base).items()}


def different(
    task: str, one: Predictions, other: Predictions, scale: Predictions | None = None
) -> Array:
    """Which rows' answers are not the same; a mask of shape (rows,).

    `scale` are the answers whose spread says what is small, where `one` are too few to say.
    """
    if task == "regression":
        room = TOLERANCE * float(np.std((scale or one).predicted))
        apart = np.abs(one.predicted - other.predicted)
        return np.asarray(apart > room + 1e-12 * np.abs(one.predicted))
    mask = np.asarray(one.predicted != other.predicted)
    if one.probabilities is not None and other.probabilities is not None:
        width = min(one.probabilities.shape[1], other.probabilities.shape[1])
        apart = np.abs(one.probabilities[:, :width] - other.probabilities[:, :width])
        mask = mask | (apart.max(axis=1) > TOLERANCE)
    return mask


def _relative(before: Metric, after: Metric) -> Metric:
    def drop(weights: Floats) -> Floats:
        start = before(weights)
        lost = start - after(weights)
        positive = start > 0
        shares = np.divide(lost, start, out=np.full(start.shape, np.nan), where=positive)
        return np.asarray(shares, dtype=np.float64)

    return drop
