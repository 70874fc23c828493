"""Common events of both arms, compared: the safe two-by-two test, once for each kind of event.

Used by `latency` (a kind for each boundary: took longer than that) and by `update` for labels (one
kind: the prediction was wrong). The guesses that the test needs are faded shares of the ticks
before, so that they follow a fault that begins late; the memory is 250 of the candidate's requests,
started like a Beta(1/2, 1/2). The E's of the kinds are averaged. Without a concurrent stable the
candidate is held against the upper end of stable's last share, as `onesample` does for errors.
It deliberately knows neither seconds nor what the events mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from rollouts.analysis import onesample, twobytwo
from rollouts.analysis.saved import numbers, rounded, rounded_down

if TYPE_CHECKING:
    from rollouts.analysis.eprocess import Logs
    from rollouts.jsontypes import Json

MEMORY = 250.0  # of the candidate's requests
LEAST_BASELINE = 30.0  # faded requests of stable below which nothing is held against them
MOST_NULL = 0.999

Counts: TypeAlias = tuple[int, tuple[int, ...]]  # requests, and events of each kind


@dataclass(frozen=True, slots=True)
class Seen:
    """Faded counts of one arm: requests, and events of each kind."""

    requests: float
    events: Logs

    def after(self, kept: float, counts: Counts) -> Seen:
        """Faded by `kept`, with one more tick in it."""
        requests, events = counts
        more = zip(self.events, events, strict=True)
        return Seen(self.requests * kept + requests, tuple([a * kept + b for a, b in more]))

    def guess(self, kind: int) -> float:
        """The share of that kind, drawn a little towards one half: never 0 and never 1."""
        return (self.events[kind] + 0.5) / (self.requests + 1.0)


@dataclass(frozen=True, slots=True)
class Compared:
    """The evidence of each kind, and the faded counts that the guesses are made of."""

    logs: Logs
    candidate: Seen
    stable: Seen

    def to_json(self) -> Json:
        """Plain JSON."""
        arms = [rounded((arm.requests, *arm.events), 2) for arm in (self.candidate, self.stable)]
        return [rounded_down(self.logs), *arms]

    @classmethod
    def from_json(cls, data: Json, kinds: int) -> Compared:
        """The reverse of `to_json`. Raises TypeError or ValueError for anything else."""
        logs, candidate, stable = data
        return cls(numbers(logs, kinds), _seen(candidate, kinds), _seen(stable, kinds))


def begin(logs: Logs) -> Compared:
    """Nothing seen yet, with the evidence that nothing leaves."""
    nothing = Seen(0.0, (0.0,) * len(logs))
    return Compared(logs, nothing, nothing)


def compare(
    state: Compared, times: float, candidate: Counts, stable: Counts, *, concurrent: bool
) -> Compared:
    """One tick more; `times`: how many times stable's odds are tolerated."""
    kept = math.exp(-candidate[0] / MEMORY)
    if concurrent:
        more = _against_stable(state, times, candidate, stable)
        after = state.stable.after(kept, stable)
    else:
        kinds = range(len(state.logs))
        more = [_against_baseline(state, times, kind, candidate) for kind in kinds]
        after = state.stable
    logs = tuple([a + b for a, b in zip(state.logs, more, strict=True)])
    return Compared(logs, state.candidate.after(kept, candidate), after)


def growth(state: Compared, times: float, share: float) -> list[float]:
    """What one more request to the candidate, and `share` to stable, add on average to each log."""
    found = []
    for kind in range(len(state.logs)):
        theta_c, theta_s = state.candidate.guess(kind), state.stable.guess(kind)
        if theta_c <= twobytwo.times_odds(theta_s, times):
            found.append(0.0)
            continue
        q_c, q_s = twobytwo.nearest(1.0, share, theta_c + share * theta_s, times)
        found.append(twobytwo.divergence(theta_c, q_c) + share * twobytwo.divergence(theta_s, q_s))
    return found


def _against_stable(
    state: Compared, times: float, candidate: Counts, stable: Counts
) -> list[float]:
    """l of every kind. Most guesses lie within the null, which is looked at first."""
    (n_c, in_candidate), (n_s, in_stable) = candidate, stable
    of_c, of_s = state.candidate.requests + 1.0, state.stable.requests + 1.0
    found = []
    for seen_c, seen_s, k_c, k_s in zip(
        state.candidate.events, state.stable.events, in_candidate, in_stable, strict=True
    ):
        guess = (seen_c + 0.5) / of_c, (seen_s + 0.5) / of_s
        within = guess[0] <= guess[1]
        found.append(0.0 if within else twobytwo.increment(times, guess, (n_c, k_c), (n_s, k_s)))
    return found


def _against_baseline(state: Compared, times: float, kind: int, candidate: Counts) -> float:
    before = state.stable
    if before.requests < LEAST_BASELINE:
        return 0.0
    upper = onesample.interval_of(before.requests, before.events[kind])[1]
    null = min(MOST_NULL, twobytwo.times_odds(upper, times))
    guess = state.candidate.guess(kind)
    if guess <= null:
        return 0.0
    return twobytwo.one_arm(guess, null, (candidate[0], candidate[1][kind]))


def _seen(data: Json, kinds: int) -> Seen:
    requests, *events = numbers(data, kinds + 1)
    if requests < 0 or any(not 0 <= happened <= requests + 0.01 for happened in events):
        raise ValueError("shares must lie between 0 and 1")
    return Seen(requests, tuple(min(happened, requests) for happened in events))
