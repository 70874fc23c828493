"""One-sample evidence: an error rate against a fixed one, on the scale of logs.

Called by `state.update` three times: for the limit ("more than 5 % fail"), for `fine` by the
absolute rate ("less than the tolerated 1 % fail"), and in place of the two-sample comparison where
no stable runs beside the candidate. For a null rate p and an alternative q, a tick changes the log
of the evidence by

    k ln(q/p) + (n - k) ln[(1-q)/(1-p)]

the likelihood ratio of n Bernoulli requests with k errors; its exponential has expectation <= 1 on
the null's whole side of p. It deliberately knows nothing of stable.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from rollouts.analysis.eprocess import log_spaced

if TYPE_CHECKING:
    from rollouts.analysis.counts import Increment
    from rollouts.analysis.eprocess import Logs

LIMIT_TIMES = log_spaced(1.25, 400.0, 12)  # alternatives of "over the limit", as odds ratios

# Alternatives of "under the tolerated rate", as parts of it, with the weight each has. Most lies on
# "no errors at all": a service without any is then fine after ln(1/(0.7 alpha2))/tolerated
# requests, about 300 at the defaults.
TOLERATED = ((0.0, 0.7), (0.1, 0.1), (0.25, 0.1), (0.5, 0.1))
TOLERATED_LOG_WEIGHTS: Logs = tuple(math.log(weight) for _, weight in TOLERATED)

NO_CHANCE = -1e6  # the log of evidence that an impossible event leaves; finite, so it can be saved

ONE_SIDED_95 = 1.6448536269514722  # standard normal quantile


@lru_cache(maxsize=256)
def by_odds(null: float, times: Logs) -> Logs:
    """The rates whose odds are `times` the odds of `null`."""
    odds = null / (1.0 - null)
    return tuple(odds * t / (1.0 + odds * t) for t in times)


@lru_cache(maxsize=256)
def below(tolerated: float) -> Logs:
    """The alternatives of "under the tolerated rate"."""
    return tuple(part * tolerated for part, _ in TOLERATED)


@lru_cache(maxsize=256)
def _steps(null: float, alternatives: Logs) -> tuple[tuple[float, float], ...]:
    """Per alternative: what one error and what one success add."""
    return tuple(
        (
            math.log(q / null) if q > 0 else NO_CHANCE,
            math.log1p(-q) - math.log1p(-null),
        )
        for q in alternatives
    )


def increments(alternatives: Logs, null: float, seen: Increment) -> Logs | None:
    """The logs' change for each alternative; None where nothing was seen."""
    if seen.requests == 0:
        return None
    failed, passed = seen.errors, seen.requests - seen.errors
    return tuple(
        [failed * error + passed * success for error, success in _steps(null, alternatives)]
    )


def interval(seen: Increment) -> tuple[float, float]:
    """Where the rate behind `seen` lies, each side wrong with 5 % (Wilson's score interval)."""
    return interval_of(seen.requests, seen.errors)


def interval_of(requests: float, events: float) -> tuple[float, float]:
    """The same for counts that have faded; `requests` > 0."""
    n, z2, rate = requests, ONE_SIDED_95**2, events / requests
    middle = (events + z2 / 2) / (n + z2)
    spread = math.sqrt(z2 * (rate * (1 - rate) + z2 / (4 * n)) / n) * n / (n + z2)
    return max(0.0, middle - spread), min(1.0, middle + spread)
