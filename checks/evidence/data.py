"""The labelled rows that a model is judged on: read in the sandbox, split into inputs and labels.

Used by `checks.evidence.model_runs`. The file's bytes are only ever parsed in a confined child. The
labels stay here; the child that holds the model never gets them. What is wrong with the data is a
`DataProblemError` with a sentence, which becomes a finding.
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

import numpy as np

from checks.evidence.repository import FileError, Repository, digest
from checks.sandbox import DataSession, SandboxUnavailable, describe_bytes
from checks.sandbox.errors import SandboxError

if TYPE_CHECKING:
    from pathlib import Path

    from checks.config import Config
    from checks.measure.bootstrap import Array
    from checks.sandbox import Limits, Table

MAX_BYTES = 512 << 20
MOST_CLASSES = 100
FORMATS = {".csv": "csv"}
Task = Literal["classification", "regression"]


class DataProblemError(Exception):
    """The data cannot be used to judge the model; one sentence, and what to do about it."""

    def __init__(self, sentence: str, fix: str) -> None:
        super().__init__(sentence)
        self.fix = fix


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Inputs and truth of the rows that are judged.

    `truth` is codes into `classes` for classification, float64 for regression. `extras` are the
    columns that are kept from the model but looked at when results are compared between groups.
    """

    path: str
    digest: str
    task: Task
    inputs: Table
    extras: Table
    truth: Array
    classes: tuple[str, ...]
    positive: int | None  # code of the positive label when there are two classes
    notes: tuple[str, ...]

    @property
    def rows(self) -> int:
        """How many rows are judged."""
        return len(self.truth)

    def take(self, rows: Array) -> Evaluation:
        """Only these rows: an index array."""
        inputs, extras = self.inputs.take(rows), self.extras.take(rows)
        return replace(self, inputs=inputs, extras=extras, truth=self.truth[rows])


@dataclass(frozen=True)
class Reader:
    """Reads data files of one repository in confined children."""

    repository: Repository
    interpreter: Path
    limits: Limits
    trust: bool = False

    def table(self, path: str) -> tuple[Table, str]:
        """A data file's columns and its digest. Raises DataProblemError, SandboxUnavailable."""
        suffix = PurePosixPath(path).suffix.lower()
        if suffix not in FORMATS:
            known = ", ".join(FORMATS)
            raise DataProblemError(f"{path} is of no known data format", f"save it as {known}")
        try:
            payload = self.repository.read_bytes(path, MAX_BYTES)
        except FileError as error:
            raise DataProblemError(str(error), "set data.evaluation to an existing file") from error
        wrong = describe_bytes(payload, suffix)
        if wrong:
            raise DataProblemError(f"{path}: {wrong}", f"commit the real content of {path}")
        try:
            with DataSession(self.interpreter, limits=self.limits, trust=self.trust) as session:
                return session.read(payload, FORMATS[suffix]), digest(payload)
        except SandboxUnavailable:
            raise
        except SandboxError as error:
            fix = f"make {path} a {FORMATS[suffix]} file with a header line"
            raise DataProblemError(f"{path}: {error}", fix) from error


def load_evaluation(reader: Reader, config: Config) -> Evaluation:
    """Reads and splits the configured evaluation data. Raises DataProblemError."""
    path = config.data.evaluation
    source = config.source or "holdpoint.yml"
    if path is None:
        raise DataProblemError(
            "no evaluation data is configured", f"set data.evaluation in {source}"
        )
    if config.data.target is None:
        raise DataProblemError("no target column is configured", f"set data.target in {source}")
    table, found = reader.table(path)
    if table.rows == 0:
        raise DataProblemError(f"{path} has no rows", f"put labelled rows into {path}")
    return split(table, path, found, config)


def load_training(reader: Reader, config: Config, task: Task) -> Evaluation | None:
    """The configured training data, split like the evaluation data; None without any.

    Raises DataProblemError.
    """
    path = config.data.training
    if path is None:
        return None
    table, found = reader.table(path)
    if table.rows == 0:
        raise DataProblemError(f"{path} has no rows", f"put the training rows into {path}")
    model = replace(config.model, task=task)
    data = replace(config.data, positive_label=None)
    return split(table, path, found, replace(config, model=model, data=data))


