"""Which configuration judges a pull request: the base branch's, so that nobody grades himself.

Called by `checks.action`. What the pull request changes in it counts from the merge on, and is
said in the report's notes. Where the base has no configuration yet, the pull request says where its
model and data are, and the default thresholds judge them.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks import run
from checks.action_checkout import BaseFile, base_file
from checks.config import FILE_NAMES, Config
from checks.errors import CannotJudgeError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Rules:
    """The configuration to judge by, and what to say about where it came from."""

    config: Config
    notes: tuple[str, ...]
    base_model: bytes | None = None


def own_rules(root: Path) -> Rules:
    """For what is already merged: the configuration of the checkout. Raises ConfigError."""
    found = run.find_config(root)
    return Rules(run.load_config(*found) if found else Config(), ())


def base_rules(
    workspace: Path, folder: PurePosixPath, base_sha: str, fetch: Callable[[str], BaseFile | None]
) -> Rules:
    """For a change on top of `base_sha`: that commit's configuration for `folder`.

    The files come from the checkout's git objects, else from `fetch`, which is given a path from
    the repository's root and answers None where it cannot know. Raises ConfigError, and
    CannotJudgeError where the base's files cannot be had at all.
    """

    def at_base(path: str) -> bytes | None:
        name = str(folder / path)
        file = base_file(workspace, base_sha, name) or fetch(name)
        if file is None:
            raise CannotJudgeError(
                f"{name} of the base commit {base_sha[:12]} could not be read, and a pull request "
                "must not be judged by its own thresholds; give the job `contents: read` or check "
                "out with `fetch-depth: 2`"
            )
        return file.payload

    found = [(payload, name) for name in FILE_NAMES if (payload := at_base(name)) is not None]
    if len(found) > 1:
        raise ConfigError(f"{found[0][1]} and {found[1][1]} both exist on the base branch")
    proposed = run.find_config(workspace / folder)
    if not found:
        return _first(proposed)
    payload, name = found[0]
    rules = Rules(run.load_config(payload, name), ())
    return dataclasses.replace(
        rules,
        notes=() if proposed and proposed[0] == payload else (_CHANGED.format(name=name),),
        base_model=_base_model(workspace, folder, base_sha, rules.config),
    )


_CHANGED = (
    "This change edits {name}; it was judged by the base branch's, and the edit counts once merged."
)
_FIRST = (
    "The base branch has no {names} yet: thresholds are the defaults, and what this change sets "
    "counts once merged."
)


def _first(proposed: tuple[bytes, str] | None) -> Rules:
    note = _FIRST.format(names=FILE_NAMES[0])
    if proposed is None:
        return Rules(Config(), (note,))
    theirs = run.load_config(*proposed)
    config = Config(source=theirs.source, model=theirs.model, data=theirs.data)
    return Rules(config, (note,))


def _base_model(
    workspace: Path, folder: PurePosixPath, base_sha: str, config: Config
) -> bytes | None:
    """The base branch's model where it lies in the checkout's objects; a comparison is optional."""
    if config.model.path is None:
        return None
    file = base_file(workspace, base_sha, str(folder / config.model.path), limit=run.MAX_MODEL)
    return file.payload if file else None
