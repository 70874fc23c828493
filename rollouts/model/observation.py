"""What was seen of the world around a ModelDeployment, frozen.

Made by `rollouts.observing`, read by the engine. It holds facts only, and no clock: how old a fact
is, is said by its moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from rollouts.analysis import Judgement
    from rollouts.jsontypes import JsonObject
    from rollouts.model.approval import Consent
    from rollouts.model.request import Request
    from rollouts.reasons import Reason
    from rollouts.traffic import RouteView


@dataclass(frozen=True)
class RevisionState:
    """What the cluster holds of one revision.

    `inputs` are those of its ControllerRevision, None where there is none. `image` is that of its
    Deployment's container. `ready` counts ready replicas of the newest template, `endpoints` the
    ready addresses behind its Service, `pods` those that exist, ending ones included. `trouble` is
    what a pod that does not start says.
    """

    inputs: JsonObject | None = None
    created: str = ""
    deployment: bool = False
    image: str = ""
    replicas: int = 0
    ready: int = 0
    service: bool = False
    selects_itself: bool = True
    endpoints: int = 0
    pods: int = 0
    trouble: str = ""

    @property
    def serving(self) -> int:
        """Replicas that are ready *and* can be reached through the Service."""
        return min(self.ready, self.endpoints)


@dataclass(frozen=True)
class RouteProblem:
    """Why there is no view of the route."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class HealthView:
    """What the candidate's pods answered to the strategy's checks: how many pods passed them all
    often enough in a row, and what the first one that did not says."""

    passed: int
    message: str = ""


@dataclass(frozen=True)
class AnalysisView:
    """`record` is what `status.analysis` should say now. `quiet_since`: since when the candidate's
    request counters stand still, None while they move or cannot be read."""

    judgement: Judgement | None
    record: JsonObject | None
    quiet_since: datetime | None = None
    readable: bool = True


@dataclass(frozen=True)
class Observation:
    """`alias` is the revision that the alias Service selects, "" where there is no such Service;
    `alias_is_ours` is False where a Service of that name belongs to somebody else. `preview` is the
    revision that the preview Service selects. `health` is None where nothing was checked."""

    revisions: Mapping[str, RevisionState] = field(default_factory=dict)
    alias: str = ""
    alias_is_ours: bool = True
    preview: str = ""
    route: RouteView | None = None
    route_problem: RouteProblem | None = None
    requests: tuple[Request, ...] = ()
    consents: tuple[Consent, ...] = ()
    analysis: AnalysisView | None = None
    health: HealthView | None = None

    def of(self, name: str) -> RevisionState:
        """The state of a revision; an empty one where nothing of it exists."""
        return self.revisions.get(name, RevisionState())
