"""ONNX graphs: external data stays outside (fault M4), and inputs of many shapes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from checks import models
from checks.sandbox import ModelFailed, ModelSession, Table, column_of
from tests.checks.libraries import need

onnx = need("onnx")
need("onnxruntime")
OWN = Path(sys.executable)
ADAPTER = models.find("x.onnx", None)
MATRIX = np.arange(8, dtype=float).reshape(4, 2)
TABLE = Table((column_of("a", MATRIX[:, 0]), column_of("b", MATRIX[:, 1])))


def graph(inputs: list[tuple[str, list[object]]], nodes: list[object], weights: object) -> bytes:
    """A graph of float inputs with one output `y`."""
    kind = onnx.TensorProto.FLOAT
    made = onnx.helper.make_graph(
        nodes,
        "g",
        [onnx.helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs],
        [onnx.helper.make_tensor_value_info("y", kind, None)],
        [weights] if weights is not None else [],
    )
    opset = [onnx.helper.make_opsetid("", 17)]
    found: bytes = onnx.helper.make_model(
        made, opset_imports=opset, ir_version=9
    ).SerializeToString()
    return found


def outside(location: str) -> bytes:
    """A graph whose weights lie in another file."""
    weights = onnx.TensorProto(name="w", data_type=onnx.TensorProto.FLOAT, dims=[2, 2])
    weights.data_location = onnx.TensorProto.EXTERNAL
    weights.external_data.add(key="location", value=location)
    nodes = [onnx.helper.make_node("MatMul", ["x", "w"], ["y"])]
    return graph([("x", [None, 2])], nodes, weights)


def answer(payload: bytes, table: Table = TABLE, **options: object) -> np.ndarray:
    """What the graph answers in the sandbox."""
    with ModelSession(OWN) as session:
        assert session.warning is None
        session.load(payload, ADAPTER.loader, {**ADAPTER.options(), **options})
        return session.predict(table).values


def test_m4_external_data_is_refused_wherever_it_points(tmp_path: Path) -> None:
    real = tmp_path / "weights.bin"
    real.write_bytes(np.eye(2, dtype=np.float32).tobytes())
    (tmp_path / "link").symlink_to(real)
    os.link(real, tmp_path / "hard")
    os.mkfifo(tmp_path / "fifo")
    up = "../" * 12
    places = [
        f"{up}{real}",
        str(real),
        f"{up}{tmp_path}/link",
        f"{up}{tmp_path}/hard",
        f"{up}{tmp_path}/fifo",
        "/proc/self/environ",
        "weights.bin",
    ]
    with ModelSession(OWN) as session:
        for place in places:
            with pytest.raises(ModelFailed, match="its weights lie in another file"):
                session.load(outside(place), ADAPTER.loader, ADAPTER.options())


def test_m4_positive_control_the_same_graph_reads_a_file_where_it_may(tmp_path: Path) -> None:
    import onnxruntime  # noqa: PLC0415 - a library of one format

    (tmp_path / "weights.bin").write_bytes(np.eye(2, dtype=np.float32).tobytes())
    (tmp_path / "m.onnx").write_bytes(outside("weights.bin"))
    session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"))
    found = session.run(None, {"x": MATRIX.astype(np.float32)})[0]
    np.testing.assert_array_equal(found, MATRIX)


def test_a_fixed_number_of_rows_is_asked_piece_by_piece() -> None:
    nodes = [onnx.helper.make_node("Neg", ["x"], ["y"])]
    np.testing.assert_array_equal(answer(graph([("x", [1, 2])], nodes, None)), -MATRIX)
    np.testing.assert_array_equal(answer(graph([("x", [3, 2])], nodes, None)), -MATRIX)


def test_rows_are_given_the_shape_that_the_graph_asks_for() -> None:
    nodes = [onnx.helper.make_node("Flatten", ["x"], ["y"])]
    np.testing.assert_array_equal(answer(graph([("x", [None, 1, 2])], nodes, None)), MATRIX)
    free = graph([("x", [None, "h", "w"])], nodes, None)
    np.testing.assert_array_equal(answer(free, shape=[2, 1]), MATRIX)
    with pytest.raises(ModelFailed, match=r"model.shape"):
        answer(free)
    with pytest.raises(ModelFailed, match="takes 3 columns, the data have 2"):
        answer(graph([("x", [None, 3])], nodes, None))


def test_columns_go_to_inputs_by_their_names() -> None:
    nodes = [onnx.helper.make_node("Sub", ["a", "b"], ["y"])]
    payload = graph([("b", [None, 1]), ("a", [None, 1])], nodes, None)
    np.testing.assert_array_equal(answer(payload)[:, 0], MATRIX[:, 0] - MATRIX[:, 1])
