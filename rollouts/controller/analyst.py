"""The analysis of the rollouts under way: scrapes, counts, judges, and remembers.

Asked by the reconciler at every look; it ticks when a tick is due. Its memory is the checkpoint in
the status and what was counted since: after a crash the next tick is a coarse one that counts from
the saved cursors, so nothing is counted twice. It deliberately decides nothing.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from rollouts import analysis, metrics
from rollouts.engine import switches
from rollouts.jsontypes import dig, dig_object, dig_text
from rollouts.metrics import losses
from rollouts.metrics.cursor import CursorError
from rollouts.model import Aim, AnalysisView, Phase, rfc3339, rfc3339_seconds

if TYPE_CHECKING:
    from rollouts.controller.metrics import Metrics
    from rollouts.controller.observing import Belongings
    from rollouts.controller.store import Key
    from rollouts.jsontypes import JsonObject
    from rollouts.model import ModelDeployment, Status

T = TypeVar("T")
LOG = logging.getLogger(__name__)
EARLY_S = 0.05  # a tick that is nearly due is taken along with another look
SHORTEST_INTERVAL_S = 0.2


@dataclass(frozen=True)
class Arms:
    """Who is compared: names of revisions, and whether `older` gets traffic at the same time.

    `share`: the confirmed part of the requests that `newer` should get; None while it changes.
    `unserved`: `newer` gets none yet. What it counts then are checks and people who look at it
    through the preview, which is no evidence about its traffic.
    """

    newer: str
    older: str
    concurrent: bool
    began: str
    share: float | None = None
    unserved: bool = False


@dataclass
class _Arm:
    """How far one side was counted."""

    cursor: metrics.Cursor
    losses: losses.Losses

    def to_json(self) -> JsonObject:
        return {"cursor": self.cursor.to_json(), "losses": self.losses.to_json()}

    @classmethod
    def from_json(cls, data: Any) -> _Arm:
        cursor = metrics.Cursor.from_json(dig(data, "cursor"))
        return cls(cursor, losses.Losses.from_json(dig(data, "losses")))


@dataclass
class _Run:
    """The analysis of one rollout, in memory."""

    began: str
    settings: analysis.Settings
    state: analysis.State
    newer: _Arm
    older: _Arm
    scraper: metrics.Scraper
    at: datetime
    ticked: float | None = None
    judgement: analysis.Judgement | None = None
    quiet_since: datetime | None = None
    readable: bool = False
    problem: str = ""
    record: JsonObject = field(default_factory=dict)


def arms_of(status: Status, *, early: bool = False, beside: bool = False) -> Arms | None:
    """Who is to be compared now; None while no revision on trial has any traffic. `early`: stable
    is counted from the beginning, because later nothing serves beside the candidate. `beside`: the
    route leads requests to the candidate besides the weight, so no share can be expected."""
    began = rfc3339(status.started_at) if status.started_at else ""
    if status.phase is Phase.BAKING and status.stable and status.previous:
        return Arms(status.stable.name, status.previous.name, concurrent=False, began=began)
    if status.candidate is None or status.stable is None or status.aim is Aim.RETURN:
        return None
    served = status.weight.asked or status.weight.confirmed or status.phase is Phase.ROLLING_BACK
    if not (served or early):
        return None
    alone = status.weight.asked == 100 and status.weight.confirmed == 100
    still = status.weight.asked == status.weight.confirmed and not beside
    share = status.weight.confirmed / 100 if still and served else None
    names = (status.candidate.name, status.stable.name)
    return Arms(*names, concurrent=not alone, began=began, share=share, unserved=not served)


def _leads_beside(traffic: JsonObject) -> bool:
    """True where a header or a mirror brings the candidate requests that no weight counts."""
    sections = [section for section in traffic.values() if isinstance(section, dict)]
    return any(section.get(name) for section in sections for name in ("header", "mirror"))


class Analyst:
    """Keyed by ModelDeployment; one thread at a time for each key."""

    def __init__(self, observed: Metrics) -> None:
        self._observed = observed
        self._runs: dict[Key, _Run] = {}

    def look(
        self, deployment: ModelDeployment, status: Status, belongings: Belongings, now: datetime
    ) -> AnalysisView | None:
        """What is known now, after a tick if one is due; None where nothing is compared."""
        key = (deployment.namespace, deployment.name)
        beside = _leads_beside(deployment.traffic)
        arms = arms_of(status, early=switches(deployment), beside=beside)
        source = dig_object(deployment.spec.analysis if deployment.spec else {}, "metrics")
        if arms is None or deployment.spec is None or not source:
            self.forget(key)
            return None
        run = self._runs.get(key)
        if run is None or run.began != arms.began:
            self.forget(key)
            try:
                run = self._runs[key] = _begin(deployment, status, arms, now)
            except (analysis.AnalysisError, metrics.MetricError) as error:
                return _unreadable(str(error), now)
        self._tick(run, arms, _Where(deployment.namespace, source, belongings), now)
        return AnalysisView(run.judgement, run.record or None, run.quiet_since, run.readable)

    def next_tick_s(self, key: Key) -> float | None:
        """Seconds until the next tick is due; None where nothing is compared."""
        run = self._runs.get(key)
        if run is None or run.ticked is None:
            return None
        return max(0.0, run.ticked + _interval(run) - time.monotonic())

    def forget(self, key: Key) -> None:
        """Drops the memory of a rollout and closes its connections."""
        run = self._runs.pop(key, None)
        if run is not None:
            run.scraper.close()

    def close(self) -> None:
        """Drops everything."""
        for key in list(self._runs):
            self.forget(key)

    def _tick(self, run: _Run, arms: Arms, where: _Where, now: datetime) -> None:
        clock = time.monotonic()
        if run.ticked is not None and clock - run.ticked < _interval(run) - EARLY_S:
            return
        run.ticked = clock
        try:
            counted = self._count(run, arms, where)
        except metrics.MetricError as error:
            run.problem, run.readable = error.sentence, False
            run.record = _unreadable(error.sentence, now).record or {}
            return
        seconds = max(0.0, (now - run.at).total_seconds())
        run.at = now
        tick = counted.tick(seconds, arms)
        run.state = analysis.update(run.state, run.settings, tick)
        run.judgement = analysis.judge(run.state, run.settings)
        run.readable = counted.readable
        moved = counted.served or not counted.readable
        run.quiet_since = None if moved else (run.quiet_since or now)
        run.record = _record(run, run.judgement, now)

    def _count(self, run: _Run, arms: Arms, where: _Where) -> _Counted:
        """Raises MetricError where the source itself cannot be used."""
        sides = {arms.newer: run.newer, arms.older: run.older}
        pods = {name: where.belongings.pods.get(name, []) for name in sides}
        asked = {name: metrics.Arm(where.namespace, name, pods[name]) for name in sides}
        read = metrics.read(where.source, asked, run.scraper, self._unread)
        served: dict[str, metrics.Served] = {}
        lost: dict[str, analysis.Increment] = {}
        for name, arm in sides.items():
            served[name], arm.cursor = metrics.advance(arm.cursor, read[name])
            lost[name], arm.losses = losses.count(arm.losses, pods[name])
        newer, older = served[arms.newer], served[arms.older]
        return _Counted(
            newer=replace(newer, increment=newer.increment + lost[arms.newer]),
            older=replace(older, increment=older.increment + lost[arms.older]),
            readable=bool(read[arms.newer]),
            served=newer.increment.requests,
        )

    def _unread(self, error: metrics.MetricError, whom: str) -> None:
        """What cannot be read is said, and is evidence of nothing."""
        self._observed.unread(str(error.trouble))
        LOG.info("no sample: %s", error.sentence, extra={"pod": whom})


@dataclass(frozen=True)
class _Where:
    """Where to look: `spec.analysis.metrics`, and what belongs to the deployment."""

    namespace: str
    source: JsonObject
    belongings: Belongings


@dataclass(frozen=True)
class _Counted:
    """One tick: both sides, whether the newer could be read, and what it says it served."""

    newer: metrics.Served
    older: metrics.Served
    readable: bool
    served: int

    def tick(self, seconds: float, arms: Arms) -> analysis.Tick:
        """As the analysis takes it in; a side that has no figure now served nothing."""
        nothing = metrics.Served(analysis.Increment())
        newer, older = (nothing if arms.unserved else self.newer), self.older
        no_latency = analysis.Histogram((), (), 0)
        return analysis.Tick(
            seconds,
            newer.increment,
            older.increment,
            concurrent=arms.concurrent,
            share=arms.share,
            latency=_both(newer.latency, older.latency, no_latency),
            labels=_both(newer.labels, older.labels, analysis.Increment()),
            scores=_both(newer.scores, older.scores, analysis.Scores(0, 0.0)),
        )


def _both(newer: T | None, older: T | None, nothing: T) -> analysis.Both[T] | None:
    if newer is None and older is None:
        return None
    return analysis.Both(newer or nothing, older or nothing)


def _interval(run: _Run) -> float:
    return max(SHORTEST_INTERVAL_S, run.settings.interval_s)


def _begin(deployment: ModelDeployment, status: Status, arms: Arms, now: datetime) -> _Run:
    """From the checkpoint where there is one of this rollout, else from nothing."""
    spec = deployment.spec.analysis if deployment.spec else {}
    source = dig_object(spec, "metrics")
    measured = metrics.find(dig_text(source, "type")).measured(source)
    settings = analysis.Settings.from_spec(spec, measured)
    saved = dig_object(status.analysis, "checkpoint")
    # Both sides are counted from here on. Were the candidate's whole history counted and stable's
    # not, a restart without a checkpoint would see its errors with nothing to hold them against.
    here = rfc3339_seconds(now)
    run = _Run(
        began=arms.began,
        settings=settings,
        state=analysis.start(settings),
        newer=_Arm(metrics.Cursor(here), losses.Losses(here)),
        older=_Arm(metrics.Cursor(here), losses.Losses(here)),
        scraper=metrics.Scraper(),
        at=now,
    )
    if saved.get("began") == arms.began:
        try:
            state = analysis.State.from_json(saved.get("state"), settings)
            newer, older = _Arm.from_json(saved.get("newer")), _Arm.from_json(saved.get("older"))
            run.at = datetime.fromisoformat(dig_text(saved, "at"))
            run.judgement = analysis.judge(state, settings)
            run.state, run.newer, run.older = state, newer, older
        except (analysis.AnalysisError, CursorError, ValueError) as error:
            LOG.warning("the saved analysis is not used: %s", error)
            run.at = now
    return run


def _record(run: _Run, judgement: analysis.Judgement, now: datetime) -> JsonObject:
    """What `status.analysis` says."""
    record: JsonObject = {
        "verdict": str(judgement.kind),
        "reason": str(judgement.reason),
        "message": judgement.message,
        "logE": f"{judgement.log_e:.4f}",
        "candidate": _counts(judgement.candidate),
        "stable": _counts(judgement.stable),
        "updatedAt": rfc3339(now),
        "checkpoint": {
            "began": run.began,
            "at": rfc3339(run.at),
            "state": run.state.to_json(),
            "newer": run.newer.to_json(),
            "older": run.older.to_json(),
        },
    }
    if judgement.more_requests is not None:
        record["moreRequests"] = judgement.more_requests
    return record


def _counts(increment: analysis.Increment) -> JsonObject:
    return {"requests": increment.requests, "errors": increment.errors}


def _unreadable(sentence: str, now: datetime) -> AnalysisView:
    record = {
        "verdict": str(analysis.Kind.UNDECIDED),
        "reason": "NotEnoughEvidence",
        "message": sentence,
        "updatedAt": rfc3339(now),
    }
    return AnalysisView(None, record, readable=False)
