"""Opens an ONNX file with onnxruntime. Run as text inside the child, never imported.

The graph is given one matrix when it has one input, and each column by its name when it has
several. A graph that answers with labels and scores, as converters of classifiers write it, has
`predict` and `predict_proba`; of any other graph the first output is what it predicts.
"""

from __future__ import annotations

import os
from importlib import import_module
from math import prod
from typing import Any

TYPES = {
    "float": "float32",
    "double": "float64",
    "float16": "float16",
    "int64": "int64",
    "int32": "int32",
    "int16": "int16",
    "int8": "int8",
    "uint8": "uint8",
    "bool": "bool",
    "string": "object",
}
NOTES: list[str] = []  # for the reader of the report
LABELS = ("tensor(int64)", "tensor(int32)", "tensor(string)", "tensor(bool)")


class Unfit(Exception):  # noqa: N818 - a sentence for a person
    """Why the model cannot be used."""


class Graph:
    """A session that answers as a model does. `takes_` asks for columns by name."""

    takes_ = "named"

    def __init__(self, session: Any, shape: list[int]) -> None:
        self.session, self.shape = session, shape
        self.inputs = session.get_inputs()
        self.label, self.scores = split(session.get_outputs())
        if len(self.inputs) > 1:
            self.feature_names_in_ = [each.name for each in self.inputs]

    def predict(self, columns: dict[str, Any]) -> Any:
        return self.run(self.label.name, columns)

    def run(self, output: str, columns: dict[str, Any]) -> Any:
        """One output for all rows; a graph of a fixed number of rows is asked piece by piece."""
        numpy = import_module("numpy")
        feed = {each.name: self.feed(each, columns) for each in self.inputs}
        fixed = self.inputs[0].shape[:1]
        size = fixed[0] if fixed and isinstance(fixed[0], int) else 0
        rows = len(next(iter(feed.values())))
        if size in (0, rows):
            return self.session.run([output], feed)[0]
        pieces = []
        for start in range(0, rows, size):
            picks = numpy.minimum(numpy.arange(start, start + size), rows - 1)
            some = {name: values[picks] for name, values in feed.items()}
            pieces += list(self.session.run([output], some)[0])
        answer = pieces[:rows]
        return answer if answer and isinstance(answer[0], dict) else numpy.array(answer)

    def feed(self, wanted: Any, columns: dict[str, Any]) -> Any:
        """The array for one input."""
        numpy = import_module("numpy")
        if len(self.inputs) == 1:
            return shaped(
                wanted, [converted(wanted, *item) for item in columns.items()], self.shape
            )
        if wanted.name not in columns:
            raise Unfit(f"its input {wanted.name!r} is no column of the data")
        values = converted(wanted, wanted.name, columns[wanted.name])
        if len(wanted.shape) == 1:
            return values
        if width(wanted) not in (None, 1):
            raise Unfit(
                f"its input {wanted.name!r} takes {width(wanted)} columns beside other inputs; "
                "give it one input for all columns, or one for each"
            )
        return numpy.reshape(values, (-1, 1))


class Classifier(Graph):
    """A graph with scores beside the labels."""

    def __init__(self, session: Any, shape: list[int]) -> None:
        super().__init__(session, shape)
        if self.scores.type.startswith("seq(map"):
            self.classes_ = self.names()

    def predict_proba(self, columns: dict[str, Any]) -> Any:
        numpy = import_module("numpy")
        found = self.run(self.scores.name, columns)
        if isinstance(found, list) and found and isinstance(found[0], dict):
            return numpy.array([list(row.values()) for row in found])
        return found

    def names(self) -> Any:
        """The labels that the scores belong to: only an answer names them."""
        numpy = import_module("numpy")
        names = [each.name for each in self.inputs]
        if len(names) == 1:
            names = [str(n) for n in range(width(self.inputs[0]) or 1)]
        blank = "" if self.inputs[0].type == "tensor(string)" else 0.0
        row = {name: numpy.array([blank], object) for name in names}
        found = self.run(self.scores.name, row)
        return numpy.array(list(found[0]))


