"""The frames: what parent and child agree on, and that no bytes at all can break the parent."""

from __future__ import annotations

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.sandbox import Column, Table, child, session, wire
from checks.sandbox.wire import Malformed, Reader, encode_table, pack, unpack_header, unpack_prefix

TEXTS = st.lists(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]))))
SPECS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.fixed_dictionaries(
            {"kind": st.sampled_from(["f8", "i8", "b1", "str", "O"]), "shape": inner},
            optional={"bytes": st.integers(-9, 99), "name": st.text(max_size=3)},
        ),
    ),
)


def test_both_halves_agree() -> None:
    assert (child.MAGIC, child.PREFIX.format) == (wire.MAGIC, wire.PREFIX.format)
    assert (child.HEADER_LIMIT, child.DTYPES) == (wire.HEADER_LIMIT, wire.DTYPES)
    assert child.OUTPUTS == session.METHODS


@given(TEXTS, st.data())
def test_a_table_survives_the_way_to_the_child(
    texts: list[str | None], data: st.DataObject
) -> None:
    rows = len(texts)
    floats = data.draw(st.lists(st.floats(), min_size=rows, max_size=rows))
    values = np.empty(rows, object)
    values[:] = texts
    table = Table(
        (
            Column("text", "str", values),
            Column("number", "float", np.array(floats, dtype=float)),
            Column("whole", "int", np.arange(rows)),
            Column("truth", "bool", np.arange(rows) % 2 == 0),
        )
    )
    specs, parts = encode_table(table)
    body = bytearray(b"".join(parts))
    there = {name: list(values) for name, _, values in child.decode_columns(specs, body)}
    assert there["text"] == texts
    np.testing.assert_array_equal(there["number"], floats)
    reader = Reader(body)
    back = reader.table(specs)
    reader.finish()
    for column, original in zip(back.columns, table.columns, strict=True):
        assert (column.name, column.kind) == (original.name, original.kind)
        np.testing.assert_array_equal(column.values, original.values)


@given(SPECS, st.binary(max_size=64))
def test_no_description_and_no_bytes_break_the_parent(spec: object, body: bytes) -> None:
    for decode in (Reader(body).array, Reader(body).table):
        with contextlib.suppress(Malformed):  # any other exception fails the test
            decode(json.loads(json.dumps(spec)))


@given(st.binary(max_size=64))
def test_a_header_is_an_object_or_malformed(text: bytes) -> None:
    with contextlib.suppress(Malformed):
        assert isinstance(unpack_header(text), dict)


def test_a_frame_says_its_lengths() -> None:
    first, *rest = pack({"a": 1}, [b"xyz"])
    size = wire.PREFIX.size
    assert unpack_prefix(first[:size], 10) == (len(first) - size, 3)
    assert rest == [b"xyz"]
    with pytest.raises(Malformed, match="over the limit"):
        unpack_prefix(first[:size], 2)


def test_offsets_that_go_back_are_malformed() -> None:
    offsets = np.array([0, 3, 1, 3], "<i8").tobytes()
    spec = {"kind": "str", "shape": [3], "bytes": 3}
    with pytest.raises(Malformed, match="offsets"):
        Reader(offsets + b"\1\1\1" + b"abc").array(spec)


def test_what_does_not_cross_is_refused_before_it_is_sent() -> None:
    with pytest.raises(TypeError, match="complex128"):
        wire.encode_array(np.array([1j]))
