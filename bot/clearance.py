"""Collects the evidence for one target and commit, step by step, stopping at the first refusal.

Called by the verbs that start something. The order saves work: a commit that was not judged costs
no look into an image. Every decision is `bot.gate`'s, every request an edge's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import gate

if TYPE_CHECKING:
    from datetime import datetime

    from bot.gate import Clearance
    from bot.github import GitHub
    from bot.places import Target
    from bot.registry import Registry
    from bot.settings import Settings


class Clearances:
    """Asks GitHub and the registry on behalf of the gate."""

    def __init__(self, settings: Settings, github: GitHub, registry: Registry) -> None:
        self._settings, self._github, self._registry = settings, github, registry

    def obtain(self, target: Target, commit: str | None, now: datetime) -> Clearance:
        """Everything that lets this commit (None: the default branch's head) run. Raises Refused.

        From the first step on only the full SHA is used: a branch that moves meanwhile, or a tag
        that is overwritten later, changes nothing.
        """
        sha = self._github.resolve(target.repository, commit)
        runs = self._github.check_runs(target.repository, sha)
        found = gate.judged(runs, sha, target, self._settings, now)
        image = self._registry.image(target.image, target.tag_for(sha), target.model_path)
        return gate.clear(found, image, target)

    def authors(self, target: Target, commit: str) -> frozenset[str]:
        """Who wrote and committed it: GitHub logins in lower case. Raises Refused."""
        return self._github.authors(target.repository, commit)
