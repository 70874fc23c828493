"""What both arms served lately: counts that fade with a time constant of 30 s.

Kept by `state.update` for two uses that need the present and not the whole rollout: whether stable
breaches a limit too (then the limit is suspended: the fault is shared), and how fast requests come
(for "about N more requests"). It deliberately decides no verdict.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollouts.analysis.counts import Increment, Tick

FADE_S = 30.0


@dataclass(frozen=True, slots=True)
class Recent:
    """Faded counts; `seconds` is the faded time they stand for, 30 in the long run."""

    seconds: float = 0.0
    candidate: float = 0.0
    stable: float = 0.0
    stable_errors: float = 0.0

    def after(self, tick: Tick) -> Recent:
        """The counts once this tick is in."""
        kept = math.exp(-tick.seconds / FADE_S)
        return Recent(
            self.seconds * kept + tick.seconds,
            self.candidate * kept + tick.candidate.requests,
            self.stable * kept + tick.stable.requests,
            self.stable_errors * kept + tick.stable.errors,
        )

    def stable_breaches(self, limit: float, now: Increment) -> bool:
        """True when stable is at or over the limit: lately, or in the tick just seen.

        The single tick is looked at as well because an incident that begins now reaches both arms
        at once, long before a faded rate shows it. Stable's outcomes do not depend on the
        candidate's, so skipping the candidate's tick for them keeps the limit's test valid.
        """
        lately = self.stable_errors >= limit * self.stable > 0
        return lately or (now.requests > 0 and now.rate >= limit)

    @property
    def candidate_per_second(self) -> float:
        """Requests a second that reach the candidate now."""
        return self.candidate / self.seconds if self.seconds > 0 else 0.0

    @property
    def stable_per_candidate(self) -> float:
        """How many requests stable gets for each of the candidate's; 0 where it gets none."""
        return self.stable / self.candidate if self.candidate > 0 else 0.0
