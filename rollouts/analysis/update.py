"""The step of a rollout's analysis from one tick to the next, and the evidence it adds up to.

`start` and `update` are called by the controller at every tick; `judge` reads what comes out.
Nothing here reads a clock.

These pieces of evidence run side by side, as natural logs of e-processes:
- `worse`: candidate against stable, null "at most r0 times stable's rate" (`eprocess`, `onset`).
  Without a concurrent stable the same process takes one-sample steps against the frozen baseline,
  of which it believes the upper end: a product of e-values stays one.
- `limit`: candidate against the limit (`onesample`, `onset`), standing still while stable is over
  it too.
- `latency`, `labels`, `scores`: the same question of what else is measured, each in its own file.
  `evidence` adds all of these up.
- `arrival`: did the planned share of the requests arrive?
- `ratio` and `absolute`: the two ways to `fine`. They are capped some way above what a verdict
  needs, so that hours of health do not outweigh a fault that begins now; a capped e-process is
  still one.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from rollouts.analysis import (
    arrival,
    eprocess,
    events,
    evidence,
    latency,
    onesample,
    onset,
    scores,
    steps,
)
from rollouts.analysis.counts import Both, Histogram, Scores
from rollouts.analysis.state import Episode, State

if TYPE_CHECKING:
    from rollouts.analysis.counts import Increment, Tick
    from rollouts.analysis.eprocess import Logs
    from rollouts.analysis.events import Compared
    from rollouts.analysis.latency import Latency
    from rollouts.analysis.recent import Recent
    from rollouts.analysis.scores import Bets
    from rollouts.analysis.settings import Settings

CAP = 10.0  # times the evidence that a verdict of `fine` needs
NO_EVIDENCE = 0.05  # ln E at or below which an episode begins anew
NO_EPISODE = Episode()
RULED_OUT = -1e9  # the log of nothing: no number of requests brings an alternative back from there
NO_REQUESTS = Histogram((), (), 0)
NO_SCORES = Scores(0, 0.0)


def start(settings: Settings) -> State:
    """The state before the first tick."""
    limits = 0 if settings.error_limit is None else len(onesample.LIMIT_TIMES)
    return State(
        settings=settings.key,
        worse=onset.begin(eprocess.GRID),
        limit=onset.begin(limits),
    )


def update(state: State, settings: Settings, tick: Tick) -> State:
    """The state after one more tick."""
    baseline = _baseline(state, tick)
    against = steps.against(settings, tick, baseline)
    in_favour = steps.in_favour(settings, tick, baseline)
    seconds = state.seconds + tick.seconds
    weight = onset.weight(state.seconds, seconds, settings.horizon_s)
    recent = state.recent.after(tick)
    worse = eprocess.add(onset.take_in(state.worse, weight), against)
    limit = _limit(onset.take_in(state.limit, weight), settings, tick, recent)
    slow = _latency(state, settings, tick, weight)
    wrong = _labels(state, settings, tick, weight)
    low = _scores(state, settings, tick, weight)
    logs = evidence.speaking(worse, limit, slow, wrong, low)
    log_e = evidence.total(evidence.weighed(logs, seconds, settings), settings)
    return State(
        settings=state.settings,
        worse=worse,
        limit=limit,
        ratio=_capped(state.ratio, in_favour, settings),
        absolute=_capped(state.absolute, steps.tolerable(settings, tick), settings),
        log_e=log_e,
        seconds=seconds,
        candidate=state.candidate + tick.candidate,
        stable=state.stable + tick.stable,
        episode=_episode(state, tick, log_e),
        recent=recent,
        blind=not tick.concurrent,
        baseline=baseline,
        latency=slow,
        labels=wrong,
        scores=low,
        arrival=arrival.after(state.arrival, settings, tick),
    )


def _latency(state: State, settings: Settings, tick: Tick, weight: float) -> Latency | None:
    before, seen = state.latency, tick.latency
    if settings.latency_odds is None and settings.latency_limit_s is None:
        return None
    if seen is not None:
        level = onset.level(state.seconds, settings.horizon_s)
        before = latency.ready(before, settings, seen, level)
    if before is None:
        return None
    nothing = Both(NO_REQUESTS, NO_REQUESTS)
    return latency.after(before, settings, seen or nothing, weight, concurrent=tick.concurrent)


def _labels(state: State, settings: Settings, tick: Tick, weight: float) -> Compared | None:
    times, before, seen = settings.labels_odds, state.labels, tick.labels
    if times is None or (before is None and seen is None):
        return None
    if before is None:
        before = events.begin((onset.level(state.seconds, settings.horizon_s),))
    before = replace(before, logs=onset.take_in(before.logs, weight))
    if seen is None:
        return before
    candidate = seen.candidate.requests, (seen.candidate.errors,)
    stable = seen.stable.requests, (seen.stable.errors,)
    return events.compare(before, times, candidate, stable, concurrent=tick.concurrent)


def _scores(state: State, settings: Settings, tick: Tick, weight: float) -> Bets | None:
    before, seen = state.scores, tick.scores
    if settings.score_tolerance is None or (before is None and seen is None):
        return None
    if before is None:
        before = scores.begin(settings, onset.level(state.seconds, settings.horizon_s))
    nothing = Both(NO_SCORES, NO_SCORES)
    return scores.after(before, settings, seen or nothing, weight, concurrent=tick.concurrent)


def _episode(state: State, tick: Tick, log_e: float) -> Episode:
    if log_e <= NO_EVIDENCE:
        return NO_EPISODE
    switched = tick.concurrent == state.blind
    return (NO_EPISODE if switched else state.episode).after(tick)


def _baseline(state: State, tick: Tick) -> Increment | None:
    if tick.concurrent:
        return None
    if state.baseline is None and not state.blind and state.stable.requests:
        return state.stable
    return state.baseline


def _limit(logs: Logs, settings: Settings, tick: Tick, recent: Recent) -> Logs:
    limit = settings.error_limit
    if limit is None or (tick.concurrent and recent.stable_breaches(limit, tick.stable)):
        return logs
    return eprocess.add(logs, steps.over_limit(limit, tick))


def _capped(logs: Logs, more: Logs | None, settings: Settings) -> Logs:
    if more is None:
        return logs
    cap = math.log(CAP / settings.alpha2)
    return tuple([max(RULED_OUT, min(cap, a + b)) for a, b in zip(logs, more, strict=True)])
