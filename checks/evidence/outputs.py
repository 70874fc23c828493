"""What a model's plain output means: labels, probabilities, logits, scores or values. Pure.

Used by `checks.evidence.model_runs`. Models of scikit-learn answer with labels; networks and
exported graphs with a row of numbers for each row. `decide` finds out once, on all evaluation rows,
which it is, and what it took for granted is said to the reader; `read` then reads every answer of
that model in the same way, so that a single odd row is not read differently.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

import numpy as np

from checks.evidence.answers import (
    Predictions,
    RunProblemError,
    code_labels,
    numbers,
    order_probabilities,
)
from checks.evidence.data import label_text

if TYPE_CHECKING:
    from checks.evidence.data import Evaluation
    from checks.measure.bootstrap import Array, Floats

Output = Literal["auto", "labels", "probabilities", "logits", "values"]
SUM_TOLERANCE = 1e-3  # float32 sums of many classes
AGREEMENT = 0.9  # ties and models with a decision threshold of their own
UNKNOWN_SCALE = (
    "the model's output is scores of unknown scale; if softmax (or sigmoid) makes probabilities of "
    "them, set model.output: logits"
)


class Form(StrEnum):
    """How an output is read."""

    VALUES = "values"  # regression
    LABELS = "labels"
    INDICES = "indices"  # of the sorted labels
    PROBABILITIES = "probabilities"
    LOGARITHMS = "logarithms of probabilities"
    LOGITS = "logits"
    SCORES = "scores"  # the largest wins; of unknown scale


@dataclass(frozen=True)
class Reading:
    """`columns` are the labels of the output's columns; `single` is one number for two classes."""

    form: Form
    columns: tuple[str, ...] = ()
    single: bool = False
    note: str = ""


def squeezed(answer: Array) -> Array:
    """One column is no matrix."""
    return answer[:, 0] if answer.ndim == 2 and answer.shape[1] == 1 else answer


def decide(
    answer: Array, evaluation: Evaluation, known: tuple[str, ...] | None, wanted: Output
) -> Reading:
    """How this model's output is to be read. `known` are the model's own classes, if it has them.

    Raises RunProblemError when it can be read in no way.
    """
    answer = squeezed(answer)
    if evaluation.task == "regression":
        if answer.ndim != 1:
            raise _shapeless(answer, "one number a row")
        return Reading(Form.VALUES)
    if wanted == "values":
        raise RunProblemError(
            "model.output is values, but the task is classification",
            "set model.task to regression, or model.output to what it is",
        )
    if answer.ndim == 2:
        return _matrix(answer, evaluation.classes, known, wanted)
    return _vector(answer, evaluation, known, wanted)


def read(answer: Array, reading: Reading, evaluation: Evaluation) -> Predictions:
    """The answer as codes, numbers and probabilities. Raises RunProblemError."""
    answer = squeezed(answer)
    expected = 2 if reading.columns and not reading.single else 1
    if answer.ndim != expected or (expected == 2 and answer.shape[1] != len(reading.columns)):
        raise _shapeless(answer, "the shape that it had on the evaluation rows")
    if reading.form is Form.VALUES:
        return Predictions(numbers(answer), ())
    if reading.form is Form.LABELS:
        return Predictions(*code_labels(answer, evaluation.classes))
    if reading.form is Form.INDICES:
        return Predictions(*code_labels(_at(answer, reading.columns), evaluation.classes))
    return _scored(numbers(answer.ravel()).reshape(answer.shape), reading, evaluation)


def column_labels(
    count: int, classes: tuple[str, ...], known: tuple[str, ...] | None
) -> tuple[str, ...]:
    """The labels of `count` columns: the model's own, whole numbers, or the data's in order.

    Raises RunProblemError when the counts do not fit.
    """
    if known is not None and len(known) == count:
        return known
    whole = tuple(str(index) for index in range(count))
    if set(classes) <= set(whole):
        return whole
    if len(classes) == count:
        return classes
    raise RunProblemError(
        f"the model gives {count} numbers a row, but the data have {len(classes)} labels",
        "put rows of every class into the evaluation data, or let the model answer with labels",
    )


def beside(
    values: Array, predicted: Array, classes: tuple[str, ...], known: tuple[str, ...] | None
) -> tuple[Floats | None, str]:
    """Probabilities from another method than the labels, or None and the reason why not.

    Columns without names are believed when their largest is the predicted label nearly always.
    """
    if known is not None:
        return order_probabilities(values, list(known), classes)
    if values.ndim != 2:
        return (
            None,
            f"predict_proba gave the shape {values.shape}, expected a column for each class",
        )
    try:
        labels = column_labels(values.shape[1], classes, None)
    except RunProblemError as error:
        return None, str(error)
    found, why = order_probabilities(values, list(labels), classes)
    if found is not None and (found.argmax(axis=1) == predicted).mean() < AGREEMENT:
        return None, "the model names no classes, and its probabilities do not fit its labels"
    return found, why


