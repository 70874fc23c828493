"""The base commit's files as a folder of its own, within bounds, so that collectors can read them.

Used by `checks.base.side`. The bytes come from one `git cat-file --batch`; nothing is checked out,
no link is made, and no filter runs. A bare `.git` beside them borrows the checkout's objects, so
that a file's age can be asked of the base as of the change.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING

from checks.evidence import git
from checks.evidence.repository import MAX_FILES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from checks.base.objects import Base, Entry

MOST_BYTES = 4 << 30  # of all files together


class TreeError(Exception):
    """The base's tree could not be had; one sentence that says why."""


def extract(base: Base, folder: Path) -> Path:
    """Writes the judged folder's files below `folder`, a new and private one, and says where.

    Raises TreeError: objects that are not here, too many files or bytes, a full disk.
    """
    entries = base.files()
    if entries is None:
        raise TreeError(f"the objects of {base.ref} are not in this checkout")
    if len(entries) > MAX_FILES or sum(entry.size for entry in entries) > MOST_BYTES:
        raise TreeError(
            f"{base.ref} has {len(entries)} files, more than the {MAX_FILES} files or "
            f"{MOST_BYTES >> 30} GiB that are compared"
        )
    root = folder / base.folder if base.folder else folder
    try:
        root.mkdir(parents=True, exist_ok=True)
        _lend_history(base, folder)
        for entry, payload in zip(entries, _contents(base, entries), strict=True):
            write_new(root, entry.path, payload)
    except (OSError, ValueError) as error:
        raise TreeError(f"the files of {base.ref} could not be read: {error}") from error
    return root


def write_new(root: Path, path: str, payload: bytes) -> None:
    """A file below `root`, made anew; nothing there is a link, because we make none."""
    target = os.path.join(root, path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    Path(target).unlink(missing_ok=True)
    with open(target, "xb") as file:
        file.write(payload)


def _lend_history(base: Base, folder: Path) -> None:
    """A repository without objects of its own, at the base's commit."""
    common = git.read(base.root, "rev-parse", "--path-format=absolute", "--git-common-dir")
    if not common:
        return
    theirs = Path(os.fsdecode(common.removesuffix(b"\n")))
    mine = folder / ".git"
    for name in ("objects/info", "refs"):
        (mine / name).mkdir(parents=True)
    (mine / "HEAD").write_text(f"{base.commit}\n")
    (mine / "objects/info/alternates").write_bytes(os.fsencode(theirs / "objects") + b"\n")
    kind = "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = "
    (mine / "config").write_text(f"{kind}{'sha1' if len(base.commit) == 40 else 'sha256'}\n")
    if (theirs / "shallow").is_file():
        (mine / "shallow").write_bytes((theirs / "shallow").read_bytes())


def _contents(base: Base, entries: Sequence[Entry]) -> Iterator[bytes]:
    """The bytes of each entry, in their order. Raises ValueError where git has something else."""
    with tempfile.TemporaryFile() as wanted:
        wanted.write("".join(f"{entry.blob}\n" for entry in entries).encode("ascii"))
        wanted.seek(0)
        process = subprocess.Popen(
            git.command("cat-file", "--batch"),
            cwd=base.root,
            env=git.environment(),
            stdin=wanted,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        deadline = threading.Timer(git.LONGEST_S, process.kill)
        deadline.start()
        try:
            if process.stdout is not None:
                for entry in entries:
                    yield _content(process.stdout, entry)
        finally:
            deadline.cancel()
            process.kill()
            process.communicate()


def _content(stream: IO[bytes], entry: Entry) -> bytes:
    header = stream.readline(200).split()
    if header[1:] != [b"blob", b"%d" % entry.size]:
        raise ValueError(f"{entry.path} is not in git's objects")
    payload = stream.read(entry.size + 1)
    if len(payload) != entry.size + 1:
        raise ValueError(f"{entry.path} ended early")
    return payload[:-1]
