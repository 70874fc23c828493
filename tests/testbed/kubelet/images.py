"""From a pod's image reference to a folder with the image's files."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.testbed.oci import UnknownImageError
from tests.testbed.unpack import unpack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.testbed.oci import ImageStore


@dataclass(frozen=True)
class Image:
    """An image that a container runs: which one, its files, and what its configuration says."""

    image_id: str
    root: Path
    config: dict[str, Any]


def _split(reference: str) -> tuple[str, str, str]:
    """`host:port/acme/lending:1@sha256:x` -> ("host:port/acme/lending", "1", "sha256:x")."""
    name, _, digest = reference.partition("@")
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return f"{head}{slash}{last}", tag, digest


def _without_host(name: str) -> str:
    first, slash, rest = name.partition("/")
    is_host = slash and ("." in first or ":" in first or first == "localhost")
    return rest if is_host else name


class Images:
    """Unpacks each image of `store` once, below `folder`."""

    def __init__(self, store: ImageStore, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._lock = threading.Lock()

    def pull(self, reference: str) -> Image:
        """Find and unpack `reference`: by its digest alone, or by its tag when it has no digest.

        Raises UnknownImageError, CorruptBlobError or UnsupportedImageError.
        """
        name, tag, digest = _split(reference)
        if not digest:
            digest = self._store.tagged(_without_host(name), tag or "latest")
        root = self._folder / digest.replace(":", "-")
        with self._lock:
            if not root.exists():
                unfinished = root.with_suffix(".unfinished")
                unpack(self._store, digest, unfinished)
                unfinished.rename(root)
        return Image(f"{name}@{digest}", root, self._store.config(digest)["config"])


__all__ = ["Image", "Images", "UnknownImageError"]
