"""The answer of the analysis, as the engine and people read it.

Made by `judge`, copied into `status.analysis` by the controller. Plain data: it deliberately does
not decide what happens next, which is the engine's part.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollouts.analysis.counts import Increment
    from rollouts.analysis.evidence import Part
    from rollouts.reasons import Reason


class Kind(StrEnum):
    """What is known about the candidate at this moment."""

    WORSE = "worse"
    FINE = "fine"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Judgement:
    """A verdict with its reason in words.

    `log_e` is the natural logarithm of the evidence for "worse": roll back at ln(1/alpha).
    `more_requests` and `eta_s` say about how many more requests to the candidate, and how many
    seconds at the present rate, until a verdict; None where that cannot be told. `candidate` and
    `stable` are totals since the analysis began. `blind` says that the comparison was made with a
    frozen baseline, without a concurrent stable. `part` is what spoke where the kind is `worse`.
    """

    kind: Kind
    reason: Reason
    message: str
    log_e: float
    candidate: Increment
    stable: Increment
    more_requests: int | None = None
    eta_s: float | None = None
    blind: bool = False
    part: Part | None = None
