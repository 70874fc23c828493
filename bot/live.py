"""What a rollout's message shows, derived from the objects in the cluster. Pure.

Called by `bot.threads` on every look at the cluster and by `bot.recording` for the first version.
A view needs nothing but the requests that point at the message and the ModelDeployment, so any
restart arrives at the same message; `before` only carries figures that the cluster has let go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from bot import consents
from bot.notes import follows
from bot.progress import NO_STEPS, Progress, progress
from rollouts.jsontypes import JsonObject, dig, dig_list, dig_object, dig_text, name_of
from rollouts.model import Standing, ask_of, count, gated, moment


class Stage(StrEnum):
    """Where the rollout is, as a person would say it."""

    WAITING = "waiting"
    REFUSED = "refused"
    RUNNING = "running"
    HOLDING = "holding"
    PROMOTING = "promoting"
    BAKING = "baking"
    ROLLING_BACK = "rolling back"
    DEGRADED = "degraded"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled back"
    SUPERSEDED = "superseded"
    ENDED = "ended"
    UNKNOWN = "unknown"


FINAL = frozenset({Stage.REFUSED, Stage.PROMOTED, Stage.ROLLED_BACK, Stage.SUPERSEDED, Stage.ENDED})
_BY_OUTCOME = {
    "Promoted": Stage.PROMOTED,
    "RolledBack": Stage.ROLLED_BACK,
    "Superseded": Stage.SUPERSEDED,
}
_BY_PHASE = {
    "Holding": Stage.HOLDING,
    "Promoting": Stage.PROMOTING,
    "Baking": Stage.BAKING,
    "RollingBack": Stage.ROLLING_BACK,
    "Degraded": Stage.DEGRADED,
}


@dataclass(frozen=True)
class Counts:
    """Requests and failed ones, since the candidate began to get traffic."""

    requests: int
    errors: int
    latency: str = ""  # p99 in seconds, as the controller wrote it


@dataclass(frozen=True)
class Figures:
    """The comparison as it stands. `more` is about how many more requests decide it."""

    candidate: Counts
    stable: Counts
    verdict: str
    message: str
    more: int | None


@dataclass(frozen=True)
class FollowUp:
    """A later request for the same rollout."""

    request: str
    verb: str
    by: str
    name: str
    phase: str
    reason: str
    message: str


@dataclass(frozen=True)
class LiveView:
    """Everything the message shows. Weights are per cent at the candidate."""

    target: str
    verb: str
    stage: Stage
    request: str
    by: str  # slack:<team>/<user>, or another identity
    name: str
    reason: str = ""
    message: str = ""
    wanted: int | None = None
    asked: int | None = None
    confirmed: int | None = None
    step: int | None = None
    image: str = ""
    model_digest: str = ""
    commit: str = ""
    score: str = ""
    report: str = ""
    figures: Figures | None = None
    follow_ups: tuple[FollowUp, ...] = ()
    lasted_s: float | None = None
    decided_s: float | None = None  # from the decision to take it back to its end
    environment: str = ""
    override: str = ""
    standing: Standing | None = None  # None where nobody has to consent
    progress: Progress = NO_STEPS

    @property
    def final(self) -> bool:
        """Whether nothing will change any more."""
        return self.stage in FINAL


@dataclass(frozen=True)
class Around:
    """What the message shows beside the rollout's own objects."""

    environment: str = ""
    approvals: Sequence[JsonObject] = ()
    humans: Mapping[str, str] = field(default_factory=dict)
    now: datetime | None = None


NOWHERE = Around()


def view(
    requests: Sequence[JsonObject],
    deployment: JsonObject | None,
    before: LiveView | None = None,
    around: Around = NOWHERE,
) -> LiveView:
    """The message of `requests`, which all point at it: the first began it."""
    first, *later = sorted(requests, key=_age)
    lead = _lead(first, later)
    shown = LiveView(
        target=dig_text(first, "spec", "target"),
        verb=dig_text(first, "spec", "verb"),
        stage=_stage(lead),
        request=name_of(first),
        by=dig_text(first, "spec", "requestedBy", "id"),
        name=dig_text(first, "spec", "requestedBy", "name"),
        reason=dig_text(lead, "status", "reason"),
        message=dig_text(lead, "status", "message"),
        wanted=_number(_newest(requests), "spec", "arguments", "weight"),
        image=dig_text(first, "spec", "arguments", "image"),
        model_digest=dig_text(first, "spec", "arguments", "modelDigest"),
        commit=dig_text(first, "spec", "arguments", "commit"),
        score=dig_text(first, "spec", "evidence", "score"),
        report=dig_text(first, "spec", "evidence", "url"),
        follow_ups=tuple(_follow_up(request) for request in later),
        figures=before.figures if before else None,
        asked=before.asked if before else None,
        confirmed=before.confirmed if before else None,
        environment=around.environment,
        override=dig_text(first, "spec", "arguments", "override"),
        standing=_standing(first, around),
    )
    names = {name_of(request) for request in requests}
    if deployment is not None and dig_text(deployment, "status", "request") in names:
        shown = _with_deployment(shown, deployment)
    return _ended(shown, first, lead, deployment) if shown.final else shown


def unknown(shown: LiveView) -> LiveView:
    """The message of a request of which nobody knows yet whether it was recorded."""
    return replace(shown, stage=Stage.UNKNOWN)


