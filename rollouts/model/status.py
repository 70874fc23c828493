"""What a ModelDeployment's status says: all the state that Holdpoint has.

Parsed strictly by `parse_status` (a status that is corrupt or of a newer version is refused, never
guessed at) and written by `Status.to_json`. Changed only by `rollouts.engine.outcome`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from rollouts.model.fields import FieldError, Fields, rfc3339
from rollouts.reasons import Reason

if TYPE_CHECKING:
    from datetime import datetime

    from rollouts.jsontypes import Json, JsonObject

STATUS_SCHEMA = 1
HISTORY_KEPT = 20
REJECTED_KEPT = 10
SERVED_KEPT = 20


class Phase(StrEnum):
    """Where a rollout is."""

    PENDING = "Pending"
    STABLE = "Stable"
    PROGRESSING = "Progressing"
    HOLDING = "Holding"
    PROMOTING = "Promoting"
    BAKING = "Baking"
    ROLLING_BACK = "RollingBack"
    DEGRADED = "Degraded"


class Aim(StrEnum):
    """Where a rollout is going: by its steps, to the next of them at once and then by its steps, to
    a weight to hold, to 100 %, or back to an earlier stable revision."""

    STEPS = "Steps"
    NEXT = "Next"
    WEIGHT = "Weight"
    PROMOTE = "Promote"
    RETURN = "Return"


class Action(StrEnum):
    """What a line of the history records."""

    STARTED = "Started"
    STEERED = "Steered"
    WEIGHT_CONFIRMED = "WeightConfirmed"
    HELD = "Held"
    PAUSED = "Paused"
    RESUMED = "Resumed"
    POINTER_MOVED = "PointerMoved"
    ROLLING_BACK = "RollingBack"
    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"
    SUPERSEDED = "Superseded"
    REASSERTED = "Reasserted"
    WARNED = "Warned"


TERMINAL = frozenset({Action.PROMOTED, Action.ROLLED_BACK, Action.SUPERSEDED})


@dataclass(frozen=True)
class Revision:
    """One set of inputs. `name` is that of its Deployment, Service and ControllerRevision;
    `builder` the version of the template builder that made its pods."""

    name: str
    hash: str
    image: str
    model_digest: str = ""
    commit: str = ""
    builder: int = 1

    def to_json(self) -> JsonObject:
        """As in `status.stable`."""
        named = {"modelDigest": self.model_digest, "commit": self.commit}
        return {
            "name": self.name,
            "hash": self.hash,
            "image": self.image,
            "builder": self.builder,
            **{key: value for key, value in named.items() if value},
        }


@dataclass(frozen=True)
class Rejected:
    """A revision that was taken back and is not tried again by itself."""

    name: str
    hash: str
    image: str
    reason: Reason
    at: datetime

    def to_json(self) -> JsonObject:
        """As in `status.rejected[]`."""
        return {
            "name": self.name,
            "hash": self.hash,
            "image": self.image,
            "reason": str(self.reason),
            "at": rfc3339(self.at),
        }


@dataclass(frozen=True)
class Weight:
    """Per cent of the traffic for the candidate: asked for, and read back as accepted."""

    asked: int = 0
    confirmed: int = 0


@dataclass(frozen=True)
class Entry:
    """A line of the history. Each becomes one Event of the same reason."""

    at: datetime
    action: Action
    reason: Reason
    message: str
    revision: str = ""
    weight: int = 0
    request: str = ""

    def to_json(self) -> JsonObject:
        """As in `status.history[]`."""
        return {
            "at": rfc3339(self.at),
            "action": str(self.action),
            "reason": str(self.reason),
            "message": self.message,
            "revision": self.revision,
            "weight": self.weight,
            **({"request": self.request} if self.request else {}),
        }


@dataclass(frozen=True)
class Cause:
    """Why the candidate is being taken back."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class Status:
    """`write_sequence` numbers the intent for the route, `confirmed_sequence` the last one that
    was read back and accepted. `spec_hash` is the spec that a request overrides. `stable_replicas`
    is the size that stable had when the rollout began. `paused`: somebody stopped the rollout where
    it is; it is watched and taken back as ever. `served`: names of revisions that were stable.
    `analysis` and `conditions` are raw.
    """

    observed_generation: int = 0
    phase: Phase = Phase.PENDING
    reason: Reason = Reason.INITIAL_REVISION
    message: str = ""
    stable: Revision | None = None
    candidate: Revision | None = None
    previous: Revision | None = None
    rejected: tuple[Rejected, ...] = ()
    served: tuple[str, ...] = ()
    step: int = 0
    weight: Weight = field(default_factory=Weight)
    write_sequence: int = 0
    confirmed_sequence: int = 0
    aim: Aim = Aim.STEPS
    aim_weight: int = 0
    request: str = ""
    spec_hash: str = ""
    stable_replicas: int = 0
    paused: bool = False
    started_at: datetime | None = None
    progressed_at: datetime | None = None
    intent_at: datetime | None = None
    cause: Cause | None = None
    analysis: JsonObject | None = None
    conditions: tuple[JsonObject, ...] = ()
    history: tuple[Entry, ...] = ()

    @property
    def in_progress(self) -> bool:
        """True while a rollout runs, its bake included."""
        return self.candidate is not None or self.phase is Phase.BAKING

    @property
    def confirmed(self) -> bool:
        """True when the newest intent was read back and accepted."""
        return self.confirmed_sequence == self.write_sequence

    def rejects(self, revision_hash: str) -> bool:
        """True for a revision that is not to be tried again by itself."""
        return any(rejected.hash == revision_hash for rejected in self.rejected)

    def noted(self, entry: Entry) -> Status:
        """With one more line of history, the oldest falling off."""
        return replace(self, history=(*self.history, entry)[-HISTORY_KEPT:])

    def to_json(self) -> JsonObject:
        """The whole status, for a replace."""
        revisions = {
            "stable": self.stable,
            "candidate": self.candidate,
            "previous": self.previous,
        }
        moments = {
            "startedAt": self.started_at,
            "progressedAt": self.progressed_at,
            "intentAt": self.intent_at,
        }
        rest: JsonObject = {
            "request": self.request,
            "specHash": self.spec_hash,
            "analysis": self.analysis,
            "cause": self.cause
            and {"reason": str(self.cause.reason), "message": self.cause.message},
        }
        return {
            "schema": STATUS_SCHEMA,
            "observedGeneration": self.observed_generation,
            "phase": str(self.phase),
            "reason": str(self.reason),
            "message": self.message,
            **{key: value.to_json() for key, value in revisions.items() if value},
            "rejected": [rejected.to_json() for rejected in self.rejected],
            "served": list(self.served),
            "step": self.step,
            "weight": {"asked": self.weight.asked, "confirmed": self.weight.confirmed},
            "writeSequence": self.write_sequence,
            "confirmedSequence": self.confirmed_sequence,
            "aim": str(self.aim),
            "aimWeight": self.aim_weight,
            "stableReplicas": self.stable_replicas,
            **({"paused": True} if self.paused else {}),
            **{key: rfc3339(value) for key, value in moments.items() if value},
            **{key: value for key, value in rest.items() if value},
            "conditions": list(self.conditions),
            "history": [entry.to_json() for entry in self.history],
        }


