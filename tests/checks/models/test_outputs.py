"""What plain output is taken for, and what that is compared with: plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from checks.evidence.answers import RunProblemError
from checks.evidence.data import Evaluation
from checks.evidence.outputs import Form, beside, decide, read
from checks.sandbox import Table

RNG = np.random.default_rng(5)
LOGITS = RNG.normal(size=(40, 3)) * 3


def rows_of(classes: tuple[str, ...], task: str = "classification") -> Evaluation:
    """40 rows with these labels."""
    truth = np.arange(40) % max(1, len(classes))
    positive = 1 if len(classes) == 2 else None
    kind = "classification" if task == "classification" else "regression"
    return Evaluation(
        "e.csv", "", kind, Table(()), Table(()), truth, classes, positive, ()  # type: ignore[arg-type] # one of two
    )  # fmt: skip


THREE = rows_of(("a", "b", "c"))
TWO = rows_of(("no", "yes"))


@pytest.mark.parametrize(
    ("values", "wanted", "form", "expected"),
    [
        (softmax(LOGITS, axis=1), "auto", Form.PROBABILITIES, softmax(LOGITS, axis=1)),
        (log_softmax(LOGITS, axis=1), "auto", Form.LOGARITHMS, softmax(LOGITS, axis=1)),
        (LOGITS, "logits", Form.LOGITS, softmax(LOGITS, axis=1)),
        (LOGITS, "auto", Form.SCORES, None),
        (LOGITS.astype("f4"), "logits", Form.LOGITS, softmax(LOGITS, axis=1)),
    ],
)
def test_rows_of_numbers(
    values: np.ndarray, wanted: str, form: Form, expected: np.ndarray | None
) -> None:
    reading = decide(values, THREE, None, wanted)  # type: ignore[arg-type] # a Literal
    found = read(values, reading, THREE)
    assert reading.form is form
    assert found.predicted.tolist() == LOGITS.argmax(axis=1).tolist()
    if expected is None:
        assert found.probabilities is None
        assert "model.output: logits" in found.no_probabilities
    else:
        assert found.probabilities is not None
        np.testing.assert_allclose(found.probabilities, expected, atol=1e-6)
    assert "in sorted order (a, b, c)" in reading.note


def test_the_models_own_classes_come_first() -> None:
    values = softmax(LOGITS, axis=1)
    reading = decide(values, THREE, ("c", "a", "b"), "auto")
    assert reading.note == ""
    expected = [["c", "a", "b"][index] for index in values.argmax(axis=1)]
    found = read(values, reading, THREE)
    assert [found.classes[code] for code in found.predicted] == expected


def test_whole_numbers_name_themselves() -> None:
    data = rows_of(("0", "2"))
    values = softmax(LOGITS, axis=1)
    reading = decide(values, data, None, "auto")
    assert reading.columns == ("0", "1", "2")
    found = read(values, reading, data)
    assert found.classes[:2] == ("0", "2")
    assert (found.predicted == 2).sum() == (values.argmax(axis=1) == 1).sum()


@pytest.mark.parametrize(
    ("answer", "wanted", "expected"),
    [
        ([0.2, 0.9], "auto", [0, 1]),
        ([-3.0, 0.4], "auto", [0, 1]),
        ([0.2, -0.9], "logits", [1, 0]),
        ([0, 1], "auto", [0, 1]),
        (["no", "yes"], "auto", [0, 1]),
        ([[0.2], [0.9]], "auto", [0, 1]),
    ],
)
def test_one_number_a_row_for_two_classes(
    answer: list[object], wanted: str, expected: list[int]
) -> None:
    values = np.array(answer, object if isinstance(answer[0], str) else None)
    reading = decide(values, TWO, None, wanted)  # type: ignore[arg-type] # a Literal
    assert read(values, reading, TWO).predicted.tolist() == expected


def test_a_reading_is_decided_once() -> None:
    reading = decide(np.array([-3.0, 0.4]), TWO, None, "auto")
    assert read(np.array([0.4]), reading, TWO).predicted.tolist() == [1]  # not a probability now


def test_sigmoid_of_a_declared_logit() -> None:
    reading = decide(np.array([-3.0, 0.4]), TWO, None, "logits")
    found = read(np.array([-3.0, 0.4]), reading, TWO).probabilities
    assert found is not None
    np.testing.assert_allclose(found[:, 1], 1 / (1 + np.exp([3.0, -0.4])))


@pytest.mark.parametrize(
    ("answer", "data", "wanted", "says"),
    [
        (LOGITS, TWO, "auto", "3 numbers a row, but the data have 2 labels"),
        (LOGITS, rows_of((), "regression"), "auto", "expected one number a row"),
        (LOGITS, THREE, "values", "the task is classification"),
        (LOGITS * np.nan, THREE, "auto", "NaN or infinite"),
        (LOGITS, THREE, "labels", "one label a row"),
    ],
)
def test_what_cannot_be_read_says_why(
    answer: np.ndarray, data: Evaluation, wanted: str, says: str
) -> None:
    with pytest.raises(RunProblemError, match=says):
        decide(answer, data, None, wanted)  # type: ignore[arg-type] # a Literal


def test_unnamed_probabilities_must_fit_the_labels() -> None:
    values = softmax(LOGITS, axis=1)
    right, turned = values.argmax(axis=1), (values.argmax(axis=1) + 1) % 3
    assert beside(values, right, THREE.classes, None)[0] is not None
    found, why = beside(values, turned, THREE.classes, None)
    assert found is None
    assert "do not fit" in why
