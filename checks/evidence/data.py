"""The labelled rows that a model is judged on: read in the sandbox, split into inputs and labels.

Used by `checks.evidence.model_runs`. The file's bytes are only ever parsed in a confined child. The
labels stay here; the child that holds the model never gets them. What is wrong with the data is a
`DataProblemError` with a sentence, which becomes a finding.
"""

from __future__ import annotations

import difflib
import hashlib
import math
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

import numpy as np

from checks.evidence.repository import FileError, Repository
from checks.evidence.sampling import MOST_ROWS, Sampler
from checks.sandbox import DataSession, SandboxUnavailable, describe_bytes, scripts
from checks.sandbox.errors import Kind, ModelFailed, SandboxError

if TYPE_CHECKING:
    from io import BufferedReader

    from checks.config import Config
    from checks.measure.bootstrap import Array
    from checks.sandbox import Limits, Table

MAX_FILE = 16 << 30
MAX_BYTES = 512 << 20  # of a version of the rows that is held whole, to compare it with another
ENDS = 1 << 20  # bytes at the beginning and at the end that show what a file is
OWN = Path(sys.executable)  # data are read by the tool's own libraries, not by the model's
MOST_CLASSES = 100
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
    total: int = 0  # rows of the file, of which these are some; 0 where there is no file

    @property
    def of_total(self) -> str:
        """How many rows are judged, and of how many where it is a sample."""
        more = f" of {self.total:,}" if self.total > self.rows else ""
        return f"{self.rows:,}{more} rows" if more else f"{self.rows} rows"

    @property
    def rows(self) -> int:
        """How many rows are judged."""
        return len(self.truth)

    def take(self, rows: Array) -> Evaluation:
        """Only these rows: an index array."""
        inputs, extras = self.inputs.take(rows), self.extras.take(rows)
        return replace(self, inputs=inputs, extras=extras, truth=self.truth[rows])


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows of a data file, `table.rows` of `total`, and the digest of the whole file."""

    path: str
    table: Table
    digest: str
    total: int

    @property
    def notes(self) -> tuple[str, ...]:
        """That it is a sample, if it is one."""
        if self.table.rows == self.total:
            return ()
        said = (
            f"{self.path}: {self.table.rows:,} of {self.total:,} rows were used, a uniform random "
            "sample by a fixed seed; data.sample_rows sets how many"
        )
        return (said,)


@dataclass(frozen=True)
class Reader:
    """Reads data files of one repository in confined children."""

    repository: Repository
    interpreter: Path
    limits: Limits
    trust: bool = False

    def sample(self, path: str, key: str, rows: int) -> Sample:
        """At most `rows` rows of the data file that `key` configures.

        The file is read batch by batch in a child that holds it open and sees nothing else.
        Raises DataProblemError, SandboxUnavailable.
        """
        suffix = PurePosixPath(path).suffix.lower()
        known = scripts.formats()
        if suffix not in known:
            said = f"{path} is of no known data format; known are {' '.join(sorted(known))}"
            raise DataProblemError(said, f"save {path} as one of them")
        try:
            with self.repository.open(path, MAX_FILE) as file:
                wrong = _at_first_sight(file, suffix)
                if wrong:
                    raise DataProblemError(f"{path}: {wrong}", f"commit the real content of {path}")
                found = hashlib.file_digest(file, "sha256").hexdigest()
                file.seek(0)
                sampler = self._parsed(file.fileno(), known[suffix], rows)
        except FileError as error:
            raise DataProblemError(str(error), f"set {key} to an existing file") from error
        except SandboxUnavailable:
            raise
        except SandboxError as error:
            fix = f"make {path} a plain table in the format {known[suffix]}"
            raise DataProblemError(f"{path}: {error}", fix) from error
        if sampler.total == 0:
            raise DataProblemError(f"{path} has no rows", f"put labelled rows into {path}")
        return Sample(path, sampler.table(), f"sha256:{found}", sampler.total)

    def _parsed(self, file: int, format_name: str, rows: int) -> Sampler:
        sampler = Sampler(rows)
        with DataSession(OWN, limits=self.limits, trust=self.trust, files=(file,)) as session:
            for table in session.batches(file, format_name):
                sampler.add(table)
                if sampler.total > MOST_ROWS:
                    raise ModelFailed(Kind.REFUSED, f"The data file has over {MOST_ROWS:,} rows.")
        return sampler


def _at_first_sight(file: BufferedReader, suffix: str) -> str | None:
    """What is wrong with a file by its beginning and end."""
    size = os.fstat(file.fileno()).st_size
    payload = file.read(ENDS)
    if size > ENDS:
        file.seek(max(ENDS, size - ENDS))
        payload += file.read(ENDS)
    file.seek(0)
    wrong = describe_bytes(payload, suffix)
    return wrong and wrong.replace(f"{len(payload)} bytes", f"{size} bytes")


def load_evaluation(reader: Reader, config: Config) -> Evaluation:
    """Reads and splits the configured evaluation data. Raises DataProblemError."""
    path = config.data.evaluation
    source = config.source or "holdpoint.yml"
    if path is None:
        fix = f"set data.evaluation in {source}"
        if not config.source:
            fix = "holdpoint.yml: run `holdpoint init`, which looks for labelled rows and writes it"
        raise DataProblemError("no evaluation data is configured", fix)
    if config.data.target is None:
        raise DataProblemError("no target column is configured", f"set data.target in {source}")
    return _of(reader.sample(path, "data.evaluation", config.data.sample_rows), config)


def load_training(reader: Reader, config: Config, task: Task) -> Evaluation | None:
    """The configured training data, split like the evaluation data; None without any.

    Raises DataProblemError.
    """
    path = config.data.training
    if path is None:
        return None
    sample = reader.sample(path, "data.training", config.data.sample_rows)
    model = replace(config.model, task=task)
    data = replace(config.data, positive_label=None)
    return _of(sample, replace(config, model=model, data=data))


def _of(sample: Sample, config: Config) -> Evaluation:
    found = split(sample.table, sample.path, sample.digest, config)
    return replace(found, total=sample.total, notes=(*sample.notes, *found.notes))


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
