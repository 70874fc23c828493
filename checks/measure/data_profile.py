"""Every figure about the data that a model is judged on and was trained on. Pure.

Used by the `data_quality` check's collector. It judges nothing: limits are the check's settings.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from checks.measure import columns, drift, leakage, rows
from checks.sandbox.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.evidence.data import Evaluation
    from checks.measure.columns import ColumnFacts
    from checks.measure.drift import Shift


@dataclass(frozen=True)
class FileFacts:
    """One data file by itself. `rows` of the `total` were looked at."""

    path: str
    digest: str
    rows: int
    total: int
    columns: tuple[ColumnFacts, ...]
    duplicates: int
    labels: Mapping[str, int] = field(default_factory=dict)  # rows by label; empty for numbers

    @property
    def of_total(self) -> str:
        """How many rows were looked at, and of how many where that is a sample."""
        return f"{self.rows:,} of {self.total:,}" if self.rows < self.total else f"{self.rows:,}"

    @property
    def coverage(self) -> float:
        """The share of the file's rows that was looked at."""
        return self.rows / self.total

    @property
    def duplicate_share(self) -> float:
        """Rows that repeat an earlier one; of a sample, the estimate for the whole file."""
        return min(1.0, self.duplicates / self.rows / self.coverage)

    @property
    def missing_share(self) -> float:
        """Missing values among all values."""
        cells = sum(each.rows for each in self.columns)
        return sum(each.missing for each in self.columns) / cells if cells else 0.0


@dataclass(frozen=True)
class Profile:
    """The evaluation data, the training data if there is any, and what lies between the two.

    `powers` is what each feature predicts of the label by itself, AUC or R2 by `power_name`;
    `shared` counts evaluation rows that are training rows, too; `repeating` is the share of
    training rows that occur more than once, which is how coarse the data are by nature. Both are
    counts among the rows that were looked at: a twin is in a sample as often as any row is, which
    is what the shares are corrected for.
    """

    evaluation: FileFacts
    training: FileFacts | None
    powers: Mapping[str, float]
    power_name: str
    shared: int = 0
    repeating: float = 0.0
    shifts: tuple[Shift, ...] = ()

    @property
    def files(self) -> tuple[FileFacts, ...]:
        """The files that were looked at, the evaluation data first."""
        return (self.evaluation, self.training) if self.training else (self.evaluation,)

    @property
    def shared_share(self) -> float:
        """The share of evaluation rows that are training rows, too."""
        return self._of_all(self.shared / self.evaluation.rows)

    @property
    def repeating_share(self) -> float:
        """The share of training rows that occur more than once."""
        return self._of_all(self.repeating)

    def _of_all(self, found: float) -> float:
        return min(1.0, found / (self.training.coverage if self.training else 1.0))


def profile(evaluation: Evaluation, training: Evaluation | None, inputs: Table) -> Profile:
    """All figures. `inputs` are the evaluation columns that the model gets."""
    whole = whole_rows(evaluation)
    keys = rows.hashes(whole)
    powers = leakage.scan(inputs, evaluation.truth, len(evaluation.classes))
    name = "AUC" if evaluation.classes else "R2"
    facts = _facts(evaluation, keys)
    if training is None:
        return Profile(facts, None, powers, name)
    order = [each for each in whole.names if each in whole_rows(training).names]
    others = rows.hashes(whole_rows(training).select(tuple(order)))
    own = keys if len(order) == len(whole.names) else rows.hashes(whole.select(tuple(order)))
    return Profile(
        facts,
        _facts(training, others),
        powers,
        name,
        rows.shared(own, others),
        rows.repeated(others),
        drift.compare(features(training), features(evaluation)),
    )


def whole_rows(evaluation: Evaluation) -> Table:
    """Everything that stands in a row: inputs, ignored columns, and the label under the name ""."""
    if evaluation.classes:
        names = np.array(evaluation.classes, dtype=object)
        label = Column("", "str", names[evaluation.truth])
    else:
        label = Column("", "float", evaluation.truth)
    return Table((*features(evaluation).columns, label))


def features(evaluation: Evaluation) -> Table:
    """Every column but the label."""
    return Table((*evaluation.inputs.columns, *evaluation.extras.columns))


def _facts(evaluation: Evaluation, keys: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> FileFacts:
    labels = Counter[str]()
    if evaluation.classes:
        counts = np.bincount(evaluation.truth, minlength=len(evaluation.classes))
        labels.update(dict(zip(evaluation.classes, counts.tolist(), strict=True)))
    return FileFacts(
        path=evaluation.path,
        digest=evaluation.digest,
        rows=evaluation.rows,
        total=max(evaluation.total, evaluation.rows),
        columns=tuple(columns.facts(each) for each in features(evaluation).columns),
        duplicates=rows.duplicates(keys),
        labels=labels,
    )
