"""About how many more requests to the candidate until a verdict.

Called by `judge` for an undecided rollout. At the rates seen so far, one more request to the
candidate adds g_a to the log of alternative a's evidence (for the ratio tests together with the
`share` requests that stable gets meanwhile):

    ratio:     g_a = p_c ln(a/null) - (p_c + share p_s) ln[(a + share) / (null + share)]
    absolute:  g_a = p_c ln(a/null) + (1 - p_c) ln[(1-a) / (1-null)]
    latency:   the mean of the two-by-two test's increment, at each boundary

For each test the answer is the N at which the sum of exp(log M_a + N g_a) is what a verdict needs;
the smallest N over the tests is shown. The candidate's rate is drawn towards stable's by ten
requests' worth, so that the first handful does not swing it. An estimate for people: it
deliberately decides nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rollouts.analysis import eprocess, events, evidence, onesample
from rollouts.analysis.evidence import Part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollouts.analysis.eprocess import Logs
    from rollouts.analysis.settings import Settings
    from rollouts.analysis.state import State

PRIOR = 10.0  # requests
TOO_MANY = 10_000_000  # beyond this the answer is "cannot be told"
NEVER = -1e9  # the growth of an alternative that the next error rules out; finite, to multiply
ENOUGH_STEPS = 12  # Newton's method is within a request long before


def more_requests(state: State, settings: Settings) -> int | None:
    """Requests to the candidate until a verdict of either kind; None when none is in sight."""
    least = min(_races(state, settings), default=math.inf)
    return max(1, math.ceil(least)) if least < TOO_MANY else None


def _races(state: State, settings: Settings) -> Iterator[float]:
    """How many requests each test still needs."""
    p_s = state.stable.rate
    p_c = (state.candidate.errors + PRIOR * p_s) / (state.candidate.requests + PRIOR)
    fine_at = math.log(1 / settings.alpha2)
    alternatives = onesample.below(settings.tolerated)
    yield _until(
        state.absolute,
        [_absolute_growth(p_c, q, settings.tolerated) for q in alternatives],
        fine_at,
    )
    share = state.recent.stable_per_candidate
    if state.blind or share == 0:
        return
    # A comparison grows only on its own side of its null.
    if p_c < settings.r1 * p_s:
        growth = _ratio_growth(p_c, p_s, share, eprocess.FINE_RATIOS, settings.r1)
        yield _until(state.ratio, growth, fine_at)
    if p_c > settings.r0 * p_s:
        ratios = eprocess.worse_ratios(settings.r0)
        growth = _ratio_growth(p_c, p_s, share, ratios, settings.r0)
        yield _until(state.worse, growth, _worse_at(Part.ERRORS, eprocess.GRID, settings))
    if state.latency is not None and settings.latency_odds is not None:
        compared = state.latency.compared
        growth = events.growth(compared, settings.latency_odds, share)
        yield _until(compared.logs, growth, _worse_at(Part.LATENCY, len(growth), settings))


def _worse_at(part: Part, alternatives: int, settings: Settings) -> float:
    """What the sum of a part's alternatives must reach to be enough alone."""
    return math.log(alternatives / settings.alpha) - evidence.log_shares(settings)[part]


def _until(logs: Logs, growth: list[float], wanted: float) -> float:
    """N with log_sum(logs + N growth) = wanted, by Newton's method from above.

    The function is convex, and one alternative alone reaches `wanted` no sooner than all together.
    """
    alone = [(wanted - log) / g for log, g in zip(logs, growth, strict=True) if g > 0]
    n = min(alone, default=math.inf)
    for _ in range(ENOUGH_STEPS if n < math.inf else 0):
        then = [log + n * g for log, g in zip(logs, growth, strict=True)]
        total = eprocess.log_sum(then)
        slope = sum(math.exp(log - total) * g for log, g in zip(then, growth, strict=True))
        if slope <= 0:
            break
        step = (total - wanted) / slope
        n -= step
        if step < 0.5:
            break
    return n


def _ratio_growth(p_c: float, p_s: float, share: float, ratios: Logs, null: float) -> list[float]:
    seen = p_c + share * p_s
    return [
        p_c * math.log(ratio / null) - seen * math.log((ratio + share) / (null + share))
        for ratio in ratios
    ]


def _absolute_growth(p_c: float, q: float, null: float) -> float:
    if q == 0 and p_c > 0:
        return NEVER
    error = p_c * math.log(q / null) if p_c > 0 else 0.0
    return error + (1 - p_c) * (math.log1p(-q) - math.log1p(-null))
