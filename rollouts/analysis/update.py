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
from dataclasses import replace
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
    episode = Episode() if tick.concurrent == state.blind else state.episode
    after = replace(
        state,
        worse=eprocess.add(onset.take_in(state.worse, weight), against),
        limit=_limit(onset.take_in(state.limit, weight), settings, tick, recent),
        ratio=_capped(state.ratio, in_favour, settings),
        absolute=_capped(state.absolute, steps.tolerable(settings, tick), settings),
        seconds=seconds,
        candidate=state.candidate + tick.candidate,
        stable=state.stable + tick.stable,
        episode=episode.after(tick),
        recent=recent,
        blind=not tick.concurrent,
        baseline=baseline,
    )
    if log_evidence(after, settings) > NO_EVIDENCE:
        return after
    return replace(after, episode=Episode())


def log_evidence(state: State, settings: Settings) -> float:
    """ln E of the rollout: comparison and limit, weighted by their shares of alpha.

    A weighted mean of e-processes is one, so crossing 1/alpha is wrong with at most alpha.
    """
    comparison = log_comparison(state, settings)
    if settings.error_limit is None:
        return comparison
    share = settings.limit_share
    limit = onset.log_evidence(state.limit, state.seconds, settings.horizon_s)
    return eprocess.log_add(math.log1p(-share) + comparison, math.log(share) + limit)


def log_comparison(state: State, settings: Settings) -> float:
    """ln E of the comparison with stable alone."""
    return onset.log_evidence(state.worse, state.seconds, settings.horizon_s)


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