def softmax(scores: Floats) -> Floats:
    """Rows that sum to 1."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=1, keepdims=True)
    return shares


def _matrix(
    answer: Array, classes: tuple[str, ...], known: tuple[str, ...] | None, wanted: Output
) -> Reading:
    if answer.dtype.kind not in "fiub" or wanted == "labels":
        raise _shapeless(answer, "one label a row")
    columns = column_labels(answer.shape[1], classes, known)
    form = _form(numbers(answer.ravel()).reshape(answer.shape), wanted)
    note = ""
    if columns != known:
        shown = ", ".join(columns[:4]) + (", ..." if len(columns) > 4 else "")
        note = (
            f"The model names no classes: its {len(columns)} outputs are taken for the labels in "
            f"sorted order ({shown}), and as {form}"
        )
    return Reading(form, columns, note=note)


def _form(values: Floats, wanted: Output) -> Form:
    if wanted in {"probabilities", "logits"}:
        return Form(wanted)
    if (values >= 0).all() and (abs(values.sum(axis=1) - 1) < SUM_TOLERANCE).all():
        return Form.PROBABILITIES
    if (values <= 0).all() and (abs(np.exp(values).sum(axis=1) - 1) < SUM_TOLERANCE).all():
        return Form.LOGARITHMS
    return Form.SCORES


def _vector(
    answer: Array, evaluation: Evaluation, known: tuple[str, ...] | None, wanted: Output
) -> Reading:
    classes = evaluation.classes
    plain = known is not None or answer.dtype.kind not in "fiu" or wanted == "labels"
    if plain or {label_text(value) for value in np.unique(answer)} <= set(classes):
        return Reading(Form.LABELS)
    whole = bool((answer == np.floor(answer)).all())
    if whole and answer.min() >= 0 and answer.max() < len(classes) and wanted == "auto":
        shown = ", ".join(f"{code} is {name}" for code, name in enumerate(classes[:3]))
        note = f"The model's answers are taken for positions among the sorted labels ({shown})"
        return Reading(Form.INDICES, classes, single=True, note=note)
    if evaluation.positive is None or whole:
        return Reading(Form.LABELS)
    return _single(answer, evaluation, wanted)


def _single(answer: Array, evaluation: Evaluation, wanted: Output) -> Reading:
    """One number a row for two classes: the positive one's probability, logit or score."""
    classes, positive = evaluation.classes, evaluation.positive or 0
    within = bool(((answer >= 0) & (answer <= 1)).all())
    form = Form.PROBABILITIES if within else Form.SCORES
    form = Form(wanted) if wanted in {"probabilities", "logits"} else form
    border = "0.5" if form is Form.PROBABILITIES else "0"
    kind = "probability" if form is Form.PROBABILITIES else "score"
    note = (
        f"The model's one number a row is taken for the {kind} of {classes[positive]!r}: above "
        f"{border} it is predicted"
    )
    return Reading(form, (classes[1 - positive], classes[positive]), single=True, note=note)


def _scored(values: Floats, reading: Reading, evaluation: Evaluation) -> Predictions:
    if reading.single:
        values = _both(values, reading.form)
    labels = _at(values.argmax(axis=1), reading.columns)
    predicted, classes = code_labels(labels, evaluation.classes)
    if reading.form is Form.SCORES:
        return Predictions(predicted, classes, None, UNKNOWN_SCALE)
    shares = values
    if reading.form is Form.LOGITS:
        shares = softmax(values)
    elif reading.form is Form.LOGARITHMS:
        shares = np.exp(values)
    found, why = order_probabilities(shares, list(reading.columns), evaluation.classes)
    if found is not None and len(classes) > len(evaluation.classes):
        found = np.c_[found, np.zeros(len(found))]
    return Predictions(predicted, classes, found, why)


def _both(values: Floats, form: Form) -> Floats:
    """Two columns of one number: softmax of (0, x) is sigmoid of x."""
    other = 1 - values if form is Form.PROBABILITIES else np.zeros_like(values)
    return np.column_stack([other, values])


def _at(positions: Array, labels: tuple[str, ...]) -> Array:
    """The labels at these positions; what lies outside is no label of anybody."""
    names = np.array([*labels, ""], dtype=object)
    places = np.where((positions >= 0) & (positions < len(labels)), positions, len(labels))
    found: Array = names[places.astype(np.int64)]
    return found


def _shapeless(answer: Array, expected: str) -> RunProblemError:
    return RunProblemError(
        f"predict gave an array of shape {answer.shape}, expected {expected}",
        "let predict return one label or number a row",
    )
