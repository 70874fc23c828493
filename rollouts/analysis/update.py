"""The step of a rollout's analysis from one tick to the next, and the evidence it adds up to.

`start` and `update` are called by the controller at every tick; `judge` reads what comes out.
Nothing here reads a clock.

Four pieces of evidence run side by side, as natural logs of e-processes:
- `worse`: candidate against stable, null "at most r0 times stable's rate" (`eprocess`, `onset`).
  Without a concurrent stable the same process takes one-sample steps against the frozen baseline,
  of which it believes the upper end: a product of e-values stays one.
- `limit`: candidate against the limit (`onesample`, `onset`), standing still while stable is over
  it too.
- `ratio` and `absolute`: the two ways to `fine`. They are capped some way above what a verdict
  needs, so that hours of health do not outweigh a fault that begins now; a capped e-process is
  still one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rollouts.analysis import eprocess, onesample, onset, steps
from rollouts.analysis.state import Episode, State

if TYPE_CHECKING:
    from rollouts.analysis.counts import Increment, Tick
    from rollouts.analysis.eprocess import Logs
    from rollouts.analysis.recent import Recent
    from rollouts.analysis.settings import Settings

CAP = 10.0  # times the evidence that a verdict of `fine` needs
NO_EVIDENCE = 0.05  # ln E at or below which an episode begins anew
NO_EPISODE = Episode()


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
    log_e = log_evidence(worse, limit, seconds, settings)
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
    )


def log_evidence(worse: Logs, limit: Logs, seconds: float, settings: Settings) -> float:
    """ln E of the rollout: comparison and limit, weighted by their shares of alpha.

    A weighted mean of e-processes is one, so crossing 1/alpha is wrong with at most alpha.
    """
    comparison = onset.log_evidence(worse, seconds, settings.horizon_s)
    if settings.error_limit is None:
        return comparison
    share = settings.limit_share
    over = onset.log_evidence(limit, seconds, settings.horizon_s)
    return eprocess.log_add(math.log1p(-share) + comparison, math.log(share) + over)


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
    return tuple([min(cap, a + b) for a, b in zip(logs, more, strict=True)])
