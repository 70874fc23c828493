"""What to do next: one tagged value, each with its reason code and a sentence.

Made by `rollouts.engine.advance`, carried out by `rollouts.applying`, one write a decision. Those
that derive from `Intent` change the ModelDeployment's status and nothing else; the others make the
world follow the status.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from rollouts.model.request import Outcome, RequestPhase

if TYPE_CHECKING:
    from datetime import datetime

    from rollouts.jsontypes import JsonObject
    from rollouts.model.status import Aim, Phase, Revision
    from rollouts.reasons import Reason
    from rollouts.traffic import TrafficIntent


@dataclass(frozen=True)
class Decision:
    """Why, as a code and as a sentence for people."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class Intent(Decision):
    """A decision that is recorded in the status first; the world follows later."""


@dataclass(frozen=True)
class StartCandidate(Intent):
    """Takes up a revision that is recorded already. `spec_hash`: the spec that is overridden."""

    revision: Revision
    aim: Aim
    aim_weight: int = 0
    request: str = ""
    spec_hash: str = ""
    stable_replicas: int = 0


@dataclass(frozen=True)
class Steer(Intent):
    """A request changes where the rollout under way is going."""

    aim: Aim
    aim_weight: int
    request: str


@dataclass(frozen=True)
class Pause(Intent):
    """A request stops the rollout where it is, or lets it go on."""

    paused: bool
    request: str


@dataclass(frozen=True)
class SetWeight(Intent):
    """The candidate is to get `weight` per cent. `over` is a sequence number to go above."""

    weight: int
    step: int
    phase: Phase
    over: int = 0


@dataclass(frozen=True)
class Confirm(Intent):
    """The route shows the newest intent, and the gateway accepted it."""


@dataclass(frozen=True)
class Reassert(Intent):
    """The route was changed by somebody else: the same weights again, numbered above `over`."""

    over: int


@dataclass(frozen=True)
class Promote(Intent):
    """The candidate has all the traffic: the pointer moves."""


@dataclass(frozen=True)
class EndBake(Intent):
    """The rollout is over, well."""


@dataclass(frozen=True)
class RollBack(Intent):
    """The candidate (in the bake: the new stable) is to get no more traffic."""

    request: str = ""


@dataclass(frozen=True)
class FinishRollBack(Intent):
    """The candidate gets no traffic any more: the rollout is over, badly."""


@dataclass(frozen=True)
class Note(Intent):
    """The status says what is being waited for. `warn` makes it a line of history, and so an Event
    that can page somebody."""

    phase: Phase
    warn: bool = False


@dataclass(frozen=True)
class Checkpoint(Intent):
    """The analysis's state is saved."""


class Part(StrEnum):
    """An object of a revision."""

    RECORD = "ControllerRevision"
    DEPLOYMENT = "Deployment"
    SERVICE = "Service"


@dataclass(frozen=True)
class Ensure(Decision):
    """Creates an object of a revision, or puts right what was changed in it by hand."""

    revision: Revision
    part: Part
    inputs: JsonObject
    replicas: int = 0


@dataclass(frozen=True)
class Scale(Decision):
    """Sets the replicas of a revision's Deployment."""

    name: str
    replicas: int


@dataclass(frozen=True)
class PointAlias(Decision):
    """Makes the alias Service select a revision."""

    name: str


@dataclass(frozen=True)
class PointPreview(Decision):
    """Makes the preview Service select a revision."""

    name: str


@dataclass(frozen=True)
class WriteRoute(Decision):
    """Writes the newest intent into the route."""

    intent: TrafficIntent


@dataclass(frozen=True)
class MarkRequest(Decision):
    """Writes what became of a request."""

    name: str
    phase: RequestPhase
    outcome: Outcome = Outcome.NONE
    revision: str = ""
    weight: int | None = None


@dataclass(frozen=True)
class CleanUp(Decision):
    """Deletes an object of a revision that nothing needs any more."""

    name: str
    part: Part


@dataclass(frozen=True)
class Wait(Decision):
    """Nothing to write. `until` is when to look again at the latest; `poll` asks to look again at
    once and often, because something is due any moment."""

    phase: Phase
    until: datetime | None = None
    poll: bool = False


@dataclass(frozen=True)
class Refuse(Decision):
    """Something is so wrong that nothing is written, not even the status."""