def parse_status(data: Json) -> Status:
    """The status of an object; an empty one where there is none. Raises FieldError."""
    if not data:
        return Status()
    status = Fields.of(data, "status")
    schema = status.whole("schema", 0)
    if schema != STATUS_SCHEMA:
        raise FieldError(
            f"status.schema is {schema}, this version of Holdpoint reads {STATUS_SCHEMA} only"
        )
    parsed = Status(
        observed_generation=status.whole("observedGeneration"),
        phase=status.one_of("phase", Phase),
        reason=status.one_of("reason", Reason),
        message=status.text("message", ""),
        stable=_revision(status.child("stable")),
        candidate=_revision(status.child("candidate")),
        previous=_revision(status.child("previous")),
        rejected=tuple(map(_rejected, status.children("rejected"))),
        served=status.texts("served"),
        step=status.whole("step", 0),
        weight=_weight(status.section("weight")),
        write_sequence=status.whole("writeSequence"),
        confirmed_sequence=status.whole("confirmedSequence"),
        aim=status.one_of("aim", Aim),
        aim_weight=status.per_cent("aimWeight", 0),
        request=status.text("request", ""),
        spec_hash=status.text("specHash", ""),
        stable_replicas=status.whole("stableReplicas", 0),
        paused=status.flag("paused"),
        started_at=status.moment("startedAt"),
        progressed_at=status.moment("progressedAt"),
        intent_at=status.moment("intentAt"),
        cause=_cause(status.child("cause")),
        analysis=status.section("analysis").data or None,
        conditions=tuple(condition.data for condition in status.children("conditions")),
        history=tuple(map(_entry, status.children("history"))),
    )
    _require_sense(parsed)
    return parsed


def _require_sense(status: Status) -> None:
    """Refuses a status whose fields contradict each other: it is not one that was written here."""
    if status.confirmed_sequence > status.write_sequence:
        raise FieldError("status.confirmedSequence is higher than status.writeSequence")
    if status.candidate is None and status.weight.asked:
        raise FieldError("status.weight.asked is set, and there is no status.candidate")
    rolling = status.phase in {Phase.PROGRESSING, Phase.PROMOTING, Phase.ROLLING_BACK}
    if rolling and status.candidate is None:
        raise FieldError(f"status.phase is {status.phase}, and there is no status.candidate")
    if status.phase in {Phase.STABLE, Phase.BAKING} and status.stable is None:
        raise FieldError(f"status.phase is {status.phase}, and there is no status.stable")


def _revision(data: Fields | None) -> Revision | None:
    if data is None:
        return None
    return Revision(
        name=data.text("name"),
        hash=data.text("hash"),
        image=data.text("image"),
        model_digest=data.text("modelDigest", ""),
        commit=data.text("commit", ""),
        builder=data.whole("builder", 1),
    )


def _rejected(data: Fields) -> Rejected:
    at = data.moment("at")
    if at is None:
        raise FieldError(f"{data.path}.at is missing")
    reason = data.one_of("reason", Reason)
    return Rejected(data.text("name"), data.text("hash"), data.text("image"), reason, at)


def _weight(data: Fields) -> Weight:
    return Weight(data.per_cent("asked", 0), data.per_cent("confirmed", 0))


def _cause(data: Fields | None) -> Cause | None:
    if data is None:
        return None
    return Cause(data.one_of("reason", Reason), data.text("message", ""))


def _entry(data: Fields) -> Entry:
    at = data.moment("at")
    if at is None:
        raise FieldError(f"{data.path}.at is missing")
    return Entry(
        at=at,
        action=data.one_of("action", Action),
        reason=data.one_of("reason", Reason),
        message=data.text("message", ""),
        revision=data.text("revision", ""),
        weight=data.per_cent("weight", 0),
        request=data.text("request", ""),
    )
