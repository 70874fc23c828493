"""Runs of the model in the sandbox: its predictions on the evaluation rows, and its timings.

Used by the measured checks' collectors through `Context.runs`, which share one child and each run
is made once. The parent keeps the clock, the labels and the memory figure; from the child come
plain arrays only, and they are checked before anything is computed from them. Trouble with the
model is a `RunProblemError` with a sentence, which becomes a critical finding.
"""

from __future__ import annotations

import difflib
import threading
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np

from checks import models
from checks.environment import missing
from checks.environment.home import Home, HomeError
from checks.evidence import outputs
from checks.evidence.answers import Predictions, RunProblemError
from checks.evidence.data import (
    DataProblemError,
    Evaluation,
    Reader,
    label_text,
    load_evaluation,
    load_training,
)
from checks.evidence.timings import Timings, measure
from checks.sandbox import ModelSession, SandboxUnavailable, describe_bytes
from checks.sandbox.errors import Kind, ModelFailed, SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from checks.config import Config
    from checks.measure.bootstrap import Array, Floats
    from checks.models import Adapter
    from checks.sandbox import LoadInfo, Table

T = TypeVar("T")

MAX_MODEL = 2 << 30  # bytes of a model file


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
        self,
        model: ModelFile,
        reader: Reader,
        config: Config,
        base: ModelRuns | None = None,
        home: Home | None = None,
    ) -> None:
        """`base` is the runs of another model, which is judged on this one's evaluation rows."""
        self.model = model
        self.base = base
        self._rows_of: ModelRuns | None = None
        if base is not None:
            base._rows_of = self
        self._reader = reader
        self._home = home or Home(reader.repository, model, reader.interpreter, config.model)
        self._config = config
        self._thread = threading.get_ident()
        self._session: ModelSession | None = None
        self._load: LoadInfo | None = None
        self._reading: outputs.Reading | None = None
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
        self._home.close()

    def close(self) -> None:
        """Ends the child, if there is one."""
        if self._session is not None:
            self._session.close()
            self._session = self._load = None

    @property
    def versions(self) -> Mapping[str, str]:
        """The versions that the model ran with; empty when no check has asked for it."""
        return self._home.versions

    def evaluation(self) -> Evaluation:
        """The evaluation data. Raises RunProblemError."""
        return self._unwrap(self._evaluation)

    def training(self) -> Evaluation | None:
        """The rows that the model was trained on, if configured. Raises RunProblemError."""
        return self._unwrap(self._training)

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
        return self._unwrap(self._model_inputs)

    def answers(self, inputs: Table) -> Predictions:
        """The model's answers on other rows: changed, repeated or picked ones, as a probe wants.

        `inputs` has the columns of `model_inputs()`, or deliberately not; any number of rows. An
        exception of the model itself leaves the child alive. Raises RunProblemError.
        """

        def run() -> Predictions:
            self.predictions()  # it decides how the model's answers are read
            reading = self._reading
            if reading is None:
                raise RunProblemError("the model's answers cannot be read", "")
            session, info = self._open(), self._open_info()
            return self._read(session, info, inputs, session.predict(inputs).values, reading)

        return self._unwrap(self._attempt(run))

    def knows_names(self) -> bool:
        """Whether the model is given its columns by name, no plain matrix. Raises RunProblemError.

        It is told so where it names its features or where there is text among them.
        """
        text = any(column.kind == "str" for column in self.model_inputs().columns)
        return text or self._open_info().feature_names is not None

    def base_predictions(self) -> Predictions:
        """The base branch's model's answers on the same rows. Raises RunProblemError."""
        if self.base is None:
            raise RunProblemError("there is no base model to compare with", "")
        return self.base.predictions()

    def timings(self) -> Timings:
        """Load time, single calls, batches, memory. Raises RunProblemError."""
        return self._unwrap(self._timings)

    @cached_property
    def _evaluation(self) -> Evaluation | RunProblemError:
        if self._rows_of is not None:
            return self._rows_of._evaluation
        try:
            evaluation = load_evaluation(self._reader, self._config)
            self.notes.extend(evaluation.notes)
            return evaluation
        except DataProblemError as error:
            where = self._config.data.evaluation
            return RunProblemError(f"the evaluation data cannot be used: {error}", error.fix, where)

    @cached_property
    def _training(self) -> Evaluation | RunProblemError | None:
        try:
            training = load_training(self._reader, self._config, self.evaluation().task)
            if training is not None:
                self.notes.extend(f"{training.path}: {note}" for note in training.notes)
            return training
        except DataProblemError as error:
            where = self._config.data.training
            return RunProblemError(f"the training data cannot be used: {error}", error.fix, where)

    @cached_property
    def _model_inputs(self) -> Table | RunProblemError:
        return self._attempt(lambda: self._inputs(self.evaluation(), self._open_info()))

    @cached_property
    def _predictions(self) -> Predictions | RunProblemError:
        def run() -> Predictions:
            found, self._reading = self._predict(self._open(), self._load)
            self.notes += [f"{self._reading.note}."] if self._reading.note else []
            return found

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
                missing.advice(str(error), self.model.path)
                or f"mend {self.model.path} or what it was saved from; "
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
            options = self._options(self.model)
            self._load = self._session.load(self.model.payload, adapter.loader, options)
            self.notes += [note for note in self._load.notes if note not in self.notes]
        return self._session

    def _open_info(self) -> LoadInfo:
        self._open()
        if self._load is None:
            raise RunProblemError(f"{self.model.path} was not loaded", "", self.model.path)
        return self._load

    def _options(self, model: ModelFile) -> dict[str, Any]:
        wanted = self._config.model
        return {
            **model.adapter.options(),
            "input": wanted.input,
            "shape": list(wanted.shape),
            "constructor": wanted.constructor,
            "entry": models.entry(wanted.path or ""),
            "weights": wanted.weights is not None,
        }

    def _start(self, model: ModelFile) -> ModelSession:
        if threading.get_ident() != self._thread:
            # The kernel would end the child with this thread, in the middle of another check.
            raise RuntimeError("a check that says `needs = Needs.TREE` asked the model")
        reader = self._reader
        try:
            place = self._home.open()
        except HomeError as error:
            raise RunProblemError(str(error), error.fix, error.where) from error
        more = model.adapter.address_space
        limits = replace(reader.limits, memory_bytes=reader.limits.memory_bytes + more)
        session = ModelSession(
            place.interpreter, limits=limits, trust=reader.trust, code=place.code
        )
        said = [*place.notes, *([session.warning] if session.warning else [])]
        self.notes.extend(note for note in said if note not in self.notes)
        return session

    def _predict(
        self, session: ModelSession, info: LoadInfo | None
    ) -> tuple[Predictions, outputs.Reading]:
        if info is None:
            raise RunProblemError("the model was not loaded", "")
        evaluation = self.evaluation()
        inputs = self._inputs(evaluation, info)
        answer = session.predict(inputs).values
        wanted = self._config.model.output
        reading = outputs.decide(answer, evaluation, _classes(info), wanted)
        return self._read(session, info, inputs, answer, reading), reading

    def _read(
        self,
        session: ModelSession,
        info: LoadInfo,
        inputs: Table,
        answer: Array,
        reading: outputs.Reading,
    ) -> Predictions:
        """One answer, with the probabilities that another method of the model gives."""
        evaluation = self.evaluation()
        found = outputs.read(answer, reading, evaluation)
        if reading.form not in {outputs.Form.LABELS, outputs.Form.INDICES}:
            return found
        probabilities, why = self._probabilities(session, info, inputs, found)
        if probabilities is not None and len(found.classes) > len(evaluation.classes):
            probabilities = np.c_[probabilities, np.zeros(len(probabilities))]
        return Predictions(found.predicted, found.classes, probabilities, why)

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
        self, session: ModelSession, info: LoadInfo, inputs: Table, found: Predictions
    ) -> tuple[Floats | None, str]:
        if "predict_proba" not in info.outputs:
            return None, "the model has no predict_proba, so nothing is said about its confidence"
        values = session.predict(inputs, "predict_proba").values
        return outputs.beside(values, found.predicted, self.evaluation().classes, _classes(info))


def _classes(info: LoadInfo) -> tuple[str, ...] | None:
    """The labels that the model knows, as text."""
    return None if info.classes is None else tuple(map(label_text, info.classes.ravel()))
