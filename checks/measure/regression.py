"""Regression metrics as functions of row weights: R2, mean absolute error, root mean square error.

Used by `model_performance`; definitions are scikit-learn's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from checks.measure.classification import mean_of

if TYPE_CHECKING:
    from checks.measure.bootstrap import Floats, Metric

POINTS = 500  # of a plot
LARGEST = 20  # errors that are always among them


def metrics(truth: Floats, predicted: Floats) -> dict[str, Metric]:
    """R2 (NaN where the truth is constant), MAE and RMSE; both inputs of shape (rows,)."""
    mean_square = mean_of((truth - predicted) ** 2)
    # Variance as a difference of moments loses digits when the mean is far from zero.
    centred = truth - truth.mean()
    mean_of_truth, square_of_truth = mean_of(centred), mean_of(centred**2)

    def r2(weights: Floats) -> Floats:
        variance = square_of_truth(weights) - mean_of_truth(weights) ** 2
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(variance > 1e-12, 1 - mean_square(weights) / variance, np.nan)

    return {
        "r2": r2,
        "mae": mean_of(np.abs(truth - predicted)),
        "rmse": lambda weights: np.sqrt(mean_square(weights)),
    }


def residuals(truth: Floats, predicted: Floats) -> dict[str, object]:
    """Pairs of (true, predicted) to draw: spread over the range, and the largest errors.

    `rows` is of how many rows; at most POINTS pairs, by the true value. Rounded to six digits.
    """
    picks = np.arange(len(truth))
    largest = np.empty(0, dtype=np.int64)
    if len(truth) > POINTS:
        largest = np.argsort(-np.abs(truth - predicted), kind="stable")[:LARGEST]
        ranked = np.argsort(truth, kind="stable")
        spread = ranked[np.linspace(0, len(truth) - 1, POINTS - LARGEST).astype(np.int64)]
        picks = np.unique(np.r_[spread, largest])
    order = picks[np.argsort(truth[picks], kind="stable")]
    return {
        "rows": len(truth),
        "largest": len(largest),
        "points": [[_short(truth[i]), _short(predicted[i])] for i in order],
    }


def _short(value: float) -> float:
    return float(f"{value:.6g}")
