"""The frames between parent and child: a JSON header and raw little-endian arrays, never pickle.

Pure. `checks/sandbox/child.py` holds its own half of this, since it imports none of our packages;
a test compares the two. Every length is checked against what really came: the sender is hostile.

A frame is magic, header length (u32), body length (u64), header (UTF-8 JSON), body. An array in a
header is `{"kind", "shape"}` and its bytes follow in the body, in order. A "str" array is
n + 1 offsets (i8), n bytes that say which are present, and the UTF-8 text (`bytes` long).
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from checks.sandbox.table import Array, Column, ColumnKind, Table

Json = Any
MAGIC: Final = b"HPT1"
PREFIX: Final = struct.Struct("<4sIQ")
HEADER_LIMIT: Final = 8 << 20  # bytes
DIMENSIONS_LIMIT: Final = 2
SIDE_LIMIT: Final = 1 << 31  # rows or columns
DTYPES: Final[Mapping[str, str]] = {"f8": "<f8", "i8": "<i8", "b1": "|b1"}
KINDS: Final[Mapping[ColumnKind, str]] = {"float": "f8", "int": "i8", "bool": "b1", "str": "str"}
COLUMN_KINDS: Final[Mapping[str, ColumnKind]] = {code: kind for kind, code in KINDS.items()}


class Malformed(ValueError):  # noqa: N818 - says what the frame is
    """What was received is no frame of ours; the message says which rule it breaks."""


@dataclass(frozen=True)
class Frame:
    """One message. `body` holds the arrays that `header` describes."""

    header: Mapping[str, Json]
    body: bytes | bytearray = b""


def pack(header: Mapping[str, Json], parts: Sequence[bytes] = ()) -> list[bytes]:
    """The buffers to write, in order, without copying the parts."""
    text = json.dumps(header, separators=(",", ":")).encode()
    return [PREFIX.pack(MAGIC, len(text), sum(map(len, parts))) + text, *parts]


def unpack_prefix(prefix: bytes, body_limit: int) -> tuple[int, int]:
    """(header length, body length), refused where over the limits."""
    magic, header_length, body_length = PREFIX.unpack(prefix)
    if magic != MAGIC:
        raise Malformed("the frame does not begin as one")
    if header_length > HEADER_LIMIT or body_length > body_limit:
        raise Malformed(
            f"the frame announces {header_length} + {body_length} bytes, over the limit"
        )
    return header_length, body_length


def unpack_header(text: bytes) -> Mapping[str, Json]:
    """The header's JSON object; NaN, Infinity and anything but an object are refused."""
    try:
        header = json.loads(text.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed("the frame's header is no JSON") from error
    if not isinstance(header, dict):
        raise Malformed("the frame's header is no JSON object")
    return header


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def encode_array(values: Array) -> tuple[dict[str, Json], list[bytes]]:
    """A plain array's header and bytes; TypeError for a dtype that does not cross."""
    codes = {"f": "f8", "i": "i8", "u": "i8", "b": "b1"}
    if values.dtype.kind in "OU":
        return _encode_text(values)
    if values.dtype.kind not in codes:
        raise TypeError(f"an array of {values.dtype} does not cross to the child")
    code = codes[values.dtype.kind]
    return {"kind": code, "shape": list(values.shape)}, [values.astype(DTYPES[code]).tobytes()]


def _encode_text(values: Array) -> tuple[dict[str, Json], list[bytes]]:
    flat = values.ravel().tolist()
    pieces = [b"" if item is None else str(item).encode(errors="replace") for item in flat]
    offsets = np.zeros(len(pieces) + 1, "<i8")
    np.cumsum([len(piece) for piece in pieces], out=offsets[1:])
    present = np.array([item is not None for item in flat], "|b1")
    text = b"".join(pieces)
    header = {"kind": "str", "shape": list(values.shape), "bytes": len(text)}
    return header, [offsets.tobytes(), present.tobytes(), text]


def encode_table(table: Table) -> tuple[list[dict[str, Json]], list[bytes]]:
    """The columns' headers and all their bytes."""
    headers: list[dict[str, Json]] = []
    parts: list[bytes] = []
    for column in table.columns:
        header, pieces = encode_array(column.values)
        headers.append({"name": column.name, **header})
        parts += pieces
    return headers, parts


class Reader:
    """Takes arrays off a body in order, and believes no length that the header claims."""

    def __init__(self, body: bytes | bytearray) -> None:
        self._body = memoryview(body)
        self._at = 0

    def array(self, spec: Json) -> Array:
        """The next array as `spec` describes it; raises Malformed."""
        if not isinstance(spec, dict):
            raise Malformed("an array's description is no object")
        shape = _shape(spec.get("shape"))
        count = math.prod(shape)
        if spec.get("kind") == "str":
            return self._text(count, spec.get("bytes")).reshape(shape)
        dtype = DTYPES.get(str(spec.get("kind")))
        if dtype is None:
            raise Malformed(f"an array of kind {str(spec.get('kind'))[:20]!r} is not a plain one")
        if dtype == "|b1":  # compared, not viewed: other bytes than 0 and 1 would be undefined
            truths: Array = self._numbers("|u1", count) != 0
            return truths.reshape(shape)
        return self._numbers(dtype, count).reshape(shape)

    def table(self, specs: Json) -> Table:
        """The columns that `specs` describes; raises Malformed."""
        if not isinstance(specs, list):
            raise Malformed("a table's description is no list")
        columns = tuple(self._column(spec) for spec in specs)
        if len({column.values.shape for column in columns}) > 1:
            raise Malformed("the columns differ in length")
        return Table(columns)

    def finish(self) -> None:
        """Raises Malformed when bytes are left over."""
        if self._at != len(self._body):
            raise Malformed("the frame holds more bytes than it describes")

    def _column(self, spec: Json) -> Column:
        values = self.array(spec)
        if values.ndim != 1 or not isinstance(spec.get("name"), str):
            raise Malformed("a column needs a name and one dimension")
        return Column(spec["name"], COLUMN_KINDS[spec["kind"]], values)

    def _take(self, size: int) -> memoryview:
        if size > len(self._body) - self._at:
            raise Malformed("the frame holds fewer bytes than it describes")
        piece = self._body[self._at : self._at + size]
        self._at += size
        return piece

    def _numbers(self, dtype: str, count: int) -> Array:
        return np.frombuffer(self._take(count * np.dtype(dtype).itemsize), dtype).copy()

    def _text(self, count: int, size: Json) -> Array:
        offsets = self._numbers("<i8", count + 1)
        present = self._numbers("|u1", count)
        if (
            not _whole(size)
            or offsets[0] != 0
            or offsets[-1] != size
            or (offsets[1:] < offsets[:-1]).any()
        ):
            raise Malformed("a text array's offsets do not fit its bytes")
        text = bytes(self._take(size))
        values = np.empty(count, object)
        values[:] = list(_strings(text, offsets.tolist(), present.tolist()))
        return values


def _strings(text: bytes, offsets: list[int], present: list[int]) -> Iterator[str | None]:
    for index, there in enumerate(present):
        try:
            yield text[offsets[index] : offsets[index + 1]].decode() if there else None
        except UnicodeDecodeError as error:
            raise Malformed("a text is no UTF-8") from error


def _whole(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _shape(value: Json) -> tuple[int, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= DIMENSIONS_LIMIT:
        raise Malformed("an array's shape needs one or two dimensions")
    if not all(_whole(size) and size <= SIDE_LIMIT for size in value):
        raise Malformed("an array's shape is made of whole numbers, none of them huge")
    return tuple(value)
