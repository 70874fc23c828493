"""All the evidence against a candidate in one number, and which part of it spoke.

Called by `update` for the sum and by `judge` for the words. Each part is an e-process against its
own null; each has a share of alpha, fixed by the settings before anything is seen. The weighted
mean of e-processes is one, so the sum crosses 1/alpha on a candidate that is neither worse nor over
a limit with at most alpha, however many parts there are and however they hang together.

A part alone needs 1/(share alpha). Errors keep what the others leave: 90 % where only errors are
counted, half where everything is.
"""

from __future__ import annotations

import math
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from rollouts.analysis import eprocess, onset

if TYPE_CHECKING:
    from rollouts.analysis.eprocess import Logs
    from rollouts.analysis.events import Compared
    from rollouts.analysis.latency import Latency
    from rollouts.analysis.scores import Bets
    from rollouts.analysis.settings import Settings
    from rollouts.analysis.state import State


class Part(StrEnum):
    """What may speak against a candidate."""

    ERRORS = "errors"
    ERROR_LIMIT = "errorLimit"
    LATENCY = "latency"
    LATENCY_LIMIT = "latencyLimit"
    LABELS = "labels"
    SCORES = "scores"


LIMITS = frozenset({Part.ERROR_LIMIT, Part.LATENCY_LIMIT})

SHARES = {
    Part.ERROR_LIMIT: 0.1,
    Part.LATENCY: 0.15,
    Part.LATENCY_LIMIT: 0.05,
    Part.LABELS: 0.1,
    Part.SCORES: 0.1,
}


@lru_cache(maxsize=256)
def log_shares(settings: Settings) -> dict[Part, float]:
    """ln of the share of alpha of each part that the settings test."""
    tested = {
        Part.ERROR_LIMIT: settings.error_limit,
        Part.LATENCY: settings.latency_odds,
        Part.LATENCY_LIMIT: settings.latency_limit_s,
        Part.LABELS: settings.labels_odds,
        Part.SCORES: settings.score_tolerance,
    }
    shares = {part: SHARES[part] for part, value in tested.items() if value is not None}
    shares[Part.ERRORS] = 1.0 - sum(shares.values())
    return {part: math.log(share) for part, share in shares.items()}


def parts(state: State, settings: Settings) -> dict[Part, float]:
    """ln E of every part that is tested; 0 for one that has not seen anything."""
    logs = speaking(state.worse, state.limit, state.latency, state.labels, state.scores)
    return weighed(logs, state.seconds, settings)


def speaking(
    worse: Logs,
    limit: Logs,
    latency: Latency | None,
    labels: Compared | None,
    scores: Bets | None,
) -> dict[Part, Logs]:
    """The logs of each part's alternatives, as a state keeps them."""
    logs = {Part.ERRORS: worse, Part.ERROR_LIMIT: limit}
    if latency is not None:
        logs[Part.LATENCY] = latency.compared.logs
        logs[Part.LATENCY_LIMIT] = latency.over
    if labels is not None:
        logs[Part.LABELS] = labels.logs
    if scores is not None:
        logs[Part.SCORES] = scores.logs
    return logs


def weighed(logs: dict[Part, Logs], seconds: float, settings: Settings) -> dict[Part, float]:
    """ln E of every part that is tested, after so many seconds."""
    horizon_s = settings.horizon_s
    return {
        part: onset.log_evidence(logs[part], seconds, horizon_s) if part in logs else 0.0
        for part in log_shares(settings)
    }


def total(found: dict[Part, float], settings: Settings) -> float:
    """ln E of the rollout."""
    if len(found) == 1:
        return found[Part.ERRORS]
    shares = log_shares(settings)
    return eprocess.log_sum([shares[part] + log_e for part, log_e in found.items()])


def loudest(found: dict[Part, float], settings: Settings) -> Part:
    """The part that a verdict is named after.

    The comparison of errors where it is enough by itself, else whoever has the greatest part.
    """
    if found[Part.ERRORS] >= min(total(found, settings), math.log(1 / settings.alpha)):
        return Part.ERRORS
    shares = log_shares(settings)
    return max(found, key=lambda part: shares[part] + found[part])
