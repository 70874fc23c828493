"""Which bytes stand at one path of an image, found by laying its layers over one another.

Called by `bot.registry` with each layer's uncompressed stream, lowest first. Later entries win,
whiteouts take away. A container runtime follows links that lie in the way while it unpacks, so a
judged file could be swapped through one; any layer that could do so is refused, as is a model
path that is a link itself or lies behind one.
"""

from __future__ import annotations

import hashlib
import posixpath
from itertools import pairwise
from typing import TYPE_CHECKING

from bot.tarstream import Entry, Kind, TarError, TarStream

if TYPE_CHECKING:
    from bot.tarstream import Source

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
MOST_ENTRIES = 2_000_000
MOST_LINKS = 200_000
HOPS = 40  # as many links as Linux follows in one path


class PathFinder:
    """Watches one absolute path while layers are added. Raises TarError for what it must refuse."""

    def __init__(self, path: str) -> None:
        self._path = _clean(path)
        self._above = frozenset(_ancestors(self._path))
        self._links: dict[str, set[str]] = {}  # every link seen in any layer, even if removed later
        self._unclear: set[str] = set()  # links of which reading alone does not tell the end
        self._entries = 0
        self._digest: str | None = None
        self._layer = 0
        self._digest_layer = 0

    @property
    def digest(self) -> str | None:
        """`sha256:<hex>` of the file at the path; None where there is none."""
        return self._digest

    def add(self, layer: Source) -> None:
        """Lays one uncompressed layer over those before it."""
        self._layer += 1
        stream = TarStream(layer)
        for entry in stream:
            self._entries += 1
            if self._entries > MOST_ENTRIES:
                raise TarError(f"the image has over {MOST_ENTRIES:,} entries")
            self._lay(entry, _absolute(entry.name), stream)

    def _lay(self, entry: Entry, path: str, stream: TarStream) -> None:
        name = posixpath.basename(path)
        if name == OPAQUE:
            self._clear(posixpath.dirname(path))
            return
        if name.startswith(WHITEOUT):
            self._remove(posixpath.join(posixpath.dirname(path), name.removeprefix(WHITEOUT)))
            return
        self._refuse_detour(path)
        if entry.kind is Kind.SYMLINK:
            self._link(path, entry.target)
        if path == self._path:
            self._put(entry, stream)
        elif path in self._above and entry.kind is not Kind.DIRECTORY:
            self._forget()  # whatever lay below is no longer reached by this path

    def _put(self, entry: Entry, stream: TarStream) -> None:
        if entry.kind is Kind.FILE:
            digest = hashlib.sha256()
            for piece in stream.data():
                digest.update(piece)
            self._digest = f"sha256:{digest.hexdigest()}"
            self._digest_layer = self._layer
        elif entry.kind is Kind.HARDLINK:
            raise TarError(f"{self._path} is a hard link; it must be a file of its own")
        else:
            self._forget()

    def _link(self, path: str, target: str) -> None:
        if path == self._path or path in self._above:
            raise TarError(f"{path} is a link; the model's path must lead through none")
        if len(self._links) >= MOST_LINKS:
            raise TarError(f"the image has over {MOST_LINKS:,} links")
        for place in self._places(path):
            whole = _clean(posixpath.join(posixpath.dirname(place), target))
            self._links.setdefault(place, set()).add(whole)
            if _climbs_late(target):
                self._unclear.add(place)

    def _clear(self, directory: str) -> None:
        """An opaque directory hides what layers below it put there, not its own layer."""
        self._refuse_detour(posixpath.join(directory, OPAQUE), directory)
        if directory in self._above and self._digest_layer < self._layer:
            self._forget()

    def _remove(self, path: str) -> None:
        self._refuse_detour(path)
        if path == self._path or path in self._above:
            # A whiteout is meant for the layers below; readers differ on what it does to its own.
            if self._digest is not None and self._digest_layer == self._layer:
                raise TarError(f"one layer both adds and removes {self._path}")
            self._forget()

    def _forget(self) -> None:
        self._digest = None

    def _refuse_detour(self, path: str, reaches: str | None = None) -> None:
        """Raises when unpacking `path` could, through a link, touch the model's path."""
        for place in self._places(path):
            touched = place if reaches is None else posixpath.dirname(place)
            if place != path and (touched == self._path or touched in self._above):
                raise TarError(f"{path} writes to {self._path} through a link")

    def _places(self, path: str) -> set[str]:
        """Where a runtime might unpack `path`: as written, or through links in its parents."""
        if not any(parent in self._links for parent in _ancestors(path)):
            return {path}
        found, fresh = {path}, {path}
        for _ in range(HOPS):
            fresh = {end for place in fresh for end in self._through_links(place)} - found
            found |= fresh
            if not fresh:
                return found
            if len(found) > HOPS:
                break
        raise TarError(f"{path} lies behind too many links")

    def _through_links(self, path: str) -> set[str]:
        if self._unclear.intersection(_ancestors(path)):
            raise TarError(f"{path} lies behind a link that climbs out of another")
        return {
            _clean(target + path.removeprefix(parent))
            for parent in _ancestors(path)
            for target in self._links.get(parent, ())
        }


def _absolute(name: str) -> str:
    if ".." in name.split("/"):
        raise TarError(f"an entry's name climbs: {name[:80]!r}")
    return _clean(name)


def _clean(path: str) -> str:
    """Absolute, with one slash in front: two would stay two otherwise."""
    return posixpath.normpath("/" + path.lstrip("/"))


def _climbs_late(target: str) -> bool:
    """Whether `..` follows a name, which may itself be a link: `a/../b` need not be `b`."""
    steps = [step for step in target.split("/") if step not in ("", ".")]
    return any(late == ".." and early != ".." for early, late in pairwise(steps))


def _ancestors(path: str) -> list[str]:
    """Every directory above `path`, the root left out."""
    steps = path.strip("/").split("/")[:-1]
    return ["/" + "/".join(steps[:count]) for count in range(1, len(steps) + 1)]
