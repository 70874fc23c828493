"""About how many more requests to the candidate until a verdict.

Called by `judge` for an undecided rollout. For every alternative of every test, the evidence still
missing is divided by what one more request to the candidate adds to it at the rates seen so far,

    N = (ln of the evidence needed - ln of the alternative's) / growth a request

and the smallest N that is positive is the answer. The candidate's rate is drawn towards stable's by
20 requests' worth, so that the first handful does not swing it. It is an estimate for people and
deliberately decides nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rollouts.analysis import eprocess, onesample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollouts.analysis.settings import Settings
    from rollouts.analysis.state import State

PRIOR = 20.0  # requests
TOO_MANY = 10_000_000  # beyond this the answer is "cannot be told"


def more_requests(state: State, settings: Settings) -> int | None:
    """Requests to the candidate until a verdict of either kind; None when none is in sight."""
    needed = [missing / growth for missing, growth in _races(state, settings) if growth > 0]
    least = min(needed, default=math.inf)
    return max(1, math.ceil(least)) if least < TOO_MANY else None


def _races(state: State, settings: Settings) -> Iterator[tuple[float, float]]:
    """(evidence missing, growth a request) of every alternative."""
    p_s = state.stable.rate
    p_c = (state.candidate.errors + PRIOR * p_s) / (state.candidate.requests + PRIOR)
    fine_at = math.log(1 / settings.alpha2)
    for q, log_m in zip(onesample.below(settings.tolerated), state.absolute, strict=True):
        yield fine_at - log_m, _absolute_growth(p_c, q, settings.tolerated)
    share = state.recent.stable_per_candidate
    if state.blind or share == 0:
        return
    # A comparison grows only on its own side of its null.
    if p_c < settings.r1 * p_s:
        for ratio, log_m in zip(eprocess.FINE_RATIOS, state.ratio, strict=True):
            yield fine_at - log_m, _ratio_growth(p_c, p_s, share, ratio, settings.r1)
    if p_c > settings.r0 * p_s:
        worse_at = math.log(eprocess.GRID / settings.alpha)
        for ratio, log_m in zip(eprocess.worse_ratios(settings.r0), state.worse, strict=True):
            yield worse_at - log_m, _ratio_growth(p_c, p_s, share, ratio, settings.r0)


def _ratio_growth(p_c: float, p_s: float, share: float, ratio: float, null: float) -> float:
    seen = p_c + share * p_s
    return p_c * math.log(ratio / null) - seen * math.log((ratio + share) / (null + share))


def _absolute_growth(p_c: float, q: float, null: float) -> float:
    if q == 0 and p_c > 0:
        return -math.inf
    error = p_c * math.log(q / null) if p_c > 0 else 0.0
    return error + (1 - p_c) * (math.log1p(-q) - math.log1p(-null))
