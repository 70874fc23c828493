"""Says what is wrong with a file before anybody loads it: empty, a pointer, cut off, misnamed.

Pure. The model adapters and the data collectors call it with the file's bytes and suffix. It proves
nothing good about a file: a hostile pickle is a well-formed pickle. What is compressed is not
unpacked here, so a cut in it shows only when the child reads it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Final

LFS_POINTER: Final = b"version https://git-lfs.github.com/spec/v1"
ANNEX_POINTER: Final = b"/annex/objects/"
HEAD_BYTES: Final = 4096
ZIP_END: Final = b"PK\x05\x06"
SAFETENSORS_HEADER: Final = 100_000_000  # bytes, the format's own bound
HEADER_READ: Final = 16 << 20  # bytes of it that are looked through here
ONNX_GRAPH: Final = 7  # the field of ModelProto that holds the graph
MOST_FIELDS: Final = 10_000
FIXED: Final = {1: 8, 5: 4}  # bytes by protobuf's wire type
ZIP_END_WITHIN: Final = 65_557  # the end record and the longest comment

PICKLE, ZIP, TEXT, PARQUET = "a pickle", "a zip archive", "text", "a Parquet file"
ONNX, SAFETENSORS = "an ONNX graph", "a safetensors file"
TORCH_MAGIC: Final = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"  # torch's format before archives
COMPRESSED: Final = {
    b"\x1f\x8b": "gzip data",
    b"BZh": "bzip2 data",
    b"\xfd7zXZ\x00": "xz data",
    b"\x04\x22\x4d\x18": "lz4 data",
    b"\x5d\x00\x00": "lzma data",
    b"x\x01": "zlib data",
    b"x\x5e": "zlib data",
    b"x\x9c": "zlib data",
    b"x\xda": "zlib data",
}
MAGIC: Final[Mapping[bytes, str]] = {
    b"PK\x03\x04": ZIP,
    b"PK\x05\x06": ZIP,
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"\x93NUMPY": "a numpy array",
    b"PAR1": PARQUET,
    b"ARROW1": "an Arrow file",
    b"\x7fELF": "a program",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    **COMPRESSED,
    **{bytes([0x80, protocol]): PICKLE for protocol in range(2, 6)},
}
PICKLED: Final = frozenset({PICKLE, *COMPRESSED.values()})
EXPECTED: Final[Mapping[str, frozenset[str]]] = {
    ".pkl": PICKLED,
    ".pickle": PICKLED,
    ".joblib": PICKLED,
    ".skops": frozenset({ZIP}),
    ".onnx": frozenset({ONNX}),
    ".safetensors": frozenset({SAFETENSORS}),
    ".npz": frozenset({ZIP}),
    ".npy": frozenset({"a numpy array"}),
    ".pt": frozenset({ZIP, PICKLE}),
    ".pth": frozenset({ZIP, PICKLE}),
    ".pt2": frozenset({ZIP}),
    ".ckpt": frozenset({ZIP, PICKLE}),
    ".h5": frozenset({"an HDF5 file"}),
    ".keras": frozenset({ZIP, "an HDF5 file"}),
    ".parquet": frozenset({PARQUET}),
    ".csv": frozenset({TEXT}),
    ".tsv": frozenset({TEXT}),
    ".json": frozenset({TEXT}),
}


def describe_bytes(payload: bytes, suffix: str) -> str | None:
    """One sentence about what is wrong with a file that ends in `suffix` (".pkl"), or None.

    An unknown suffix is judged only by what no file should be: empty, a pointer.
    """
    if not payload:
        return "The file is empty (0 bytes); it has to be written anew."
    if payload.startswith(LFS_POINTER):
        return (
            "The file is a Git LFS pointer, not the file itself: check it out with LFS "
            "(`git lfs pull`, or `lfs: true` for actions/checkout)."
        )
    if payload.startswith(ANNEX_POINTER):
        return (
            "The file is a git-annex pointer, not the file itself: fetch it with `git annex get`."
        )
    expected = EXPECTED.get(suffix.lower())
    if expected is None:
        return None
    kind = recognise(payload)
    if ONNX in expected and kind is None and payload[:1] == b"\x08":
        kind = ONNX  # its first field's tag, and what follows is looked at for its end
    if kind not in expected and not _old_pickle(payload, kind, expected):
        return (
            f"The file ends in {suffix} but is {kind or 'of no known kind'}; "
            f"expected {' or '.join(sorted(expected))}."
        )
    return _cut_off(payload, kind)


def recognise(payload: bytes) -> str | None:
    """What the bytes begin as: a name from MAGIC, "an HTML page", "text", or None."""
    for magic, kind in MAGIC.items():
        if payload.startswith(magic):
            return kind
    if payload[8:9] == b"{" and _tensors_end(payload) is not None:
        return SAFETENSORS
    head = payload[:HEAD_BYTES]
    if not _is_text(head):
        return None
    beginning = head.lstrip().lower()
    return "an HTML page" if beginning.startswith((b"<!doctype html", b"<html")) else TEXT


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return head.startswith((b"\xff\xfe", b"\xfe\xff"))  # UTF-16 says so first
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head)
    return control == 0


def _old_pickle(payload: bytes, kind: str | None, expected: frozenset[str]) -> bool:
    """Protocols 0 and 1 have no magic: they are told from text by their last opcode only."""
    return PICKLE in expected and kind in (TEXT, None) and payload.rstrip(b"\n").endswith(b".")


def _first_frame_fits(payload: bytes) -> bool:
    """Whether a pickle of protocol 4 or 5 holds the first frame that it announces.

    The last byte alone (STOP; joblib's raw arrays come before it) is right by chance once in 256.
    """
    frame = struct.Struct("<2xcQ")
    if payload[1] < 4 or len(payload) < frame.size:
        return True
    opcode, length = frame.unpack_from(payload)
    return bool(opcode != b"\x95" or len(payload) >= frame.size + length)


def _cut_off(payload: bytes, kind: str | None) -> str | None:
    complete = True
    if kind == PICKLE:
        complete = payload.endswith(b".") and _first_frame_fits(payload)
        complete = complete or TORCH_MAGIC in payload[:16]  # raw tensors follow; torch sees the end
    elif kind == ZIP:
        complete = ZIP_END in payload[-ZIP_END_WITHIN:]
    elif kind == ONNX:
        complete = _fields_fit(payload)
    elif kind == SAFETENSORS:
        complete = (_tensors_end(payload) or 0) <= len(payload)
    elif kind == PARQUET:
        complete = len(payload) > len(b"PAR1") * 2 and payload.endswith(b"PAR1")
    if complete:
        return None
    return f"The file is {kind} that is cut off after {len(payload)} bytes: its end is missing."


def _tensors_end(payload: bytes) -> int | None:
    """Where the last tensor of a safetensors file ends, by its header; None when it has none.

    The header is a length (u64) and that many bytes of JSON; a header that is cut off ends beyond.
    """
    size = int.from_bytes(payload[:8], "little")
    if not 2 <= size <= SAFETENSORS_HEADER:
        return None
    if len(payload) < 8 + size or size > HEADER_READ:
        return 8 + size
    try:
        entries = json.loads(payload[8 : 8 + size])
        ends = [each["data_offsets"][1] for name, each in entries.items() if name != "__metadata__"]
        return 8 + size + max([0, *map(int, ends)])
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return None


def _fields_fit(payload: bytes) -> bool:
    """Whether the outer fields of an ONNX file end where its bytes do, a graph among them."""
    at, seen = 0, False
    for _ in range(MOST_FIELDS):
        tag, at = _varint(payload, at)
        seen = seen or tag >> 3 == ONNX_GRAPH
        kind = tag & 7
        if kind in {0, 2}:
            value, at = _varint(payload, at)
            at += value if kind == 2 else 0
        elif kind in FIXED:
            at += FIXED[kind]
        else:
            return False
        if at >= len(payload):
            return at == len(payload) and seen
    return True  # more fields than any model has: for the runtime to judge


def _varint(payload: bytes, at: int) -> tuple[int, int]:
    """A number of 7 bits a byte, and where the next field begins; beyond the end when it is cut."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(payload):
            return 0, len(payload) + 1
        value |= (payload[at] & 0x7F) << shift
        at += 1
        if not payload[at - 1] & 0x80:
            return value, at
    return 0, len(payload) + 1
