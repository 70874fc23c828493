"""Data files of every format come back as the same plain columns; what is none, as a sentence."""

from __future__ import annotations

import io
import json
import os
import sys
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from checks.sandbox import DataSession, Limits, ModelFailed, Table, scripts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OWN = Path(sys.executable)
WHOLE = pd.DataFrame(
    {
        "whole": [1, 2, 3],
        "number": [0.5, np.nan, 2.0],
        "text": ["a, b", None, "größe"],
        "truth": [True, False, True],
        "gaps": pd.array([1, None, 3], "Int64"),
        "maybe": pd.array([True, None, False], "boolean"),
        "kind": pd.Categorical(["x", "y", None]),
        "code": pd.Categorical([1, 2, None]),
        "day": pd.Series(["2020-01-01", None, "2020-01-03"], dtype=object),
    }
)
COLUMNS = {
    "whole": ("int", [1, 2, 3]),
    "number": ("float", [0.5, None, 2.0]),
    "text": ("str", ["a, b", None, "größe"]),
    "truth": ("bool", [True, False, True]),
    "gaps": ("float", [1.0, None, 3.0]),
    "maybe": ("str", ["True", None, "False"]),
    "kind": ("str", ["x", "y", None]),
    "code": ("float", [1.0, 2.0, None]),
    "day": ("str", ["2020-01-01", None, "2020-01-03"]),
}


def stream(table: pa.Table) -> bytes:
    """Arrow's stream format."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def archive(**arrays: object) -> bytes:
    """A numpy archive."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type] # arrays, objects among them
    return buffer.getvalue()


def written(write: Callable[[pa.Table, io.BytesIO], object], table: pa.Table) -> bytes:
    """What a writer of pyarrow makes of a table."""
    buffer = io.BytesIO()
    write(table, buffer)
    return buffer.getvalue()


def lines(*rows: object) -> bytes:
    """JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


TABLE = pa.Table.from_pandas(WHOLE)
TEXT = WHOLE.to_csv(index=False)
NESTED = pa.table({"a": [1], "b": [[1, 2]]})
DATES = pa.table(
    {"at": pa.array([0, None], pa.timestamp("s")), "cost": [Decimal("1.00"), Decimal("2.00")]}
)
TWICE = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
GOOD = {
    "plain.csv": TEXT.encode(),
    "marked.csv": TEXT.encode("utf-8-sig"),
    "utf16.csv": TEXT.encode("utf-16"),
    "windows.csv": TEXT.encode("cp1252"),
    "european.csv": WHOLE.to_csv(index=False, sep=";", decimal=",").encode(),
    "tabs.tsv": WHOLE.to_csv(index=False, sep="\t").encode(),
    "crlf.csv": TEXT.replace("\n", "\r\n").encode(),
    "a.parquet": written(parquet.write_table, TABLE),
    "a.feather": written(feather.write_feather, TABLE),
    "a.arrow": stream(TABLE),
    "a.jsonl": WHOLE.to_json(orient="records", lines=True).encode(),
}
BAD = {
    "empty.csv": (b"\n\n", "No columns"),
    "ragged.csv": (b"a,b\n1,2\n1,2,3,4\n", "ParserError"),
    "twice.csv": (b"a,b,a\n1,2,3\n", "two of its columns are called 'a'"),
    "wide.csv": (",".join(f"c{n}" for n in range(10_001)).encode() + b"\n1\n", "10001 columns"),
    "late.csv": (b"a\n" + b"x\n" * 600_000 + b"\xff\n", "no utf-8-sig text"),
    "cut.parquet": (GOOD["a.parquet"][:-20], "pyarrow cannot read it"),
    "nested.parquet": (written(parquet.write_table, NESTED), "column 'b' holds list"),
    "twice.parquet": (written(parquet.write_table, TWICE), "two of its columns"),
    "nested.arrow": (stream(NESTED), "column 'b' holds list"),
    "no.arrow": (b"nothing of the kind", "pyarrow cannot read it"),
    "old.feather": (b"FEA1" + bytes(60), "Feather version 1"),
    "array.jsonl": (b"[1, 2]\n", "line 1 is no object"),
    "no.jsonl": (b'{"a": 1}\n{"a": \n', "line 2 is not JSON"),
    "nested.jsonl": (lines({"a": {"b": 1}}), "column 'a' holds a dict"),
    "listed.jsonl": (lines({"a": 1}, {"a": [1]}), "column 'a' holds a list"),
    "objects.npz": (archive(a=np.array([{}], object)), "pickled objects, which are never read"),
    "deep.npz": (archive(X=np.zeros((2, 2, 2)), y=np.zeros(2)), "has 3 dimensions"),
    "uneven.npz": (archive(a=np.zeros(2), b=np.zeros(3)), "different lengths ([2, 3])"),
    "complex.npz": (archive(a=np.zeros(2, complex)), "holds complex128"),
    "no.npz": (b"PK nothing of the kind", "its archive is broken"),
}
OTHERS = {
    "arrays.npz": archive(X=np.arange(6.0).reshape(3, 2), y=np.array(["p", "n", "p"])),
    "named.npz": archive(
        X=np.arange(4).reshape(2, 2), y=np.array([0, 1]), feature_names=np.array(["a", "b"])
    ),
    "columns.npz": archive(age=np.array([1, 2]), name=np.array([b"a", b"b"])),
    "late.jsonl": lines({"a": 1}, {"a": 2, "b": "x"}),
    "header.csv": b"a,b\n",
    "dates.parquet": written(parquet.write_table, DATES),
}


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Table]]:
    """Reads a file by its name; all by one child, which is what a failure must leave alive."""
    folder = tmp_path_factory.mktemp("data")
    payloads = {**GOOD, **OTHERS, **{name: payload for name, (payload, _) in BAD.items()}}
    opened = {}
    for name, payload in payloads.items():
        (folder / name).write_bytes(payload)
        opened[name] = os.open(folder / name, os.O_RDONLY)
    try:
        limits = Limits(cpu_s=300)
        with DataSession(OWN, limits=limits, files=tuple(opened.values())) as session:

            def reading(name: str) -> Table:
                known = scripts.formats()[Path(name).suffix]
                (table,) = session.batches(opened[name], known)
                return table

            yield reading
    finally:
        for descriptor in opened.values():
            os.close(descriptor)


def plain(table: Table) -> dict[str, tuple[str, list[object]]]:
    """A table's columns with None for what is missing."""
    return {
        each.name: (
            each.kind,
            [None if value != value else value for value in each.values.tolist()],  # noqa: PLR0124 - NaN
        )
        for each in table.columns
    }


