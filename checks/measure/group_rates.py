"""How far apart the rates of groups are, and how sure that is. Pure.

Used by `checks.measure.fairness`; it judges nothing. Definitions are fairlearn's, and the tests
hold them against it: a difference is the largest group's value minus the smallest's; equalized odds
is the larger of the differences in true and in false positive rates (Hardt, Price and Srebro 2016,
Equality of Opportunity in Supervised Learning). Rates have Wilson's score interval. Differences
have a percentile bootstrap interval: resampling rows is resampling the counts of (group, truth,
answer), which is done directly. A largest difference is never negative, so resamples lie rather
above it, and the interval is stretched to hold the figure where it would not; it says how far the
figure may be off, not whether there is a difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from checks.measure import bootstrap
from checks.measure.classification import wilson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from checks.measure.bootstrap import Array, Floats

PARITY, ODDS, OPPORTUNITY, ACCURACY = (
    "demographic_parity", "equalized_odds", "equal_opportunity", "accuracy_gap",
)  # fmt: skip
PREDICTION, ERROR = "prediction_gap", "error_gap"


@dataclass(frozen=True)
class Group:
    """One group's rate (or mean) with a 95 % interval."""

    name: str
    rows: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """The largest group's value minus the smallest's; `value` is None where too few can be told."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    rows: int = 0
    highest: str = ""
    lowest: str = ""
    too_few: tuple[str, ...] = ()  # groups with too few rows to be compared


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows that are compared. `positive` is a code where there are two labels."""

    task: str
    truth: Array
    predicted: Array
    positive: int | None = None
    labels: int = 0  # how many different labels were answered or true


def by_group(rows: Rows, members: Mapping[str, Array]) -> list[Group]:
    """Each group's rate of the positive label; of right answers; or its mean prediction."""
    if rows.task == "regression":
        return [_mean(name, rows.predicted[mask]) for name, mask in members.items()]
    wanted = rows.truth if rows.positive is None else rows.positive
    hit = rows.predicted == wanted
    return [_rate(name, hit[mask]) for name, mask in members.items()]


def differences(rows: Rows, members: Mapping[str, Array], least: int) -> tuple[Difference, ...]:
    """Every difference that the task allows, of groups of at least `least` rows.

    For regression in units of the truth's standard deviation.
    """
    if rows.task == "regression":
        return _of_numbers(rows, members, least)
    if rows.positive is None:
        return _of_labels(rows, members, least)
    return _of_two_labels(rows, members, least, rows.positive)


def _of_two_labels(
    rows: Rows, members: Mapping[str, Array], least: int, positive: int
) -> tuple[Difference, ...]:
    true, said = rows.truth == positive, rows.predicted == positive
    cells = true * 4 + said * 2 + (rows.truth == rows.predicted)
    counts = _resampled(cells, 8, members).reshape(-1, len(members), 2, 2, 2)
    everyone, positives = counts.sum(axis=(2, 3, 4)), counts[:, :, 1].sum(axis=(2, 3))
    negatives = everyone - positives
    selected = _divide(counts[:, :, :, 1].sum(axis=(2, 3)), everyone)
    hits = _divide(counts[:, :, 1, 1].sum(axis=2), positives)
    alarms = _divide(counts[:, :, 0, 1].sum(axis=2), negatives)
    right = _divide(counts[..., 1].sum(axis=(2, 3)), everyone)
    names = list(members)
    opportunity = _difference(OPPORTUNITY, [(hits, positives)], names, least)
    return (
        _difference(PARITY, [(selected, everyone)], names, least),
        _difference(ODDS, [(hits, positives), (alarms, negatives)], names, least),
        opportunity,
        _difference(ACCURACY, [(right, everyone)], names, least),
    )


