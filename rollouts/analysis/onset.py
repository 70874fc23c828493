"""When a regression may begin: the mixture over start times.

Called by `state.update` for the processes that speak against the candidate. Each alternative's
evidence M takes in new weight as time passes, before the tick's increment:

    M_t = (M_{t-1} + w_t) exp(l_t)        E_t = mean of M_t + reserve,  reserve = 1 - sum of w

w is 1/2 at the start; the other half is spread evenly, every 10 s, over the horizon (after the
e-detectors of Shin, Ramdas and Rinaldo, arXiv 2203.03532). A regression that begins after an hour
of health is so weighed from its own beginning. Past the horizon the spreading goes on at the same
pace with the reserve at 0: the bound on a false rollback, alpha until then, grows by alpha/2 for
every further horizon. It deliberately reads no clock: seconds are summed up from ticks.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from rollouts.analysis.eprocess import log_add, log_sum
from rollouts.analysis.settings import ONSET_EVERY_S

if TYPE_CHECKING:
    from rollouts.analysis.eprocess import Logs

FIRST = 0.5  # the weight of "worse from the start"


def begin(alternatives: int) -> Logs:
    """The logs of M at the start, with the first weight taken in."""
    return (math.log(FIRST),) * alternatives


def weight(before_s: float, after_s: float, horizon_s: float) -> float:
    """w of a tick that leads from `before_s` to `after_s` seconds after the start."""
    marks = math.floor(after_s / ONSET_EVERY_S) - math.floor(before_s / ONSET_EVERY_S)
    return marks * _per_mark(horizon_s)


def take_in(logs: Logs, new_weight: float) -> Logs:
    """M + w."""
    if not new_weight:
        return logs
    log_weight = math.log(new_weight)
    return tuple([log_add(value, log_weight) for value in logs])


def level(seconds: float, horizon_s: float) -> float:
    """The log of M after so many seconds in which nothing was seen."""
    return math.log(FIRST + math.floor(seconds / ONSET_EVERY_S) * _per_mark(horizon_s))


def log_evidence(logs: Logs, seconds: float, horizon_s: float) -> float:
    """ln E: of the mean of M and the weight that is still in reserve."""
    mean = _log_mean(logs)
    marks = math.floor(seconds / ONSET_EVERY_S)
    reserve = 1.0 - FIRST - marks * _per_mark(horizon_s)
    return log_add(mean, math.log(reserve)) if reserve > 0 else mean


@lru_cache(maxsize=8192)
def _log_mean(logs: Logs) -> float:
    """Remembered: most ticks of most rollouts change nothing, and `judge` asks again."""
    return log_sum(logs) - math.log(len(logs))


def _per_mark(horizon_s: float) -> float:
    return (1.0 - FIRST) / math.floor(horizon_s / ONSET_EVERY_S)