@pytest.mark.parametrize("name", GOOD)
def test_every_format_gives_the_same_columns(read: Callable[[str], Table], name: str) -> None:
    assert plain(read(name)) == COLUMNS


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        (
            "arrays.npz",
            {
                "x0": ("float", [0.0, 2.0, 4.0]),
                "x1": ("float", [1.0, 3.0, 5.0]),
                "y": ("str", ["p", "n", "p"]),
            },
        ),
        ("named.npz", {"a": ("int", [0, 2]), "b": ("int", [1, 3]), "y": ("int", [0, 1])}),
        ("columns.npz", {"age": ("int", [1, 2]), "name": ("str", ["a", "b"])}),
        ("late.jsonl", {"a": ("int", [1, 2]), "b": ("str", [None, "x"])}),
        (
            "dates.parquet",
            {"at": ("str", ["1970-01-01 00:00:00", None]), "cost": ("float", [1.0, 2.0])},
        ),
        ("header.csv", {"a": ("float", []), "b": ("float", [])}),
    ],
)
def test_what_only_one_format_has(
    read: Callable[[str], Table], name: str, columns: dict[str, tuple[str, list[object]]]
) -> None:
    assert plain(read(name)) == columns


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_table_is_refused_with_a_sentence(
    read: Callable[[str], Table], name: str
) -> None:
    with pytest.raises(ModelFailed, match="The data file") as caught:
        read(name)
    assert BAD[name][1] in caught.value.sentence
    assert "\n" not in caught.value.sentence
    assert plain(read("a" + Path(name).suffix if name[-3:] not in {"csv", "npz"} else "plain.csv"))


def giant_text() -> bytes:
    """A Parquet file of some kilobytes whose column unpacks to ten terabytes."""
    text = pa.array(["x" * (10 << 20)])
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(1_000_000, np.int32)), text)
    buffer = io.BytesIO()
    table = pa.table({"a": column})
    parquet.write_table(table, buffer, compression="zstd", store_schema=False)
    return buffer.getvalue()


def huge_header() -> bytes:
    """An archive whose array claims eight terabytes and holds none."""
    buffer = io.BytesIO()
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }\n"
    with zipfile.ZipFile(buffer, "w") as found:
        found.writestr("a.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "payload", "honest"),
    [
        ("bomb.csv", b"," * (32 << 20), "plain.csv"),
        ("bomb.parquet", giant_text(), "a.parquet"),
        ("bomb.npz", huge_header(), "arrays.npz"),
        ("bomb.jsonl", b'{"a": ' + b"[" * (3 << 20) + b"\n", "a.jsonl"),
    ],
    ids=["csv", "parquet", "npz", "jsonl"],
)
def test_m6_a_bomb_ends_within_the_limits(
    tmp_path: Path, name: str, payload: bytes, honest: str
) -> None:
    (tmp_path / "honest").write_bytes({**GOOD, **OTHERS}[honest])
    (tmp_path / name).write_bytes(payload)
    files = [os.open(tmp_path / each, os.O_RDONLY) for each in ("honest", name)]
    limits = Limits(wall_s=110, cpu_s=60, memory_bytes=2 << 30)
    known = scripts.formats()[Path(name).suffix]
    try:
        with DataSession(OWN, limits=limits, files=tuple(files)) as session:
            assert [table.rows for table in session.batches(files[0], known)] == [3]
            with pytest.raises(ModelFailed, match=r"[Tt]he data file"):
                list(session.batches(files[1], known))
            assert session.peak_rss_bytes() < limits.memory_bytes
    finally:
        for descriptor in files:
            os.close(descriptor)


def test_the_formats_are_what_the_parsers_say() -> None:
    found = scripts.formats()
    assert set(found.values()) == set(scripts.names(scripts.PARSERS))
    assert {Path(name).suffix for name in (*GOOD, *OTHERS)} <= set(found)
