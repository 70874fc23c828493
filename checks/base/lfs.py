"""Git LFS pointers of the base: the content where it can be had, without asking any network.

Used by `checks.base.side`. A pointer names its content by SHA-256, so a copy from anywhere is as
good as the original once its digest agrees.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from checks.evidence import git
from checks.evidence.repository import FileError, digest, read_regular

if TYPE_CHECKING:
    from checks.base.objects import Base

_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:[^\n]{1,200}\n){0,20}?"
    rb"oid sha256:([0-9a-f]{64})\n"
)


def pointed_at(payload: bytes) -> str | None:
    """`sha256:<hex>` of the content that a pointer file stands for; None for any other file."""
    match = _POINTER.match(payload[:1024])
    return f"sha256:{match[1].decode('ascii')}" if match else None


def content(base: Base, wanted: str, limit: int) -> bytes | None:
    """The content of that digest from the checkout's own LFS store, or None."""
    common = git.read(base.root, "rev-parse", "--path-format=absolute", "--git-common-dir")
    if not common:
        return None
    name = wanted.removeprefix("sha256:")
    store = Path(os.fsdecode(common.removesuffix(b"\n")))
    try:
        found = read_regular(store, f"lfs/objects/{name[:2]}/{name[2:4]}/{name}", limit)
    except (FileError, OSError):
        return None
    return found if digest(found) == wanted else None
