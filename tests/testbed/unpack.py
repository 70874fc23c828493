"""Unpacks an image's layers into a folder, checking every digest on the way."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.testbed.oci import CorruptBlobError, digest_of

if TYPE_CHECKING:
    from tests.testbed.oci import ImageStore

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
# Pods take these from the machine that the testbed runs on, so that an image needs no system.
HOST_FOLDERS = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "etc", "proc", "dev", "sys")


class UnsupportedImageError(ValueError):
    """The image needs something that the testbed's node does not do."""


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _apply_whiteout(entry: Path) -> None:
    if entry.name == _OPAQUE:
        for child in entry.parent.iterdir() if entry.parent.is_dir() else ():
            _remove(child)
    else:
        _remove(entry.with_name(entry.name.removeprefix(_WHITEOUT)))


def _refuse_host_folder(member: tarfile.TarInfo) -> None:
    first = member.name.lstrip("./").split("/", 1)[0]
    if first in HOST_FOLDERS and not member.isdir():
        raise UnsupportedImageError(
            f"The image holds /{member.name}, but pods of the testbed see the machine's own "
            f"/{first}. Put the file below another folder, such as /app."
        )


def _extract(tar: bytes, target: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        members = archive.getmembers()
        # What a layer removes is what lower layers left, never its own files: whiteouts first.
        for member in members:
            if Path(member.name).name.startswith(_WHITEOUT):
                _apply_whiteout(target / member.name)
        for member in members:
            _refuse_host_folder(member)
            if not Path(member.name).name.startswith(_WHITEOUT):
                archive.extract(member, target, filter="tar")


def unpack(store: ImageStore, digest: str, target: Path) -> None:
    """Unpack the image `digest` into the new folder `target`.

    Raises UnknownImageError, CorruptBlobError or UnsupportedImageError.
    """
    manifest, config = store.manifest(digest), store.config(digest)
    target.mkdir(parents=True)
    for layer, expected in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
        tar = gzip.decompress(store.blob(layer["digest"]))
        if digest_of(tar) != expected:
            raise CorruptBlobError(
                f"A layer of {digest} unpacks to {digest_of(tar)}, not to {expected}."
            )
        _extract(tar, target)