def load(payload: bytes, options: dict[str, Any]) -> Any:
    runtime = import_module("onnxruntime")
    settings = runtime.SessionOptions()
    settings.log_severity_level = 4
    settings.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    settings.inter_op_num_threads = 1
    try:
        session = runtime.InferenceSession(payload, settings, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise Unfit(reason(str(error))) from error
    if not session.get_inputs():
        raise Unfit("its graph has no input")
    kind = Classifier if split(session.get_outputs())[1] is not None else Graph
    model = kind(session, options.get("shape") or [])
    others = len(session.get_outputs()) - (2 if kind is Classifier else 1)
    if others > 0:
        NOTES.append(f"Of the graph's outputs {model.label.name!r} is taken for the answer.")
    return model


def reason(said: str) -> str:
    """What onnxruntime means."""
    if "xternal data" in said or "model_path must not be empty" in said:
        return (
            "its weights lie in another file (ONNX external data), and a model is judged as one "
            "file; save it whole: onnx.save(model, path, save_as_external_data=False)"
        )
    if "protobuf parsing failed" in said.lower():
        return "its bytes are no ONNX model, or it is cut off"
    return said.partition(" : FAIL : ")[2] or said


def split(outputs: list[Any]) -> tuple[Any, Any]:
    """The output that holds the answers, and the one with scores, if there is one beside labels."""
    labels = [each for each in outputs if each.type in LABELS and len(each.shape or []) <= 2]
    scores = [each for each in outputs if "float" in each.type or "double" in each.type]
    if labels and scores:
        return labels[0], scores[0]
    return outputs[0], None


def width(wanted: Any) -> int | None:
    """How many columns an input takes, None when any number."""
    sides = list(wanted.shape[1:])
    return prod(sides) if sides and all(isinstance(side, int) for side in sides) else None


def converted(wanted: Any, name: str, values: Any) -> Any:
    """One column in the input's own type."""
    numpy = import_module("numpy")
    kind = wanted.type.removeprefix("tensor(").removesuffix(")")
    if kind not in TYPES:
        raise Unfit(f"its input {wanted.name!r} is {wanted.type}, which no table holds")
    if kind == "string":
        return numpy.array(["" if item is None else str(item) for item in values], object)
    text = numpy.asarray(values).dtype.kind == "O" and any(isinstance(v, str) for v in values)
    if text:
        raise Unfit(f"the column {name!r} holds text, and the input {wanted.name!r} takes numbers")
    numbers = numpy.array(values, "float64" if "float" in kind or kind == "double" else None)
    if "int" in kind and numbers.dtype.kind == "f" and not numpy.isfinite(numbers).all():
        raise Unfit(f"the column {name!r} has missing values, and {wanted.name!r} takes integers")
    return numbers.astype(TYPES[kind])


def shaped(wanted: Any, columns: list[Any], shape: list[int]) -> Any:
    """All columns side by side, each row in the shape that the graph asks for."""
    numpy = import_module("numpy")
    matrix = numpy.column_stack(columns)
    sides = shape or list(wanted.shape[1:])
    if len(wanted.shape) == 1 and matrix.shape[1] == 1:
        return matrix[:, 0]
    if not all(isinstance(side, int) for side in sides):
        if len(sides) == 1:
            return matrix
        raise Unfit(
            f"its input {wanted.name!r} has the shape {wanted.shape}; say by model.shape what each "
            "row is, such as [1, 28, 28]"
        )
    if prod(sides) != matrix.shape[1]:
        raise Unfit(
            f"its input {wanted.name!r} takes {prod(sides)} columns, the data have "
            f"{matrix.shape[1]}; set data.ignore, or model.shape"
        )
    return matrix.reshape(-1, *sides)
