"""Latency: is the candidate slower than stable, and is it slower than it may ever be.

Called by `update`. Every `le` boundary of the histograms is a kind of event for `events`: requests
that took longer. The candidate's odds of that may be `tolerance.latency` times stable's, 1.25 by
default: pods differ a little by nature. The boundaries are those that both arms have, fixed when
the first requests are seen, thinned to 16. No quantile is estimated: a bucket's count is exact.

The limit says which share of requests may take longer than so many seconds; it is a one-sample test
as for errors, at the first boundary that is not below the limit (whoever is beyond that one is
beyond the limit too), and stands still while stable is over it as well. A pod's first requests
after its start are left out before the counts come here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rollouts.analysis import eprocess, events, onesample, onset
from rollouts.analysis.counts import Increment
from rollouts.analysis.saved import numbers, rounded_down
from rollouts.analysis.settings import TOLERATED_ODDS

if TYPE_CHECKING:
    from rollouts.analysis.counts import Both, Histogram
    from rollouts.analysis.eprocess import Logs
    from rollouts.analysis.events import Compared, Counts
    from rollouts.analysis.settings import Settings
    from rollouts.jsontypes import Json

MOST_BOUNDS = 16


@dataclass(frozen=True, slots=True)
class Latency:
    """Boundaries in seconds, the comparison at each, and the evidence of being over the limit."""

    bounds: Logs
    compared: Compared
    over: Logs

    def to_json(self) -> Json:
        """Plain JSON."""
        return [list(self.bounds), self.compared.to_json(), rounded_down(self.over)]

    @classmethod
    def from_json(cls, data: Json) -> Latency:
        """The reverse of `to_json`. Raises TypeError or ValueError for anything else."""
        bounds, compared, over = data
        if not 0 < len(bounds) <= MOST_BOUNDS or list(bounds) != sorted(set(bounds)):
            raise ValueError(f"boundaries that rise are expected, these are {bounds!r:.60}")
        return cls(
            numbers(bounds, len(bounds)),
            events.Compared.from_json(compared, len(bounds)),
            numbers(over, len(onesample.LIMIT_TIMES)),
        )

    def limit_at(self, settings: Settings) -> int | None:
        """The index of the first boundary that is not below the limit."""
        limit = settings.latency_limit_s
        at = [i for i, bound in enumerate(self.bounds) if limit is not None and bound >= limit]
        return at[0] if at else None


def ready(
    before: Latency | None, settings: Settings, seen: Both[Histogram], level: float
) -> Latency | None:
    """The state that takes this tick in; None while there is no boundary to hold to.

    It is made when the first requests are seen, and anew when stable turns out to count by other
    boundaries: nothing was compared until then. `level`: the log of what the evidence is while
    nothing was seen (`onset.level`).
    """
    if before is None:
        return _begin(settings, seen, level)
    unknown = before.compared.stable.requests == 0
    if unknown and seen.stable.beyond(before.bounds) is None:
        return _begin(settings, seen, level)
    return before


def _begin(settings: Settings, seen: Both[Histogram], level: float) -> Latency | None:
    stable = seen.stable.bounds or seen.candidate.bounds
    common = tuple(bound for bound in seen.candidate.bounds if bound in stable)
    if not (common and seen.candidate.requests):
        return None
    bounds = _thinned(common, settings.latency_limit_s)
    return Latency(
        bounds,
        events.begin((level,) * len(bounds)),
        (level,) * len(onesample.LIMIT_TIMES),
    )


def after(
    state: Latency, settings: Settings, seen: Both[Histogram], weight: float, *, concurrent: bool
) -> Latency:
    """One tick more; `weight` is what the start times of this tick add (`onset.weight`)."""
    compared = replace(state.compared, logs=onset.take_in(state.compared.logs, weight))
    over = onset.take_in(state.over, weight)
    candidate, stable = _counts(seen.candidate, state.bounds), _counts(seen.stable, state.bounds)
    if candidate is None or stable is None:  # an arm whose boundaries are others now
        return Latency(state.bounds, compared, over)
    times = settings.latency_odds or TOLERATED_ODDS
    now = events.compare(compared, times, candidate, stable, concurrent=concurrent)
    at = state.limit_at(settings)
    if at is not None and not (concurrent and _shared(settings, now, stable, at)):
        share, slow = settings.latency_limit_share, Increment(candidate[0], candidate[1][at])
        alternatives = onesample.by_odds(share, onesample.LIMIT_TIMES)
        over = eprocess.add(over, onesample.increments(alternatives, share, slow))
    return Latency(state.bounds, now, over)


def _shared(settings: Settings, now: Compared, stable: Counts, at: int) -> bool:
    """True when stable is over the limit too, lately or in the tick just seen."""
    share = settings.latency_limit_share
    lately = now.stable.events[at] >= share * now.stable.requests > 0
    return lately or stable[1][at] >= share * stable[0] > 0


def _counts(seen: Histogram, bounds: Logs) -> Counts | None:
    beyond = seen.beyond(bounds)
    return None if beyond is None else (seen.requests, beyond)


def _thinned(bounds: Logs, limit: float | None) -> Logs:
    """At most 16, evenly by number, always with the one that the limit is judged at."""
    if len(bounds) <= MOST_BOUNDS:
        return bounds
    last = len(bounds) - 1
    kept = {bounds[round(i * last / (MOST_BOUNDS - 2))] for i in range(MOST_BOUNDS - 1)}
    return tuple(sorted(kept | set([b for b in bounds if limit is not None and b >= limit][:1])))
