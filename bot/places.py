"""Where things may be put: environments, and the targets in them. Data, as bot.yaml declares it.

Made by `bot.reading`; used by the whole room. A `Target` is one ModelDeployment in one environment:
`Settings.place` gives the one that a command means.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.policy import Role

if TYPE_CHECKING:
    from bot.policy import Rules
    from bot.windows import Window

COMMIT_PLACE = "{commit}"


@dataclass(frozen=True)
class ApprovalRule:
    """How many people must consent to a START or ADVANCE. `author` lets the commit's own author be
    one of them; `above` asks only for weights above so many per cent (promotion counts as 100)."""

    required: int = 0
    author: bool = False
    above: int = 0
    lifetime: timedelta = timedelta(hours=1)


@dataclass(frozen=True)
class WeakScore:
    """A score below `below` starts with at most `first_weight` per cent and bakes longer."""

    below: float
    first_weight: int
    bake_s: int


@dataclass(frozen=True)
class Environment:
    """One cluster and namespace. `after` names the environment where an image is promoted first.

    `name` is "" where bot.yaml declares no environments; then each target names its namespace.
    """

    name: str
    rules: Rules
    kubeconfig: str | None = None
    context: str | None = None
    namespace: str = ""
    after: str = ""
    channels: frozenset[str] = frozenset()
    approvals: ApprovalRule = ApprovalRule()
    windows: tuple[Window, ...] = ()
    weak: WeakScore | None = None

    @property
    def fingerprint(self) -> str:
        """A hash of everything here that decides who may do what: consent is bound to it."""
        facts = {
            "roles": {role: sorted(self.rules.holders.get(role, ())) for role in Role},
            "teams": sorted(self.rules.teams),
            "approvals": [
                self.approvals.required,
                self.approvals.author,
                self.approvals.above,
                self.approvals.lifetime.total_seconds(),
            ],
            "where": [self.name, self.context, self.namespace, self.after],
        }
        canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True)
class Target:
    """One ModelDeployment that may be addressed, and where its evidence is.

    `image` is a repository without a tag; `tag` holds `{commit}`, the full SHA.
    """

    name: str
    namespace: str
    repository: str
    image: str
    tag: str
    model_path: str
    channels: frozenset[str]
    minimum_score: float
    evidence_max_age: timedelta
    environment: str = ""
    environments: frozenset[str] = frozenset()

    def tag_for(self, commit: str) -> str:
        """The tag of the image that was built from `commit`."""
        return self.tag.replace(COMMIT_PLACE, commit)

    @property
    def label(self) -> str:
        """For people: `lending`, or `lending in prod`."""
        return f"{self.name} in {self.environment}" if self.environment else self.name
