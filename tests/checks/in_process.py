"""A model's runs without the sandbox: for tests of what is asked, not of how it is confined.

It answers as `ModelRuns` does, from a fitted model in this process.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from checks.config import Config, DataConfig, ModelConfig
from checks.evidence.answers import (
    Predictions,
    RunProblemError,
    code_labels,
    numbers,
    order_probabilities,
)
from checks.evidence.data import Evaluation, label_text, split
from checks.sandbox.errors import Kind
from checks.sandbox.table import Table, column_of

if TYPE_CHECKING:
    from checks.evidence.model_runs import ModelRuns


def table_of(frame: pd.DataFrame) -> Table:
    """A frame's columns as they cross to the child."""
    return Table(tuple(column_of(str(name), frame[name].to_numpy()) for name in frame))


def frame_of(table: Table) -> pd.DataFrame:
    """A table as the child makes it a frame: missing text is NaN."""
    return pd.DataFrame(
        {
            column.name: [np.nan if item is None else item for item in column.values]
            if column.kind == "str"
            else column.values
            for column in table.columns
        }
    )


class InProcess:
    """The runs of one fitted model on labelled rows; `ignore` are kept from it."""

    base = None

    def __init__(
        self,
        model: Any,
        rows: pd.DataFrame,
        target: Any,
        *,
        frame: bool = True,
        ignore: tuple[str, ...] = (),
        task: Any = None,
        positive: str | None = None,
    ) -> None:
        data = DataConfig(target="y", ignore=ignore, positive_label=positive)
        config = Config(model=ModelConfig(task=task), data=data)
        table = table_of(rows.assign(y=target))
        self._evaluation = split(table, "e.csv", "sha256:0", config)
        self._estimator, self._frame = model, frame
        self.model = SimpleNamespace(path="m.pkl")

    def evaluation(self) -> Evaluation:
        """The labelled rows."""
        return self._evaluation

    def model_inputs(self) -> Table:
        """What the model is given."""
        return self._evaluation.inputs

    def knows_names(self) -> bool:
        """Whether it is given a frame."""
        return self._frame

    def predictions(self) -> Predictions:
        """The answers on the rows as they are."""
        return self.answers(self.model_inputs())

    def answers(self, inputs: Table) -> Predictions:
        """The answers on other rows; the model's exception is a RunProblemError."""
        frame = frame_of(inputs)
        data: Any = frame.astype(dict(inputs.dtypes))
        data = data if self._frame else data.to_numpy()
        try:
            answer = np.asarray(self._estimator.predict(data))
            chances = getattr(self._estimator, "predict_proba", lambda _: None)(data)
        except Exception as error:
            said = f"m.pkl could not be run: The model failed: {type(error).__name__}: {error}"
            raise RunProblemError(said, "mend it", "m.pkl", Kind.RAISED) from error
        evaluation = self._evaluation
        if evaluation.task == "regression":
            return Predictions(numbers(answer), ())
        predicted, classes = code_labels(answer, evaluation.classes)
        if chances is None:
            return Predictions(predicted, classes, None, "no predict_proba")
        labels = [label_text(value) for value in self._estimator.classes_]
        return Predictions(predicted, classes, *order_probabilities(chances, labels, classes))

    def as_runs(self) -> ModelRuns:
        """Itself, as what collectors ask for."""
        return cast("ModelRuns", self)
