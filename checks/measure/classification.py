"""Classification metrics as functions of row weights, and the confusion matrix.

Used by `model_performance`. Definitions are scikit-learn's (weighted averages, an undefined
precision counts 0), written over weights so that the bootstrap needs no loop over resamples; the
tests hold them against scikit-learn. Labels are coded 0..k-1, probabilities have shape (rows, k).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from checks.measure.bootstrap import once

if TYPE_CHECKING:
    from checks.measure.bootstrap import Array, Floats, Metric

ECE_BINS = 15


def metrics(truth: Array, predicted: Array, classes: int) -> dict[str, Metric]:
    """Accuracy, and precision, recall and F1 averaged by the classes' true counts.

    `truth` and `predicted` are integer codes of shape (rows,).
    """
    cells = truth * classes + predicted
    confusions = once(
        lambda weights: _sums(cells, weights, classes**2).reshape(-1, classes, classes)
    )

    def accuracy(weights: Floats) -> Floats:
        matrix = confusions(weights)
        return _divide(np.trace(matrix, axis1=1, axis2=2), matrix.sum(axis=(1, 2)))

    def averaged(of_class: str) -> Metric:
        return lambda weights: _weighted(confusions(weights), of_class)

    return {
        "accuracy": accuracy,
        "precision": averaged("precision"),
        "recall": averaged("recall"),
        "f1": averaged("f1"),
    }


def probability_metrics(
    truth: Array, probabilities: Floats, positive: int | None
) -> dict[str, Metric]:
    """ROC AUC (weighted one-vs-rest beyond two classes), log loss, expected calibration error.

    `positive` is the code of the positive label when there are two classes.
    """
    return {
        "roc_auc": roc_auc(truth, probabilities, positive),
        "log_loss": mean_of(log_losses(truth, probabilities)),
        "ece": calibration_error(truth, probabilities),
    }


def confusion(truth: Array, predicted: Array, classes: int) -> list[list[int]]:
    """Counts by true (row) and predicted (column) class."""
    counts = np.bincount(truth * classes + predicted, minlength=classes * classes)
    return [[int(n) for n in row] for row in counts.reshape(classes, classes)]


def mean_of(values: Floats) -> Metric:
    """The weighted mean of one value a row."""
    return lambda weights: _divide(weights @ values, weights.sum(axis=1))


def log_losses(truth: Array, probabilities: Floats) -> Floats:
    """Minus the logarithm of the true class's probability, clipped as scikit-learn does."""
    eps = np.finfo(np.float64).eps
    chosen = probabilities[np.arange(len(truth)), truth]
    return np.asarray(-np.log(np.clip(chosen, eps, 1 - eps)), dtype=np.float64)


def roc_auc(truth: Array, probabilities: Floats, positive: int | None) -> Metric:
    """The chance that a positive row scores above a negative one, ties counting half.

    Without `positive`, each class against the rest, weighted by the classes' true counts.
    """
    if positive is not None:
        return _binary_auc(truth == positive, probabilities[:, positive])
    parts = [
        (truth == code, _binary_auc(truth == code, probabilities[:, code]))
        for code in range(probabilities.shape[1])
    ]

    def weighted(weights: Floats) -> Floats:
        shares = [weights @ member.astype(np.float64) for member, _ in parts]
        total = np.sum(shares, axis=0)
        return sum(
            (share * auc(weights) for share, (_, auc) in zip(shares, parts, strict=True)),
            np.zeros(len(weights)),
        ) / _or_nan(total)

    return weighted


def _binary_auc(is_positive: Array, scores: Floats) -> Metric:
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    positives = is_positive[order].astype(np.float64)
    if len(starts) == len(ranked):
        return _auc_without_ties(order, positives)

    def auc(weights: Floats) -> Floats:
        sorted_weights = weights[:, order]
        positive = np.add.reduceat(sorted_weights * positives, starts, axis=1)
        negative = np.add.reduceat(sorted_weights * (1 - positives), starts, axis=1)
        below = np.cumsum(negative, axis=1) - negative
        wins = (positive * (below + negative / 2)).sum(axis=1)
        return _divide(wins, positive.sum(axis=1) * negative.sum(axis=1), empty=np.nan)

    return auc


def _auc_without_ties(order: Array, positives: Floats) -> Metric:
    """The same where no two scores are equal: no groups have to be summed."""

    def auc(weights: Floats) -> Floats:
        positive = weights[:, order]
        negative = positive * (1 - positives)
        positive *= positives
        below = np.cumsum(negative, axis=1, out=negative)
        pairs = positive.sum(axis=1) * below[:, -1]
        return _divide(np.einsum("ij,ij->i", positive, below), pairs, empty=np.nan)

    return auc


def calibration_error(truth: Array, probabilities: Floats, bins: int = ECE_BINS) -> Metric:
    """Expected calibration error of the top label over bins of equal width.

    Source: Guo et al. (2017), On Calibration of Modern Neural Networks, section 2.
    """
    confidence = probabilities.max(axis=1)
    correct = (probabilities.argmax(axis=1) == truth).astype(np.float64)
    index = confidence_bins(confidence, bins)
    gaps = correct - confidence
    return lambda weights: _divide(
        np.abs(_sums(index, weights * gaps, bins)).sum(axis=1), weights.sum(axis=1)
    )


def confidence_bins(confidence: Floats, bins: int = ECE_BINS) -> Array:
    """Which of `bins` intervals (i/bins, (i+1)/bins] each confidence falls into."""
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)


def calibration_curve(truth: Array, probabilities: Floats) -> list[dict[str, float | int]]:
    """For each bin that holds rows: its number from 0, mean confidence, accuracy, count, interval.

    `low` and `high` bound the accuracy: Wilson's 95 % score interval (Wilson 1927).
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == truth
    index = confidence_bins(confidence)
    return [
        _calibration_bin(b, confidence[index == b], correct[index == b])
        for b in range(ECE_BINS)
        if (index == b).any()
    ]


def _calibration_bin(index: int, confidence: Floats, correct: Array) -> dict[str, float | int]:
    hits, rows = int(correct.sum()), len(correct)
    low, high = wilson(hits, rows)
    return {
        "bin": index,
        "confidence": round(float(confidence.mean()), 6),
        "accuracy": round(hits / rows, 6),
        "low": round(low, 6),
        "high": round(high, 6),
        "rows": rows,
    }


def wilson(hits: int, rows: int, z: float = 1.959964) -> tuple[float, float]:
    """The score interval of a share, for `rows` >= 1; 95 % by default."""
    share, spread = hits / rows, z * z / rows
    centre = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / rows + spread / (4 * rows)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def _weighted(matrix: Floats, of_class: str) -> Floats:
    hits = np.diagonal(matrix, axis1=1, axis2=2)
    true, predicted = matrix.sum(axis=2), matrix.sum(axis=1)
    by_class = {
        "precision": lambda: _divide(hits, predicted),
        "recall": lambda: _divide(hits, true),
        "f1": lambda: _divide(2 * hits, true + predicted),
    }[of_class]()
    return _divide((by_class * true).sum(axis=1), true.sum(axis=1))


def _sums(index: Array, weights: Floats, length: int) -> Floats:
    """For each resample, the weights summed by `index`: shape (resamples, length)."""
    return np.stack([np.bincount(index, row, length) for row in weights])


def _divide(above: Floats, below: Floats, empty: float = 0.0) -> Floats:
    result = np.full(np.broadcast(above, below).shape, empty)
    return np.asarray(np.divide(above, below, out=result, where=below != 0), dtype=np.float64)


def _or_nan(values: Floats) -> Floats:
    return np.where(values > 0, values, np.nan)
