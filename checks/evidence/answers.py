"""What a model answered, checked and brought into the order of the evaluation's labels. Pure.

Used by `checks.evidence.model_runs`. Everything that comes from the child passes through here
before a figure is computed from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from checks.evidence.data import label_text

if TYPE_CHECKING:
    from checks.measure.bootstrap import Array, Floats
    from checks.sandbox.errors import Kind

OTHER_LABEL = "(a label that is not in the data)"


class RunProblemError(Exception):
    """The model could not be run; `fix` says what to change, `where` names the file.

    `kind` is how its child failed, and None where the answer itself was unfit.
    """

    def __init__(
        self, sentence: str, fix: str, where: str | None = None, kind: Kind | None = None
    ) -> None:
        super().__init__(sentence)
        self.fix = fix
        self.where = where
        self.kind = kind


@dataclass(frozen=True, eq=False)
class Predictions:
    """What the model answered on the evaluation rows.

    `predicted` is codes into `classes` or float64; `classes` are the evaluation's labels and, last,
    a stand-in when the model answered with others. `probabilities` has shape (rows, classes), its
    rows sum to 1; `None` where the model gives none, and `no_probabilities` says why.
    """

    predicted: Array
    classes: tuple[str, ...]
    probabilities: Floats | None = None
    no_probabilities: str = ""


def code_labels(answer: Array, classes: tuple[str, ...]) -> tuple[Array, tuple[str, ...]]:
    """Predicted labels as codes; labels that the data do not hold share one extra code."""
    codes = {label: code for code, label in enumerate(classes)}
    if answer.dtype == object:
        found = [codes.get(label_text(value), len(classes)) for value in answer]
        predicted = np.array(found, dtype=np.int64)
    else:  # a label is looked up once, not in each of a million rows
        distinct, places = np.unique(answer, return_inverse=True)
        known = [codes.get(label_text(value), len(classes)) for value in distinct]
        predicted = np.array(known, dtype=np.int64)[places]
    unknown = bool((predicted == len(classes)).any())
    return predicted, (*classes, OTHER_LABEL) if unknown else classes


def order_probabilities(
    values: Array, labels: list[str], classes: tuple[str, ...]
) -> tuple[Floats | None, str]:
    """Probabilities with one column for each of `classes`, or None and the reason why not."""
    if values.ndim != 2 or values.shape[1] != len(labels):
        return None, f"predict_proba gave the shape {values.shape} for {len(labels)} classes"
    lacking = [name for name in classes if name not in labels]
    if lacking:
        return None, f"the model knows no class {lacking[0]!r}, so its probabilities lack it"
    numbers = np.asarray(values, dtype=np.float64)
    sums = numbers.sum(axis=1)
    sound = np.isfinite(numbers).all() and (numbers >= 0).all() and (abs(sums - 1) < 1e-3).all()
    if not sound:
        return None, "predict_proba gave rows that are no probabilities (negative, NaN, sum not 1)"
    picked = numbers[:, [labels.index(name) for name in classes]]
    totals = picked.sum(axis=1, keepdims=True)
    return picked / np.where(totals > 0, totals, 1), ""


def numbers(answer: Array) -> Floats:
    """Predicted numbers as float64. Raises RunProblemError on text, NaN and infinity."""
    if answer.dtype.kind not in "fiub":
        raise RunProblemError("predict gave text, expected numbers", "set model.task")
    values = answer.astype(np.float64)
    broken = int((~np.isfinite(values)).sum())
    if broken:
        raise RunProblemError(
            f"predict gave {broken} {'value that is' if broken == 1 else 'values that are'} "
            "NaN or infinite",
            "handle missing and extreme inputs in the pipeline",
        )
    return values