def _of_labels(rows: Rows, members: Mapping[str, Array], least: int) -> tuple[Difference, ...]:
    cells = rows.predicted * 2 + (rows.truth == rows.predicted)
    counts = _resampled(cells, 2 * rows.labels, members).reshape(-1, len(members), rows.labels, 2)
    everyone = counts.sum(axis=(2, 3))
    shares = [
        (_divide(counts[:, :, label].sum(axis=2), everyone), everyone)
        for label in range(rows.labels)
    ]
    right = _divide(counts[..., 1].sum(axis=2), everyone)
    names = list(members)
    return (
        _difference(PARITY, shares, names, least),
        _difference(ACCURACY, [(right, everyone)], names, least),
    )


def _of_numbers(rows: Rows, members: Mapping[str, Array], least: int) -> tuple[Difference, ...]:
    spread = float(np.std(rows.truth)) or 1.0
    found = []
    for name, values in (
        (PREDICTION, rows.predicted),
        (ERROR, rows.predicted - rows.truth),
    ):
        generator = np.random.default_rng(bootstrap.SEED)
        counts = np.array([[int(mask.sum()) for mask in members.values()]])
        means = np.array([_means(values[mask] / spread, generator) for mask in members.values()]).T
        found.append(_difference(name, [(means, counts)], list(members), least))
    return tuple(found)


def _difference(
    name: str, parts: Sequence[tuple[Floats, Array]], names: list[str], least: int
) -> Difference:
    """The largest of the parts' differences. The first resample is the rows as they are.

    Each part is rates of shape (resamples, groups) and the counts that they are shares of.
    """
    sizes = np.min([counts[0] for _, counts in parts], axis=0)
    enough = sizes >= least
    too_few = tuple(each for each, fine in zip(names, enough, strict=True) if not fine)
    if enough.sum() < 2:
        return Difference(name, None, too_few=too_few)
    spans = np.array([_span(rates[:, enough]) for rates, _ in parts])
    widest = int(spans[:, 0].argmax())
    rates = parts[widest][0][0]
    kept = np.flatnonzero(enough)
    value = float(spans[widest, 0])
    low, high = bootstrap.interval(spans.max(axis=0)[1:])
    return Difference(
        name,
        value,
        None if low is None else min(low, value),
        None if high is None else max(high, value),
        int(sizes[enough].sum()),
        names[kept[rates[kept].argmax()]],
        names[kept[rates[kept].argmin()]],
        too_few,
    )


def _span(rates: Floats) -> Floats:
    return np.asarray(rates.max(axis=1) - rates.min(axis=1), dtype=np.float64)


def _resampled(cells: Array, size: int, members: Mapping[str, Array]) -> Floats:
    """Counts by (resample, group, cell): the first as they are, then resamples of all rows."""
    counts = np.array(
        [np.bincount(cells[mask], minlength=size) for mask in members.values()], dtype=np.float64
    )
    total = int(counts.sum())
    generator = np.random.default_rng(bootstrap.SEED)
    shares = counts.ravel() / total
    drawn = generator.multinomial(total, shares, size=bootstrap.RESAMPLES)
    drawn = drawn.reshape(-1, *counts.shape)
    return np.concatenate([counts[None], drawn.astype(np.float64)])


def _means(values: Floats, generator: np.random.Generator) -> Floats:
    """The mean, then the means of resamples: of the rows while they are few, else normal."""
    count = len(values)
    if count * bootstrap.RESAMPLES <= bootstrap.CHUNK_CELLS:
        drawn = values[generator.integers(0, count, (bootstrap.RESAMPLES, count))].mean(axis=1)
    else:
        drawn = generator.normal(values.mean(), values.std() / np.sqrt(count), bootstrap.RESAMPLES)
    return np.concatenate([[values.mean()], drawn])


def _rate(name: str, hit: Array) -> Group:
    low, high = wilson(int(hit.sum()), len(hit))
    return Group(name, len(hit), float(hit.mean()), low, high)


def _mean(name: str, values: Floats) -> Group:
    mean, half = float(values.mean()), 1.959964 * float(values.std()) / len(values) ** 0.5
    return Group(name, len(values), mean, mean - half, mean + half)


def _divide(above: Floats, below: Floats) -> Floats:
    out = np.full(above.shape, np.nan)
    return np.asarray(np.divide(above, below, out=out, where=below > 0), dtype=np.float64)