def split(table: Table, path: str, found: str, config: Config) -> Evaluation:
    """Splits a table into what the model gets and what it should answer. Pure."""
    source = config.source or "holdpoint.yml"
    target = config.data.target or ""
    for name in (target, *config.data.ignore):
        _require_column(table, name, path, source)
    kept, notes = _labelled(table, target)
    labels = kept.column(target)
    task = config.model.task or _guess_task(labels.values, labels.kind)
    if config.model.task is None:
        notes = (*notes, f"{target} was taken for {task}; set model.task to say otherwise")
    ignored = tuple(dict.fromkeys(config.data.ignore))
    inputs = kept.select(tuple(n for n in kept.names if n != target and n not in ignored))
    if not inputs.columns:
        raise DataProblemError(f"{path} has no column besides {target!r}", f"add columns to {path}")
    truth, classes = _truth(labels.values, labels.kind, task, target)
    positive = _positive(classes, config.data.positive_label, source) if classes else None
    return Evaluation(
        path, found, task, inputs, kept.select(ignored), truth, classes, positive, notes
    )


def label_text(value: object) -> str:
    """A label as text, the same for 1, 1.0, True and "1"."""
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    if isinstance(value, float | np.floating) and math.isfinite(value) and value == int(value):
        return str(int(value))
    return str(value)


def _require_column(table: Table, name: str, path: str, source: str) -> None:
    if table.names.count(name) > 1:
        raise DataProblemError(f"{path} has several columns {name!r}", f"rename them in {path}")
    if name in table.names:
        return
    nearest = difflib.get_close_matches(name, table.names, n=1)
    hint = f"; the nearest name is {nearest[0]!r}" if nearest else ""
    fix = f"name a column of {path} in {source}"
    raise DataProblemError(f"{path} has no column {name!r}{hint}", fix)


def _labelled(table: Table, target: str) -> tuple[Table, tuple[str, ...]]:
    values = table.column(target).values
    present = np.array([not _missing(value) for value in values], dtype=bool)
    lost = int((~present).sum())
    if lost == len(values):
        raise DataProblemError(f"every value of {target!r} is missing", "add labels")
    if lost == 0:
        return table, ()
    return table.take(present), (f"{lost} rows without a label were left out",)


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float | np.floating) and bool(np.isnan(value)))


def _guess_task(values: Array, kind: str) -> Task:
    if kind in {"str", "bool"}:
        return "classification"
    distinct = np.unique(values)
    whole = bool(np.all(distinct == np.floor(distinct)))
    return "classification" if whole and len(distinct) <= 20 else "regression"


def _truth(values: Array, kind: str, task: Task, target: str) -> tuple[Array, tuple[str, ...]]:
    if task == "regression":
        if kind not in {"float", "int"} or not np.isfinite(values.astype(np.float64)).all():
            fix = "set model.task to classification or mend the column"
            raise DataProblemError(f"{target!r} holds something that is no finite number", fix)
        return values.astype(np.float64), ()
    texts = [label_text(value) for value in values]
    classes = tuple(sorted(set(texts), key=_label_order))
    if len(classes) < 2 or len(classes) > MOST_CLASSES:
        sentence = f"{target!r} has {len(classes)} different labels, 2 to {MOST_CLASSES} make sense"
        raise DataProblemError(sentence, "set data.target to the column that the model predicts")
    codes = {label: code for code, label in enumerate(classes)}
    return np.array([codes[text] for text in texts], dtype=np.int64), classes


def _label_order(label: str) -> tuple[bool, float, str]:
    try:
        return (False, float(label), label)
    except ValueError:
        return (True, 0.0, label)


def _positive(classes: tuple[str, ...], wanted: str | None, source: str) -> int | None:
    if wanted is not None:
        as_label = {"true": "1", "false": "0"}.get(wanted.lower(), wanted)
        for candidate in (wanted, as_label):
            if candidate in classes:
                return classes.index(candidate) if len(classes) == 2 else None
        shown = ", ".join(map(repr, classes[:10]))
        sentence = f"the positive label {wanted!r} does not occur; the labels are {shown}"
        raise DataProblemError(sentence, f"set data.positive_label in {source} to one of them")
    return 1 if len(classes) == 2 else None
