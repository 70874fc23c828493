"""How well a single feature predicts the label: near perfection it is the label in disguise. Pure.

Used by `checks.measure.data_profile`. Half of the rows, by a fixed shuffle, say for each bin of the
feature how often each label occurs (or the mean of the number to be predicted); the other half is
predicted from that. For labels the figure is the area under the ROC curve, each label against the
rest, averaged over the labels; for numbers it is R2. Held out, so a column of identifiers, which
can only be learned by heart, scores as chance.

Bins: each value where there are at most 64, else the 64 quantiles of the values and of the
different values; what is missing is a bin of its own; text by its value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from checks.measure.columns import absent, codes

if TYPE_CHECKING:
    from checks.measure.bootstrap import Array, Floats
    from checks.sandbox.table import Column, Table

SEED = 20_240_229
BINS = 64
MOST_CLASSES = 10  # the most frequent ones; each costs a pass over the rows
LEAST_ROWS = 40


def scan(inputs: Table, truth: Array, classes: int) -> dict[str, float]:
    """Each feature's power by its name; `classes` is 0 where `truth` holds numbers.

    AUC from 0.5 (chance) to 1, or R2 up to 1. Empty with fewer than 40 rows.
    """
    if len(truth) < LEAST_ROWS:
        return {}
    order = np.random.default_rng(SEED).permutation(len(truth))
    known, asked = order[: len(order) // 2], order[len(order) // 2 :]
    found = {}
    for column in inputs.columns:
        places = bins(column)
        if classes:
            value = _by_labels(places, truth, known, asked)
        else:
            value = _by_numbers(places, truth.astype(np.float64), known, asked)
        if value is not None:
            found[column.name] = value
    return found


def bins(column: Column) -> Array:
    """The bin of each row, from 0; the missing ones have the last."""
    places, distinct = codes(column)
    if column.kind in {"float", "int"} and distinct > BINS:
        present = ~absent(column)
        numbers = column.values[present].astype(np.float64)
        steps = np.linspace(0, 1, BINS + 1)[1:-1]
        edges = np.concatenate(
            [np.quantile(each, steps, method="lower") for each in (numbers, np.unique(numbers))]
        )
        places[present] = np.searchsorted(np.unique(edges), numbers, side="right")
        distinct = 2 * BINS
    return np.where(places < 0, distinct, places)


def auc(scores: Floats, positive: Array) -> float:
    """The chance that a positive row scores higher than a negative one, ties counting half."""
    _, places = np.unique(scores, return_inverse=True)
    ups = np.bincount(places, weights=positive)
    downs = np.bincount(places, weights=~positive)
    below = np.cumsum(downs) - downs
    return float((ups * (below + downs / 2)).sum() / (ups.sum() * downs.sum()))


def _by_labels(places: Array, truth: Array, known: Array, asked: Array) -> float | None:
    counts = np.bincount(truth)
    areas = []
    for label in np.argsort(-counts, kind="stable")[:MOST_CLASSES]:
        is_label = truth == label
        positive = is_label[asked]
        if not is_label[known].any() or positive.all() or not positive.any():
            continue
        areas.append(auc(_means(places, is_label.astype(np.float64), known)[asked], positive))
    return float(np.mean(areas)) if areas else None


def _by_numbers(places: Array, truth: Floats, known: Array, asked: Array) -> float | None:
    wanted = truth[asked]
    spread = float(((wanted - wanted.mean()) ** 2).sum())
    if spread == 0:
        return None
    return 1 - float(((wanted - _means(places, truth, known)[asked]) ** 2).sum()) / spread


def _means(places: Array, values: Floats, known: Array) -> Floats:
    """Each row's expectation by its bin: the bin's mean among `known`, and one row of the whole."""
    size = int(places.max()) + 1
    rows = np.bincount(places[known], minlength=size)
    totals = np.bincount(places[known], weights=values[known], minlength=size)
    whole = values[known].mean()
    return np.asarray(((totals + whole) / (rows + 1))[places])
