"""A tar archive as a stream of entries, read once, front to back, in bounded memory.

Called by `bot.layers` with an image layer's uncompressed bytes. The standard library's reader
loads an extended header of any claimed size into memory; a layer is a stranger's bytes, so here
every header is bounded, and whatever another reader might understand differently is an error.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

BLOCK = tarfile.BLOCKSIZE
LARGEST_HEADER = 1 << 20  # bytes of one extended header
PIECE = 1 << 20
_ZERO = b"\0" * BLOCK
# Types whose size field says nothing: links, devices, directories and FIFOs carry no data.
_WITHOUT_DATA = frozenset(b"123456")


class TarError(Exception):
    """Bytes that are no tar archive, or one that readers disagree about. One sentence."""


class Kind(StrEnum):
    """What an entry is, as far as it matters."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"
    OTHER = "other"


_KINDS = {
    tarfile.REGTYPE: Kind.FILE,
    tarfile.AREGTYPE: Kind.FILE,
    tarfile.CONTTYPE: Kind.FILE,
    tarfile.DIRTYPE: Kind.DIRECTORY,
    tarfile.SYMTYPE: Kind.SYMLINK,
    tarfile.LNKTYPE: Kind.HARDLINK,
}


class Source(Protocol):
    """Anything that reads like a binary file."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; empty at the end."""


@dataclass(frozen=True)
class Entry:
    """One member. `name` and `target` are as written; `size` is the data's, in bytes."""

    name: str
    kind: Kind
    target: str
    size: int


class TarStream:
    """Iterate it for the entries; `data()` gives the current entry's bytes, if wanted."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._left = 0  # bytes of the current entry's data that were not read yet
        self._padding = 0

    def __iter__(self) -> Iterator[Entry]:
        extra: dict[str, str] = {}
        while (header := self._header()) is not None:
            self._begin(header.size if header.type[0] not in _WITHOUT_DATA else 0)
            if header.type == tarfile.XHDTYPE:
                extra = _both(extra, {"pax": "", **_pax(self._small())})
            elif header.type == tarfile.XGLTYPE:
                self._refuse_global(_pax(self._small()))
            elif header.type == tarfile.GNUTYPE_LONGNAME:
                extra = _both(extra, {"path": _text(self._small())})
            elif header.type == tarfile.GNUTYPE_LONGLINK:
                extra = _both(extra, {"linkpath": _text(self._small())})
            else:
                yield self._entry(header, extra)
                extra = {}

    def data(self) -> Iterator[bytes]:
        """The current entry's data, piece by piece."""
        while self._left:
            piece = self._read(min(PIECE, self._left))
            self._left -= len(piece)
            yield piece

    def _entry(self, header: tarfile.TarInfo, extra: dict[str, str]) -> Entry:
        if header.type == tarfile.GNUTYPE_SPARSE or any(k.startswith("GNU.sparse") for k in extra):
            raise TarError("it has sparse files, which readers unpack differently")
        if "size" in extra and header.type[0] not in _WITHOUT_DATA:
            self._begin(_whole(extra["size"]))
        kind = _KINDS.get(header.type, Kind.OTHER)
        name, target = extra.get("path", header.name), extra.get("linkpath", header.linkname)
        return Entry(name, kind, target, self._left)

    def _header(self) -> tarfile.TarInfo | None:
        """The next header; None at the end of the archive."""
        for _ in self.data():
            pass
        self._read(self._padding)
        self._padding = 0
        block = self._read(BLOCK, or_end=True)
        if block == _ZERO:
            if self._read(BLOCK, or_end=True) not in (_ZERO, b""):
                raise TarError("it goes on after a single empty block")
            return None
        return _parsed(block) if block else None

    def _begin(self, size: int) -> None:
        if size < 0:
            raise TarError("an entry has a negative size")
        self._left = size
        self._padding = -size % BLOCK

    def _small(self) -> bytes:
        if self._left > LARGEST_HEADER:
            raise TarError(f"an extended header is over {LARGEST_HEADER} bytes")
        return b"".join(self.data())

    def _read(self, size: int, *, or_end: bool = False) -> bytes:
        """Exactly `size` bytes; with `or_end` also none at all."""
        piece = b""
        while len(piece) < size:
            more = self._source.read(size - len(piece))
            if not more and or_end and not piece:
                return b""
            if not more:
                raise TarError("it ends in the middle of an entry")
            piece += more
        return piece

    @staticmethod
    def _refuse_global(values: dict[str, str]) -> None:
        if values.keys() & {"path", "linkpath", "size"}:
            raise TarError("it renames entries through a global header")


def _parsed(block: bytes) -> tarfile.TarInfo:
    """A header, as every reader understands it. Raises TarError where they would differ."""
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise TarError(f"a header is damaged ({error})") from error
    # Only POSIX headers have a name prefix; others keep times there, and star keeps both.
    posix = block[257:263] == b"ustar\0" and block[508:512] != b"tar\0"
    if not posix and any(block[345:500]):
        raise TarError("a header is of an old format with extensions")
    # The library turns a nameless type with a trailing slash into a directory before the
    # extended header is applied; others do it afterwards.
    if header.type != block[156:157] or header.type == tarfile.SOLARIS_XHDTYPE:
        raise TarError("a header is of an old format")
    return header


def _both(extra: dict[str, str], more: dict[str, str]) -> dict[str, str]:
    """Extended headers of one entry; two that say the same thing are read differently."""
    if extra.keys() & more.keys() or (extra and "pax" in {**extra, **more}):
        raise TarError("an entry has two extended headers for one thing")
    return extra | more


def _pax(payload: bytes) -> dict[str, str]:
    """`length key=value\\n` records."""
    values = {}
    while payload:
        length_text, _, _ = payload.partition(b" ")
        length = _whole(length_text[:20].decode("ascii", "replace"))
        record = payload[:length]
        key, equals, value = record[len(length_text) + 1 :].partition(b"=")
        if length < 5 or len(record) != length or not equals or not value.endswith(b"\n"):
            raise TarError("an extended header is damaged")
        if b"\0" in value or (value == b"\n" and key in (b"path", b"linkpath", b"size")):
            raise TarError("an extended header holds a zero byte, or nothing")
        values[key.decode("utf-8", "replace")] = value[:-1].decode("utf-8", "surrogateescape")
        payload = payload[length:]
    return values


def _text(payload: bytes) -> str:
    return payload.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise TarError("a number in an extended header is damaged")
    return int(text)
