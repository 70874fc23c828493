"""A model in this process in the place of `ModelRuns`, for tests of what is computed from answers.

The way through the sandbox has tests of its own; loading scikit-learn in a child for each of many
small cases takes seconds that say nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from checks.check import Context
from checks.config import Config, DataConfig
from checks.evidence import repository
from checks.evidence.answers import (
    Predictions,
    code_labels,
    numbers,
    order_probabilities,
)
from checks.evidence.data import label_text, split
from checks.evidence.model_runs import ModelFile
from checks.models import find
from checks.sandbox.table import Table, column_of
from tests.checks.trees import require_known_rules

if TYPE_CHECKING:
    from pathlib import Path

    from checks.evidence.data import Evaluation
    from checks.report import Verdict

CONFIG = Config(data=DataConfig(evaluation="e.csv", target="y"))


def table_of(frame: pd.DataFrame) -> Table:
    """Plain columns of a frame."""
    return Table(tuple(column_of(str(name), frame[name]) for name in frame.columns))


@dataclass
class LocalRuns:
    """Answers of a fitted estimator on the rows of a frame; `y` is the truth."""

    estimator: Any
    frame: pd.DataFrame
    base: LocalRuns | None = None
    model: ModelFile = field(
        default_factory=lambda: ModelFile("m.pkl", b"", "sha256:", find("m.pkl", None))
    )

    def evaluation(self) -> Evaluation:
        """Inputs and truth."""
        return split(table_of(self.frame), "e.csv", "sha256:", CONFIG)

    def model_inputs(self) -> Table:
        """The columns that the estimator was fitted on."""
        return self.evaluation().inputs.select(tuple(self.estimator.feature_names_in_))

    def predictions(self) -> Predictions:
        """The answers on the rows."""
        return self.answers(self.model_inputs())

    def answers(self, inputs: Table) -> Predictions:
        """The answers on any rows."""
        rows = pd.DataFrame({column.name: column.values for column in inputs.columns})
        answer, classes = self.estimator.predict(rows), self.evaluation().classes
        if self.evaluation().task == "regression":
            return Predictions(numbers(answer), ())
        predicted, known = code_labels(answer, classes)
        if not hasattr(self.estimator, "predict_proba"):
            return Predictions(predicted, known, None, "the model has no predict_proba")
        labels = [label_text(each) for each in self.estimator.classes_]
        chances, why = order_probabilities(self.estimator.predict_proba(rows), labels, classes)
        return Predictions(predicted, known, chances, why)


def judged(check: Any, root: Path, runs: LocalRuns, config: Config = CONFIG) -> Verdict:
    """The verdict of one check on a tree and a model."""
    context = Context(repository.scan(root), config, cast("Any", runs))
    return require_known_rules(check.judge(check.collect(context), config))
