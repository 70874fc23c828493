"""What one tick adds to each piece of evidence: which test, which null, which alternatives.

Called by `state.update`. It joins the formulas of `eprocess` and `onesample` with the settings, and
deliberately remembers nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollouts.analysis import eprocess, onesample

if TYPE_CHECKING:
    from rollouts.analysis.counts import Increment, Tick
    from rollouts.analysis.eprocess import Logs
    from rollouts.analysis.settings import Settings

LEAST_NULL, MOST_NULL = 1e-9, 0.999  # rates that a one-sample null may have


def against(settings: Settings, tick: Tick, baseline: Increment | None) -> Logs | None:
    """For "worse": more than r0 times stable's rate, or the upper end of the baseline's."""
    ratios = eprocess.worse_ratios(settings.r0)
    if tick.concurrent:
        return eprocess.increments(ratios, settings.r0, tick.candidate, tick.stable)
    if baseline is None:
        return None
    null = min(MOST_NULL, settings.r0 * onesample.interval(baseline)[1])
    alternatives = onesample.by_odds(null, eprocess.GRID_TIMES)
    return onesample.increments(alternatives, null, tick.candidate)


def in_favour(settings: Settings, tick: Tick, baseline: Increment | None) -> Logs | None:
    """For "fine" by ratio: less than r1 times stable's rate, or the baseline's lower end."""
    if tick.concurrent:
        return eprocess.increments(eprocess.FINE_RATIOS, settings.r1, tick.candidate, tick.stable)
    if baseline is None:
        return None
    null = min(MOST_NULL, settings.r1 * onesample.interval(baseline)[0])
    if null < LEAST_NULL:  # a baseline without errors: only the absolute test can speak
        return None
    times = tuple(ratio / settings.r1 for ratio in eprocess.FINE_RATIOS)
    return onesample.increments(onesample.by_odds(null, times), null, tick.candidate)


def tolerable(settings: Settings, tick: Tick) -> Logs | None:
    """For "fine" by the absolute rate: less than the tolerated share fails."""
    alternatives = onesample.below(settings.tolerated)
    return onesample.increments(alternatives, settings.tolerated, tick.candidate)


def over_limit(limit: float, tick: Tick) -> Logs | None:
    """For "limit breached": more than the limit fails."""
    alternatives = onesample.by_odds(limit, onesample.LIMIT_TIMES)
    return onesample.increments(alternatives, limit, tick.candidate)
