"""What lies below a model file's compression: joblib's zlib, gzip, bzip2, xz, lzma and lz4.

Pure. Used by the readers of model files. At most `limit` bytes are made, and what is intact before
a break is kept, because a loader would have acted on it. lz4 frames are read here, so that nobody
needs the package to have a file looked at; its checksums are not compared (source: the LZ4 frame
format, version 1.6.4).
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

MAX_PLAIN = 1 << 30  # bytes of a decompressed model that are looked at
LZMA_MEMORY = 256 << 20
CHUNK = 1 << 20
OLD_JOBLIB_HEADER = 21  # b"ZF" and a length in 19 characters (joblib before 0.9.3)


@dataclass(frozen=True)
class Plain:
    """The bytes, and in words why they end early."""

    payload: bytes
    trouble: str | None = None
    compressed: bool = True


class _Decoder(Protocol):
    """What Python's decompressors share."""

    @property
    def eof(self) -> bool:
        """Whether the compressed stream has ended."""

    @property
    def unused_data(self) -> bytes:
        """What follows it: loaders take a second stream for the first one's continuation."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """The next bytes, at most `max_length`."""


def unpack(payload: bytes, limit: int = MAX_PLAIN) -> Plain:  # noqa: PLR0911 - one return a format reads as the table that it is
    """The bytes below one layer of compression; the payload itself when it is not compressed."""
    head = payload[:6]
    if head.startswith(b"\x1f\x8b"):
        return _drain(partial(zlib.decompressobj, zlib.MAX_WBITS | 16), payload, limit)
    if head[:1] == b"\x78":
        return _drain(zlib.decompressobj, payload, limit)
    if head.startswith(b"ZF0x"):
        start = OLD_JOBLIB_HEADER + (payload[OLD_JOBLIB_HEADER : OLD_JOBLIB_HEADER + 1] == b" ")
        return _drain(zlib.decompressobj, payload[start:], limit)
    if head.startswith(b"BZh"):
        return _drain(bz2.BZ2Decompressor, payload, limit)
    if head.startswith((b"\xfd7zXZ", b"]\x00")):
        return _drain(partial(lzma.LZMADecompressor, memlimit=LZMA_MEMORY), payload, limit)
    if head.startswith(b"\x04\x22\x4d\x18"):
        return _lz4_frame(payload, limit)
    return Plain(payload[:limit], None if len(payload) <= limit else _too_long(limit), False)


def _too_long(limit: int) -> str:
    return f"more than {limit >> 20} MiB when unpacked"


def _drain(make: Callable[[], _Decoder], payload: bytes, limit: int) -> Plain:
    """Unpacks piece by piece, so that what comes before a break is kept."""
    made = bytearray()
    decoder, position = make(), 0
    try:
        while position < len(payload):
            made += decoder.decompress(payload[position : position + CHUNK], limit - len(made))
            if len(made) >= limit:
                return Plain(bytes(made), _too_long(limit))
            position += CHUNK
            if decoder.eof:
                position = min(position, len(payload)) - len(decoder.unused_data)
                decoder = make() if position < len(payload) else decoder
    except (OSError, ValueError, EOFError, zlib.error, lzma.LZMAError) as error:
        return Plain(bytes(made), f"the compression is broken: {error}")
    return Plain(bytes(made), None if decoder.eof else "the compressed data are cut off")


def _lz4_frame(payload: bytes, limit: int) -> Plain:
    made = bytearray()
    try:
        flags = payload[4]
        position = 7 + (8 if flags & 0x08 else 0) + (4 if flags & 0x01 else 0)
        while len(made) < limit:
            (size,) = struct.unpack_from("<I", payload, position)
            position += 4
            if size == 0:
                return Plain(bytes(made))
            length = size & 0x7FFFFFFF
            block = payload[position : position + length]
            if len(block) < length:
                raise IndexError
            if size & 0x80000000:
                made += block[: limit - len(made)]
            else:
                _lz4_block(block, made, limit)
            position += length + (4 if flags & 0x10 else 0)
    except (IndexError, struct.error):
        return Plain(bytes(made), "the lz4 data are cut off or broken")
    return Plain(bytes(made), _too_long(limit))


def _lz4_block(block: bytes, made: bytearray, limit: int) -> None:
    """Appends one block's bytes. Raises IndexError when the block is broken."""
    position = 0
    while position < len(block):
        token = block[position]
        length, position = _lz4_length(block, position + 1, token >> 4)
        if len(made) + length > limit:
            raise IndexError
        made += block[position : position + length]
        position += length
        if position >= len(block):
            return
        distance = block[position] | block[position + 1] << 8
        length, position = _lz4_length(block, position + 2, token & 15)
        length += 4
        if not 0 < distance <= len(made) or len(made) + length > limit:
            raise IndexError
        start = len(made) - distance
        pattern = bytes(made[start:])
        made += (pattern * (length // distance + 1))[:length]


def _lz4_length(block: bytes, position: int, length: int) -> tuple[int, int]:
    if length == 15:
        more = 255
        while more == 255:
            more = block[position]
            length += more
            position += 1
    return length, position
