"""The sample-ratio check: did the share of the requests that should reach the candidate reach it?

Called by `update`. A candidate that gets 3 % where the route says 25 % was not tried as planned:
clients bypass the route, a proxy has not taken it in, requests to the candidate are lost on the
way. So nothing is called fine while this check fails; it speaks neither for nor against the
candidate itself.

With the share w that the gateway confirmed, two one-sample tests on the candidate's part of all
requests run side by side: against "at least w's odds / tolerance" and "at most w's odds x
tolerance", averaged; the sequential test of a sample ratio as by Lindon and Malek (arXiv
2011.03567), with a tolerance because requests of one connection travel together. Each change of w
begins anew after ten seconds, in which proxies take the route in. The evidence is capped, as that
of `fine` is: when the share is right again, that shows in as many requests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollouts.analysis import eprocess, onesample, onset, twobytwo
from rollouts.analysis.counts import NOTHING, Increment
from rollouts.analysis.saved import increment, numbers, pair, rounded, rounded_down

if TYPE_CHECKING:
    from rollouts.analysis.counts import Tick
    from rollouts.analysis.eprocess import Logs
    from rollouts.analysis.settings import Settings
    from rollouts.jsontypes import Json

SETTLING_S = 10.0
MORE = (1.25, 1.6, 2.5, 6.0, 40.0)  # alternatives, as odds ratios beyond the tolerated ones
FEWER: Logs = tuple(1 / times for times in MORE)
CAP = 10.0  # times the evidence that says "not as planned"


@dataclass(frozen=True, slots=True)
class Arrival:
    """The share that is checked (None: none), since how long, and the evidence that it is not met.

    `seen`: all requests since it settled, and the candidate's as "errors".
    """

    share: float | None = None
    seconds: float = 0.0
    few: Logs = ()
    many: Logs = ()
    seen: Increment = NOTHING

    def to_json(self) -> Json:
        """Plain JSON."""
        logs = rounded_down((*self.few, *self.many))
        return [self.share, *rounded((self.seconds,)), logs, pair(self.seen)]

    @classmethod
    def from_json(cls, data: Json) -> Arrival:
        """The reverse of `to_json`. Raises TypeError or ValueError for anything else."""
        share, seconds, logs, seen = data
        if share is None:
            return cls()
        both = numbers(logs, 2 * len(MORE))
        few, many = both[: len(MORE)], both[len(MORE) :]
        (share,), (seconds,) = numbers([share], 1), numbers([seconds], 1)
        if not 0 < share < 1:
            raise ValueError(f"a share between 0 and 1 is expected, this is {share}")
        return cls(share, seconds, few, many, increment(seen))


def after(state: Arrival, settings: Settings, tick: Tick) -> Arrival:
    """One tick more."""
    share = tick.share if tick.concurrent and settings.share_odds is not None else None
    if share is None or not 0 < share < 1:
        return Arrival()
    if share != state.share:
        begun = onset.begin(len(MORE))
        return Arrival(share, 0.0, begun, begun)
    seconds = state.seconds + tick.seconds
    if state.seconds < SETTLING_S:
        return Arrival(share, seconds, state.few, state.many)
    weight = onset.weight(state.seconds, seconds, settings.horizon_s)
    now = Increment(tick.candidate.requests + tick.stable.requests, tick.candidate.requests)
    least, most = _edges(share, settings)
    return Arrival(
        share,
        seconds,
        _add(onset.take_in(state.few, weight), FEWER, least, now, settings),
        _add(onset.take_in(state.many, weight), MORE, most, now, settings),
        state.seen + now,
    )


def is_off(state: Arrival, settings: Settings) -> bool:
    """True while the share that arrives is not the one that was confirmed."""
    if state.share is None:
        return False
    both = (*state.few, *state.many)
    log_e = onset.log_evidence(both, state.seconds, settings.horizon_s)
    return log_e >= math.log(1 / settings.alpha)


def _edges(share: float, settings: Settings) -> tuple[float, float]:
    times = settings.share_odds or 1.0
    return twobytwo.times_odds(share, 1 / times), twobytwo.times_odds(share, times)


def _add(logs: Logs, times: Logs, null: float, now: Increment, settings: Settings) -> Logs:
    more = onesample.increments(onesample.by_odds(null, times), null, now)
    cap = math.log(CAP / settings.alpha)
    return tuple([min(cap, log) for log in eprocess.add(logs, more)])
