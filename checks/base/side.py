"""The base's tree, model and evaluation rows in a temporary folder, ready to be judged.

Used by `checks.run`. Both models are judged on the same rows: the base's, where it has them, so
that a change of the evaluation data counts from the merge on. What cannot be had is a sentence; the
base's rows that exist and cannot be had stop the checks that need rows, because rows that the
change brings along would let it grade itself.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from checks import models
from checks.base import lfs
from checks.base.extract import TreeError, extract, write_new
from checks.errors import CannotJudgeError
from checks.evidence import git
from checks.evidence.data import MAX_BYTES
from checks.evidence.model_runs import MAX_MODEL, ModelFile
from checks.evidence.repository import MAX_TEXT, FileError, Repository, digest, scan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.base.objects import Base, Entry
    from checks.base.rules import Against
    from checks.config import Config


Find = Callable[[Repository, "Config"], ModelFile]
CODE = (
    *(
        "*.py",
        "*.lock",
        "*requirements*.txt",
        "*requirements*.in",
        "requirements/*.txt",
        "pyproject.toml",
        "setup.cfg",
    ),
    *("Pipfile", "environment*.yml", "environment*.yaml", "conda*.yml", "conda*.yaml"),
)


@dataclass(frozen=True)
class BaseSide:
    """What was prepared. `repository` is None where the base's tree cannot be had, `why` says why.

    `head` is the change's tree, its evaluation rows replaced by the base's where those count.
    `config` judges the base's tree. `model` is None where there is none; `new` says that the base
    has none, `why` otherwise that it could not be read. `same` says that the base's model is the
    change's, bit for bit, and so is all code that it may import or be installed with.
    """

    head: Repository
    config: Config
    repository: Repository | None = None
    model: ModelFile | None = None
    new: bool = False
    same: bool = False
    why: str = ""
    changes: tuple[str, ...] = ()


@contextmanager
def prepared(
    against: Against, head: Repository, model: ModelFile, config: Config, find: Find
) -> Iterator[BaseSide]:
    """The base's side while the temporary folder exists. `find` gives a tree's model, or raises
    CannotJudgeError.
    """
    with tempfile.TemporaryDirectory(prefix="holdpoint-base-") as folder:
        rows, changes = _rows(against.base, head, config, Path(folder) / "rows")
        side = BaseSide(replace(head, elsewhere=rows), config, changes=changes)
        try:
            tree = extract(against.base, Path(folder) / "tree")
        except TreeError as error:
            yield replace(side, why=f"The checks were not compared: {error}.")
            return
        repository = replace(scan(tree), elsewhere=rows or _same_rows(head, config))
        side = _with_model(replace(side, repository=repository), against, model, find)
        same = side.model is not None and side.model.digest == model.digest
        yield replace(side, same=same and _code(head) == _code(repository))


def _rows(
    base: Base, head: Repository, config: Config, folder: Path
) -> tuple[dict[str, Path | str], tuple[str, ...]]:
    """Where the evaluation rows are read from, if not from the change's tree; what it edits."""
    path = config.data.evaluation
    if path is None:
        return {}, ()
    file = base.file(path, MAX_BYTES)
    try:
        mine = head.read_bytes(path, MAX_BYTES)
    except FileError:
        mine = None
    if file is not None and file.payload is None:
        kept = f"{base.ref} holds no {path}, so this change's own rows judge it."
        return {}, () if mine is None else (kept,)
    theirs = None if file is None else _content(base, file.payload or b"", mine, MAX_BYTES)
    if theirs is None:
        sentence = (
            f"{path} of {base.ref} could not be read, and a change must not be judged on rows of "
            f"its own (fetch the base: `git fetch origin {base.ref}`, `git lfs fetch`, in a "
            "workflow `fetch-depth: 0`)"
        )
        return {path: sentence}, (f"{sentence}.",)
    if theirs == mine:
        return {}, ()
    write_new(folder, path, theirs)
    what = "deletes" if mine is None else "changes"
    edit = (
        f"This change {what} {path}; both models were judged on the rows of {base.ref}, and the "
        "edit counts once merged."
    )
    return {path: folder}, (edit,)


def _same_rows(head: Repository, config: Config) -> dict[str, Path | str]:
    """The base's tree is judged on the rows of the change's tree where both are the same."""
    path = config.data.evaluation
    return {} if path is None else {path: head.root}


def _code(repository: Repository) -> dict[str, str]:
    """What may change how the same model answers, by path: digests of code and requirements."""
    found = {}
    for file in repository.matching(*CODE):
        try:
            found[file.path] = digest(repository.read_bytes(file.path, MAX_TEXT))
        except FileError as error:
            found[file.path] = str(error)
    return found


def _with_model(side: BaseSide, against: Against, model: ModelFile, find: Find) -> BaseSide:
    base, repository = against.base, side.repository
    path = _model_path(base, repository, against, model) if repository is not None else None
    if repository is None or path is None:
        return replace(side, new=True, why=f"{base.ref} has no model: this one is new.")
    config = replace(side.config, model=replace(against.model, path=path))
    side = replace(side, config=config)
    try:
        theirs = find(repository, config)
    except CannotJudgeError as error:
        return replace(side, why=f"The model of {base.ref} cannot be judged: {error}.")
    payload = _content(base, theirs.payload, model.payload, MAX_MODEL)
    if payload is None:
        why = (
            f"{theirs.path} of {base.ref} is a Git LFS pointer whose content is not here; "
            f"`git lfs fetch origin {base.commit[:12]}` brings it."
        )
        return replace(side, why=why)
    return replace(side, model=replace(theirs, payload=payload, digest=digest(payload)))


def _model_path(
    base: Base, repository: Repository, against: Against, model: ModelFile
) -> str | None:
    """Where the base's model lies: as its configuration says, else where it was moved from."""
    named = against.model.path
    if named is not None:
        return named if models.entry(named) or repository.find(named) else None
    suffixes = models.suffixes()
    found = [file.path for file in repository.files if file.path.lower().endswith(suffixes)]
    if model.path in found or len(found) == 1:
        return model.path if model.path in found else found[0]
    blob = git.blob_of(model.payload, len(base.commit))
    same: list[Entry] = [entry for entry in base.files() or () if entry.blob == blob]
    return same[0].path if same else None


def _content(base: Base, payload: bytes, mine: bytes | None, limit: int) -> bytes | None:
    """What a file of the base stands for: itself, or what an LFS pointer names; None: not here."""
    wanted = lfs.pointed_at(payload)
    if wanted is None:
        return payload
    if mine is not None and digest(mine) == wanted:
        return mine
    return lfs.content(base, wanted, limit)
