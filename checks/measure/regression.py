"""Regression metrics as functions of row weights: R2, mean absolute error, root mean square error.

Used by `model_performance`; definitions are scikit-learn's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from checks.measure.classification import mean_of

if TYPE_CHECKING:
    from checks.measure.bootstrap import Floats, Metric


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
