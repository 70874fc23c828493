"""Runs of the model in the sandbox: its predictions on the evaluation rows, and its timings.

Used by the measured checks' collectors through `Context.runs`, which share one child and each run
is made once. The parent keeps the clock, the labels and the memory figure; from the child come
plain arrays only, and they are checked before anything is computed from them. Trouble with the
model is a `RunProblemError` with a sentence, which becomes a critical finding.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np

from checks.evidence.answers import (
    Predictions,
    RunProblemError,
    code_labels,
    numbers,
    order_probabilities,
)
from checks.evidence.data import DataProblemError, Evaluation, Reader, label_text, load_evaluation
from checks.evidence.timings import Timings, measure
from checks.sandbox import ModelSession, SandboxUnavailable, describe_bytes
from checks.sandbox.errors import Kind, ModelFailed, SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from checks.config import Config
    from checks.measure.bootstrap import Floats
    from checks.models import Adapter
    from checks.sandbox import LoadInfo, Table

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class ModelFile:
    """The judged bytes."""

    path: str
    payload: bytes
    digest: str
    adapter: Adapter

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.payload)


class ModelRuns:
    """One model's runs. A context manager; closing ends the child."""

    def __init__(
        self, model: ModelFile, reader: Reader, config: Config, base: ModelFile | None = None
    ) -> None:
        self.model = model
        self.base = base
        self._reader = reader
        self._config = config
        self._session: ModelSession | None = None
        self._load: LoadInfo | None = None
        self.notes: list[str] = []  # what a reader of the figures should know

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the child, if there is one."""
        if self._session is not None:
            self._session.close()
            self._session = self._load = None

    def evaluation(self) -> Evaluation:
        """The evaluation data. Raises RunProblemError."""
        return self._unwrap(self._evaluation)

    def predictions(self) -> Predictions:
        """The model's answers on the evaluation rows. Raises RunProblemError."""
        return self._unwrap(self._predictions)

    def answered(self) -> tuple[Evaluation, Predictions] | None:
        """The rows and the answers when another check has already asked for them; runs nothing."""
        done = self.__dict__.get("_evaluation"), self.__dict__.get("_predictions")
        match done:
            case Evaluation() as evaluation, Predictions() as predictions:
                return evaluation, predictions
        return None

    def model_inputs(self) -> Table:
        """The evaluation rows' columns as the model is given them. Raises RunProblemError."""
        return self._inputs(self.evaluation(), self._open_info())

    def answers(self, inputs: Table, dtypes: Mapping[str, str] | None = None) -> Predictions:
        """The model's answers on other rows: changed, repeated or picked ones, as a probe wants.

        `inputs` has the columns of `model_inputs()`, or deliberately not; any number of rows.
        `dtypes` are those of `ModelSession.predict`. An exception of the model itself leaves the
        child alive. Raises RunProblemError.
        """
        outcome = self._attempt(
            lambda: self._answer(self._open(), self._open_info(), inputs, dtypes)
        )
        return self._unwrap(outcome)

    def knows_names(self) -> bool:
        """Whether the model is given its columns by name, no plain matrix. Raises RunProblemError.

        It is told so where it names its features or where there is text among them.
        """
        text = any(column.kind == "str" for column in self.model_inputs().columns)
        return text or self._open_info().feature_names is not None

    def base_predictions(self) -> Predictions:
        """The base branch's model's answers on the same rows. Raises RunProblemError."""
        return self._unwrap(self._base_predictions)

    def timings(self) -> Timings:
        """Load time, single calls, batches, memory. Raises RunProblemError."""
        return self._unwrap(self._timings)

    @cached_property
    def _evaluation(self) -> Evaluation | RunProblemError:
        try:
            evaluation = load_evaluation(self._reader, self._config)
            self.notes.extend(evaluation.notes)
            return evaluation
        except DataProblemError as error:
            where = self._config.data.evaluation
            return RunProblemError(f"the evaluation data cannot be used: {error}", error.fix, where)

    @cached_property
    def _predictions(self) -> Predictions | RunProblemError:
        return self._attempt(lambda: self._predict(self._open(), self._load))

    @cached_property
    def _base_predictions(self) -> Predictions | RunProblemError:
        def run() -> Predictions:
            base = self.base
            if base is None:
                raise RunProblemError("there is no base model to compare with", "")
            with self._start(base) as session:
                info = session.load(base.payload, base.adapter.loader, _options(base))
                return self._predict(session, info)

        return self._attempt(run)

    @cached_property
    def _timings(self) -> Timings | RunProblemError:
        def run() -> Timings:
            inputs = self._inputs(self.evaluation(), self._open_info())
            return measure(self._open(), self._open_info().seconds, inputs)

        return self._attempt(run)

    def _attempt(self, run: Callable[[], T]) -> T | RunProblemError:
        """Runs something on the child; what goes wrong is remembered, not raised."""
        try:
            return run()
        except RunProblemError as problem:
            return problem
        except SandboxUnavailable:
            raise
        except SandboxError as error:
            alive = isinstance(error, ModelFailed) and error.kind in {Kind.RAISED, Kind.REFUSED}
            if not alive or self._load is None:
                self.close()
            return RunProblemError(
                f"{self.model.path} could not be run: {error}",
                f"mend {self.model.path} or what it was saved from; "
                "`python train.py` of the same versions should load and predict",
                self.model.path,
                error.kind if isinstance(error, ModelFailed) else None,
            )

    def _unwrap(self, outcome: T | RunProblemError) -> T:
        if isinstance(outcome, RunProblemError):
            raise outcome
        return outcome

    def _open(self) -> ModelSession:
        if self._session is None:
            wrong = describe_bytes(self.model.payload, "." + self.model.path.rpartition(".")[2])
            if wrong:
                fix = f"commit the real content of {self.model.path}"
                raise RunProblemError(f"{self.model.path}: {wrong}", fix, self.model.path)
            self._session = self._start(self.model)
            adapter = self.model.adapter
            self._load = self._session.load(
                self.model.payload, adapter.loader, _options(self.model)
            )
        return self._session

    def _open_info(self) -> LoadInfo:
        self._open()
        if self._load is None:
            raise RunProblemError(f"{self.model.path} was not loaded", "", self.model.path)
        return self._load

    def _start(self, _model: ModelFile) -> ModelSession:
        reader = self._reader
        session = ModelSession(reader.interpreter, limits=reader.limits, trust=reader.trust)
        if session.warning and session.warning not in self.notes:
            self.notes.append(session.warning)
        return session

    def _predict(self, session: ModelSession, info: LoadInfo | None) -> Predictions:
        if info is None:
            raise RunProblemError("the model was not loaded", "")
        return self._answer(session, info, self._inputs(self.evaluation(), info))

    def _answer(
        self,
        session: ModelSession,
        info: LoadInfo,
        inputs: Table,
        dtypes: Mapping[str, str] | None = None,
    ) -> Predictions:
        evaluation = self.evaluation()
        answer = session.predict(inputs, dtypes=dtypes).values
        if answer.ndim == 2 and answer.shape[1] == 1:
            answer = answer[:, 0]
        if answer.ndim != 1:
            raise RunProblemError(
                f"predict gave an array of shape {answer.shape}, expected one value a row",
                "let predict return one label or number a row",
            )
        if evaluation.task == "regression":
            return Predictions(numbers(answer), ())
        predicted, classes = code_labels(answer, evaluation.classes)
        probabilities, why = self._probabilities(session, info, inputs, evaluation, dtypes)
        if probabilities is not None and len(classes) > len(evaluation.classes):
            probabilities = np.c_[probabilities, np.zeros(len(probabilities))]
        return Predictions(predicted, classes, probabilities, why)

    def _inputs(self, evaluation: Evaluation, info: LoadInfo) -> Table:
        """The columns that the model knows by name, in its order; all when it knows none."""
        wanted = info.feature_names
        if not wanted:
            return evaluation.inputs
        lacking = [name for name in wanted if name not in evaluation.inputs.names]
        if not lacking:
            return evaluation.inputs.select(wanted)
        name = lacking[0]
        data = self._config.data
        if name == data.target or name in data.ignore:
            raise RunProblemError(
                f"the model wants the column {name!r}, which is "
                + ("the target: the answer itself" if name == data.target else "in data.ignore"),
                f"train the model without {name!r}",
            )
        nearest = difflib.get_close_matches(name, evaluation.inputs.names, n=1)
        hint = f"; the nearest name is {nearest[0]!r}" if nearest else ""
        raise RunProblemError(
            f"the model wants the column {name!r}, which {evaluation.path} lacks{hint}",
            f"add {name!r} to {evaluation.path}",
            evaluation.path,
        )

    def _probabilities(
        self,
        session: ModelSession,
        info: LoadInfo,
        inputs: Table,
        evaluation: Evaluation,
        dtypes: Mapping[str, str] | None,
    ) -> tuple[Floats | None, str]:
        if "predict_proba" not in info.outputs or info.classes is None:
            return None, "the model has no predict_proba, so nothing is said about its confidence"
        values = session.predict(inputs, "predict_proba", dtypes).values
        labels = [label_text(value) for value in info.classes.ravel()]
        return order_probabilities(values, labels, evaluation.classes)


def _options(model: ModelFile) -> dict[str, Any]:
    return {"imports": list(model.adapter.imports)}
