"""Which configuration judges a change: the base branch's, so that nobody grades himself.

Used by the command line and the Action. Thresholds, waivers, declarations and the naming of the
evaluation data are the base's; where the model lies is the change's to say, because that only says
what is judged. What the change edits counts from the merge on, and is said in the report.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from checks import catalog
from checks import config as config_module
from checks.base.changes import between
from checks.config import FILE_NAMES, Config, DataConfig, ModelConfig
from checks.errors import CannotJudgeError, ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from checks.base.objects import Base

Proposed = tuple[bytes, str]  # a configuration file's bytes and its name


@dataclass(frozen=True)
class Against:
    """What a change is compared with. `model` is where the base's configuration says that its own
    lies, `changes` what the change edits in the rules.
    """

    base: Base
    model: ModelConfig = field(
        default_factory=ModelConfig
    )  # as the base's own configuration names it
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rules:
    """The configuration to judge by, and what it is to be compared with."""

    config: Config
    against: Against | None = None
    notes: tuple[str, ...] = ()


def of_change(base: Base, proposed: Proposed | None, names: tuple[str, ...] = FILE_NAMES) -> Rules:
    """The rules for a change on top of `base` that brings the configuration `proposed`.

    `names` are the files that may hold the base's. Raises ConfigError, also where the change's own
    file cannot be read, and CannotJudgeError where the base's files cannot be had at all.
    """
    found = [(payload, name) for name in names if (payload := _at(base, name)) is not None]
    if len(found) > 1:
        raise ConfigError(f"{found[0][1]} and {found[1][1]} both exist on the base branch")
    theirs = _load(proposed) if proposed else Config()
    if not found:
        return _first(base, theirs)
    payload, name = found[0]
    own = _load((payload, name))
    edited = proposed is None or proposed[0] != payload
    config = dataclasses.replace(
        own,
        model=_located(theirs if proposed else own, own),
        data=own.data if own.data.evaluation else _first_data(theirs, own),
    )
    changes = (_CHANGED.format(name=name), *between(own, theirs)) if edited else ()
    if proposed is None:
        changes = (_DELETED.format(name=name),)
    return Rules(config, Against(base, own.model, changes), changes[:1])


_CHANGED = (
    "This change edits {name}; it was judged by the base branch's, and the edit counts once merged."
)
_DELETED = "This change deletes {name}; it was judged by the base branch's all the same."
_FIRST = (
    "The base branch has no {name} yet: thresholds are the defaults, and what this change sets "
    "counts once merged."
)


def named(base: Base, root: Path, file: Path) -> Rules:
    """The rules in a configuration file that somebody named.

    Within the repository it is read at the base, because the change could edit it; elsewhere it
    is somebody else's, and counts as it is. Raises ConfigError.
    """
    try:
        payload, path = file.read_bytes(), file.resolve()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror or error}") from error
    if path.is_relative_to(root):
        return of_change(base, (payload, file.name), (path.relative_to(root).as_posix(),))
    config = _load((payload, file.name))
    return Rules(config, Against(base, config.model))


def _first(base: Base, theirs: Config) -> Rules:
    note = _FIRST.format(name=FILE_NAMES[0])
    config = Config(source=theirs.source, model=theirs.model, data=theirs.data)
    changes = (note, *between(Config(model=theirs.model, data=theirs.data), theirs))
    return Rules(config, Against(base, ModelConfig(), changes), (note,))


def _located(theirs: Config, own: Config) -> ModelConfig:
    """Where the change says that its model is; what kind of task it solves is the base's to say."""
    return dataclasses.replace(theirs.model, task=own.model.task)


def _first_data(theirs: Config, own: Config) -> DataConfig:
    """The base names no evaluation data: the change may, for the first time."""
    return theirs.data if theirs.data.evaluation else own.data


def _at(base: Base, path: str) -> bytes | None:
    file = base.file(path)
    if file is None:
        raise CannotJudgeError(
            f"{base.folder}{path} of the base commit {base.commit[:12]} could not be read, and a "
            "pull request must not be judged by its own thresholds; give the job `contents: read` "
            "or check out with `fetch-depth: 0`"
        )
    return file.payload


def _load(file: Proposed) -> Config:
    payload, name = file
    return config_module.load(payload, name, catalog.discover())
