"""Lists what a pickle would import if it were loaded, without loading it.

`look(payload)` takes the bytes of a .pkl, .joblib, .pt or .pth file: joblib's compression and raw
arrays, torch's zip archives and several pickles in one file are followed. Used by the security
check. Pure, and bounded in bytes and steps. Isolation, not this, is what protects: a walk can say
that a file reaches for what no model needs, never that a file is safe.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from checks.evidence.compressed import MAX_PLAIN, unpack
from checks.evidence.pickle_machine import Machine, Seen
from checks.evidence.pickle_names import Kind, classify
from checks.evidence.pickle_values import BrokenError, Name

MAX_STREAMS = 64
MAX_MEMBERS = 10_000
TORCH_STREAMS = 5  # torch's old format: five pickles, then raw tensors
TORCH_MAGIC = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"
# Imports as they are written, for the part of a stream that cannot be followed.
_WRITTEN = re.compile(
    rb"c([\w.]{1,80})\n([\w.]{1,80})\n"
    rb"|\x8c.([\w.]{2,80}?)(?:\x94|q.)?\x8c.([\w.]{2,80}?)(?:\x94|q.)?\x93",
    re.DOTALL,
)


@dataclass(frozen=True)
class Import:
    """One import: where it stands in the unpacked bytes, and whether loading would call it."""

    module: str
    name: str
    offset: int
    kind: Kind
    called: bool = False

    def __str__(self) -> str:
        return f"{self.module}.{self.name}".rstrip(".")


@dataclass(frozen=True)
class Pickles:
    """What was seen. `acts` are dangerous whatever they are about; `trouble` ended the walk."""

    imports: tuple[Import, ...]
    acts: tuple[str, ...] = ()
    trouble: str | None = None
    streams: int = 0

    def of(self, kind: Kind) -> tuple[Import, ...]:
        """The imports of one class."""
        return tuple(each for each in self.imports if each.kind is kind)

    @property
    def dangerous(self) -> bool:
        """Whether the file reaches for what no model needs."""
        return bool(self.acts or self.of(Kind.DANGEROUS))


def look(payload: bytes, limit: int = MAX_PLAIN) -> Pickles:
    """What loading these bytes as a pickle, with joblib or with torch would import and do."""
    if payload.startswith(b"PK\x03\x04"):
        return _archive(payload, limit)
    plain = unpack(payload, limit)
    found = _plain(plain.payload, plain.trouble)
    if plain.compressed and not found.streams:
        # It may begin like compressed data and be a pickle: `pickle.load` unpacks nothing.
        found = _join([found, _plain(payload, None)], found.trouble)
    return found


def _plain(data: bytes, trouble: str | None) -> Pickles:
    """All pickles of one file; twice where joblib's loader and Python's read it differently."""
    seen = Seen()
    streams, broken = _walk(data, seen, arrays=True)
    acts, kept = dict(seen.acts), {name: classify(name) for name in seen.names}
    offsets = dict(seen.names)
    if seen.arrays:
        other = Seen()
        _walk(data, other, arrays=False)
        for name, offset in other.names.items():
            if name not in kept and classify(name) is Kind.DANGEROUS:
                kept[name], offsets[name] = Kind.DANGEROUS, offset
    for name, offset in _suspects(data, broken):
        kept.setdefault(name, Kind.DANGEROUS)
        offsets.setdefault(name, offset)
    imports = tuple(
        Import(name.module, name.name, offsets[name], kind, name in seen.called)
        for name, kind in kept.items()
    )
    return Pickles(imports, tuple(acts), trouble or (str(broken) if broken else None), streams)


def _walk(data: bytes, seen: Seen, *, arrays: bool) -> tuple[int, BrokenError | None]:
    """Walks pickle after pickle; what follows the first one counts only when it is one."""
    position, streams = 0, 0
    is_torch = TORCH_MAGIC in data[:16]
    while streams < (TORCH_STREAMS if is_torch else MAX_STREAMS):
        attempt = Seen()
        try:
            position = Machine(data, position, attempt, arrays=arrays).run()
        except BrokenError as error:
            if streams and data[position : position + 1] != b"\x80":
                return streams, None  # something else than a pickle follows
            _add(seen, attempt)
            return streams, error
        _add(seen, attempt)
        streams += 1
        if position >= len(data):
            break
    return streams, None


def _add(seen: Seen, more: Seen) -> None:
    seen.names.update({name: at for name, at in more.names.items() if name not in seen.names})
    seen.acts.update({act: at for act, at in more.acts.items() if act not in seen.acts})
    seen.called |= more.called
    seen.arrays += more.arrays
    seen.persistent += more.persistent


def _suspects(data: bytes, broken: BrokenError | None) -> Iterator[tuple[Name, int]]:
    """Dangerous imports that are written in the part that could not be followed."""
    if broken is None:
        return
    for match in _WRITTEN.finditer(data, broken.offset):
        module, name = match[1] or match[3], match[2] or match[4]
        found = Name(module.decode("ascii", "replace"), name.decode("ascii", "replace"))
        if classify(found) is Kind.DANGEROUS and len(found.module) > 1:
            yield found, match.start()


def _archive(payload: bytes, limit: int) -> Pickles:
    """The pickles in a zip archive, as torch writes it; each member within the limit."""
    found, trouble = list[Pickles](), None
    try:
        with zipfile.ZipFile(BytesIO(payload)) as archive:
            members = archive.infolist()[:MAX_MEMBERS]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        return Pickles((), (), f"unreadable from byte 0: {error}")
    for member in members:
        if not member.filename.endswith((".pkl", ".pickle")):
            continue
        try:
            found.append(_plain(_member(payload, member, limit), None))
        except (struct.error, zlib.error, ValueError) as error:
            trouble = f"{member.filename[:100]} is unreadable from byte 0: {error}"
    return _join(found, trouble)


def _member(payload: bytes, member: zipfile.ZipInfo, limit: int) -> bytes:
    """A member's bytes, whatever its checksum and flags say: torch does not look at them either."""
    name, extra = struct.unpack_from("<HH", payload, member.header_offset + 26)
    start = member.header_offset + 30 + name + extra
    piece = payload[start : start + member.compress_size]
    if member.compress_type == zipfile.ZIP_STORED:
        return piece[:limit]
    if member.compress_type != zipfile.ZIP_DEFLATED:
        raise ValueError("a kind of compression that torch does not write")
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(piece, limit)


def _join(found: list[Pickles], trouble: str | None) -> Pickles:
    imports = {(each.module, each.name): each for one in found for each in one.imports}
    acts = dict.fromkeys(act for one in found for act in one.acts)
    troubles = [one.trouble for one in found if one.trouble]
    return Pickles(
        tuple(imports.values()),
        tuple(acts),
        trouble or (troubles[0] if troubles else None),
        sum(one.streams for one in found),
    )