def _with_deployment(shown: LiveView, deployment: JsonObject) -> LiveView:
    """Adds what the controller says about the rollout that is on its way."""
    status = dig_object(deployment, "status")
    shown = replace(
        shown,
        asked=_number(status, "weight", "asked"),
        confirmed=_number(status, "weight", "confirmed"),
        step=_number(status, "step"),
        figures=_figures(status) or shown.figures,
        progress=progress(deployment),
    )
    if dig_text(status, "phase") == "Baking":  # it is the stable revision by now
        shown = replace(shown, asked=100, confirmed=100)
    if shown.final or shown.stage is Stage.WAITING:
        return shown
    return replace(
        shown,
        stage=_BY_PHASE.get(dig_text(status, "phase"), shown.stage),
        reason=dig_text(status, "reason") or shown.reason,
        message=dig_text(status, "message") or shown.message,
    )


def _standing(request: JsonObject, around: Around) -> Standing | None:
    """How many have consented. Once it is decided, what counted then: consent that has run out
    since was good when it was needed."""
    if not gated(request) or around.now is None:
        return None
    ask = ask_of(request, around.humans)
    asked = moment(dig_text(request, "metadata", "creationTimestamp"))
    at = around.now if ask.open or asked is None else asked
    return count(ask, consents.read(around.approvals, around.humans), at)


def _newest(requests: Sequence[JsonObject]) -> JsonObject:
    """The last request for a weight that was not refused, or else the first."""
    ordered = sorted(requests, key=_age)
    weighing = [r for r in ordered if dig_text(r, "spec", "verb") == "Canary"]
    return next((r for r in reversed(weighing) if _stage(r) is not Stage.REFUSED), ordered[0])


def _lead(first: JsonObject, later: Sequence[JsonObject]) -> JsonObject:
    """The request whose state the rollout is in: once the first is done, a later one may go on,
    such as a rollback of what it promoted."""
    if _stage(first) not in FINAL - {Stage.REFUSED}:
        return first
    taken_up = [r for r in later if dig_text(r, "status", "phase") in ("Accepted", "Done")]
    return taken_up[-1] if taken_up else first


def _ended(
    shown: LiveView, first: JsonObject, lead: JsonObject, deployment: JsonObject | None
) -> LiveView:
    """Adds how long it took; weights of a rollout that is over are known by its outcome."""
    end = _time(dig_text(lead, "status", "observedAt"))
    begin = _time(dig_text(first, "metadata", "creationTimestamp"))
    decided, back = _taken_back(shown, deployment)
    if shown.stage is Stage.ROLLED_BACK:
        shown = replace(shown, asked=0, confirmed=0)
    if shown.stage is Stage.PROMOTED:
        shown = replace(shown, asked=100, confirmed=100)
    return replace(shown, lasted_s=_between(begin, end), decided_s=_between(decided, back or end))


def _taken_back(
    shown: LiveView, deployment: JsonObject | None
) -> tuple[datetime | None, datetime | None]:
    """When the controller decided to take this rollout back, and when 0 % was confirmed."""
    names = {shown.request, *(follow_up.request for follow_up in shown.follow_ups)}
    decided = back = None
    for entry in dig_list(deployment, "status", "history"):
        if dig_text(entry, "request") not in names:
            continue
        action, at = dig_text(entry, "action"), _time(dig_text(entry, "at"))
        if action == "RollingBack":
            decided, back = at, None
        if action == "WeightConfirmed" and dig(entry, "weight") == 0 and decided:
            back = at
    return decided, back


def _stage(request: JsonObject) -> Stage:
    phase = dig_text(request, "status", "phase")
    if phase == "Refused":
        return Stage.REFUSED
    if phase == "Accepted":
        return Stage.RUNNING
    if phase == "Done":
        return _BY_OUTCOME.get(dig_text(request, "status", "outcome"), Stage.ENDED)
    return Stage.WAITING


def _follow_up(request: JsonObject) -> FollowUp:
    return FollowUp(
        request=name_of(request),
        verb=dig_text(request, "spec", "verb"),
        by=dig_text(request, "spec", "requestedBy", "id"),
        name=dig_text(request, "spec", "requestedBy", "name"),
        phase=dig_text(request, "status", "phase") or "Pending",
        reason=dig_text(request, "status", "reason"),
        message=dig_text(request, "status", "message"),
    )


def _figures(status: JsonObject) -> Figures | None:
    analysis = dig_object(status, "analysis")
    if not analysis:
        return None
    return Figures(
        _counts(analysis, "candidate"),
        _counts(analysis, "stable"),
        dig_text(analysis, "verdict"),
        dig_text(analysis, "message"),
        _number(analysis, "moreRequests"),
    )


def _counts(analysis: JsonObject, side: str) -> Counts:
    return Counts(
        _number(analysis, side, "requests") or 0,
        _number(analysis, side, "errors") or 0,
        dig_text(analysis, side, "latencySeconds"),
    )


def _number(value: JsonObject, *path: str) -> int | None:
    found = dig(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _age(request: JsonObject) -> tuple[bool, str, str]:
    """The one that began the rollout comes first, even within one second."""
    return follows(request), dig_text(request, "metadata", "creationTimestamp"), name_of(request)


def _time(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _between(begin: datetime | None, end: datetime | None) -> float | None:
    return max(0.0, (end - begin).total_seconds()) if begin and end else None
