"""What somebody asked for: a RolloutRequest, parsed.

Made by `parse_request`, judged by `rollouts.engine.requests`. A request that cannot be parsed is
still a request, with its `problem` said: it is refused with a reason instead of being passed over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from rollouts.jsontypes import JsonObject, dig_object, dig_text, name_of
from rollouts.model.approval import Ask, ask_of, gated
from rollouts.model.fields import FieldError, Fields

if TYPE_CHECKING:
    from datetime import datetime


class Verb(StrEnum):
    """What can be asked for."""

    CANARY = "Canary"
    PROMOTE = "Promote"
    ROLL_BACK = "RollBack"
    PAUSE = "Pause"
    RESUME = "Resume"
    ABORT = "Abort"
    RETRY = "Retry"
    LOCK = "Lock"
    UNLOCK = "Unlock"
    FREEZE = "Freeze"
    UNFREEZE = "Unfreeze"
    OVERRIDE = "Override"


class Extent(StrEnum):
    """How far a promotion goes: to the strategy's next step, or all the way."""

    NEXT_STEP = "NextStep"
    FULL = "Full"


class RequestPhase(StrEnum):
    """What became of a request so far."""

    PENDING = "Pending"
    ACCEPTED = "Accepted"
    REFUSED = "Refused"
    DONE = "Done"


class Outcome(StrEnum):
    """How the rollout of a request ended."""

    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"
    SUPERSEDED = "Superseded"
    NONE = "None"


@dataclass(frozen=True)
class Evidence:
    """The readiness record of a request: what was judged, and until when that holds."""

    ready: bool
    image_digest: str
    model_digest: str
    commit: str
    report_digest: str
    expires_at: datetime | None


@dataclass(frozen=True)
class Seen:
    """What the asker looked at; 0 and "" where that was not said."""

    generation: int = 0
    stable_image: str = ""


@dataclass(frozen=True)
class Request:
    """`weight` is None where none was named (a canary by its steps). `wanted` is the revision that
    was named to go back to or to retry, "" for the last one. `ask` is the consent that
    it needs, None where it needs none. `revision`, `phase`, `reason` and `message` are the
    status's. `problem` says what is wrong with the object itself, "" when nothing is."""

    name: str
    uid: str
    created: str
    target: str
    verb: Verb
    image: str = ""
    model_digest: str = ""
    commit: str = ""
    weight: int | None = None
    wanted: str = ""
    extent: Extent = Extent.FULL
    requested_by: str = ""
    seen: Seen = Seen()
    evidence: Evidence | None = None
    expires_at: datetime | None = None
    ask: Ask | None = None
    phase: RequestPhase = RequestPhase.PENDING
    revision: str = ""
    reason: str = ""
    message: str = ""
    problem: str = ""

    @property
    def pending(self) -> bool:
        """True until it is accepted or refused."""
        return self.phase is RequestPhase.PENDING


def parse_request(obj: JsonObject) -> Request:
    """Never raises: see `problem`."""
    metadata, status = dig_object(obj, "metadata"), dig_object(obj, "status")
    try:
        phase = RequestPhase(dig_text(status, "phase") or RequestPhase.PENDING)
    except ValueError:
        phase = RequestPhase.DONE  # of a newer version: not ours to take up again
    request = Request(
        name=name_of(obj),
        uid=dig_text(metadata, "uid"),
        created=dig_text(metadata, "creationTimestamp"),
        target=dig_text(obj, "spec", "target"),
        verb=Verb.CANARY,
        phase=phase,
        revision=dig_text(status, "revision"),
        reason=dig_text(status, "reason"),
        message=dig_text(status, "message"),
        ask=ask_of(obj) if gated(obj) else None,
    )
    try:
        return _filled(request, Fields.of(obj.get("spec"), "spec"))
    except FieldError as error:
        return replace(request, problem=str(error))


def _filled(request: Request, spec: Fields) -> Request:
    if request.ask is not None and spec.moment("expiresAt") is None:
        raise FieldError("spec.expiresAt is missing; a request that waits for approvals expires")
    arguments, seen = spec.section("arguments"), spec.section("seen")
    named_weight = arguments.data.get("weight") is not None
    return replace(
        request,
        verb=spec.one_of("verb", Verb),
        image=arguments.text("image", ""),
        model_digest=arguments.text("modelDigest", ""),
        commit=arguments.text("commit", ""),
        weight=arguments.per_cent("weight") if named_weight else None,
        wanted=arguments.text("revision", ""),
        extent=arguments.one_of("to", Extent, Extent.FULL),
        requested_by=spec.section("requestedBy").text("id", ""),
        seen=Seen(seen.whole("generation", 0), seen.text("stableImage", "")),
        evidence=_evidence(spec.child("evidence")),
        expires_at=spec.moment("expiresAt"),
    )


def _evidence(data: Fields | None) -> Evidence | None:
    if data is None:
        return None
    return Evidence(
        ready=data.data.get("ready") is True,
        image_digest=data.text("imageDigest", ""),
        model_digest=data.text("modelDigest", ""),
        commit=data.text("commit", ""),
        report_digest=data.text("reportDigest", ""),
        expires_at=data.moment("expiresAt"),
    )
