"""Which configuration judges the Action's event: see `checks.base.rules`, which decides.

Called by `checks.action`. For what is merged already it is the checkout's own; for a change it is
the base commit's, from the checkout's objects, else from GitHub.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks import run
from checks.base import rules
from checks.base.objects import Base
from checks.base.rules import Rules
from checks.config import Config

if TYPE_CHECKING:
    from pathlib import Path, PurePosixPath

    from checks.base.objects import Fetch


def own_rules(root: Path) -> Rules:
    """For what is already merged: the configuration of the checkout. Raises ConfigError."""
    found = run.find_config(root)
    return Rules(run.load_config(*found) if found else Config())


def base_rules(workspace: Path, folder: PurePosixPath, base_sha: str, fetch: Fetch) -> Rules:
    """For a change on top of `base_sha`: that commit's configuration for `folder`.

    The files come from the checkout's git objects, else from `fetch`, which is given a path from
    the repository's root and answers None where it cannot know. Raises ConfigError, and
    CannotJudgeError where the base's files cannot be had at all.
    """
    prefix = "" if str(folder) == "." else f"{folder}/"
    base = Base(workspace / folder, base_sha, "the base branch", prefix, fetch)
    return rules.of_change(base, run.find_config(workspace / folder))
