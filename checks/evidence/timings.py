"""Times a loaded model: single rows after a warm-up, batches, memory around the batches.

Used by `checks.evidence.model_runs`. Clock and memory figure are the parent's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from checks.sandbox import LoadInfo, ModelSession, Table

WARM_UP_CALLS = 20
LEAST_SINGLE_CALLS = 100
MOST_SINGLE_CALLS = 500
SINGLE_CALLS_BUDGET_S = 10.0
BATCHES = 20
WARM_UP_BATCHES = 3
BATCH_ROWS = 1_000
BATCHES_BUDGET_S = 20.0


@dataclass(frozen=True)
class Timings:
    """Seconds by the parent's clock, bytes by the parent's reading of the child's memory."""

    load_seconds: float
    single_seconds: tuple[float, ...]
    batch_rows: int
    batch_seconds: tuple[float, ...]
    rss_before: int  # after the warm-up batches
    rss_after: int
    cut_short: bool = False  # a time budget ended the measurement early


def measure(session: ModelSession, info: LoadInfo, inputs: Table) -> Timings:
    """Times single rows after a warm-up, then batches, and reads the memory around the batches."""
    order = np.random.default_rng(0).integers(0, inputs.rows, MOST_SINGLE_CALLS + WARM_UP_CALLS)
    for index in order[:WARM_UP_CALLS]:
        session.predict(inputs.take(order[:1] * 0 + index))
    singles: list[float] = []
    for index in order[WARM_UP_CALLS:]:
        if len(singles) >= LEAST_SINGLE_CALLS and sum(singles) > SINGLE_CALLS_BUDGET_S:
            break
        singles.append(session.predict(inputs.take(np.array([index]))).seconds)
    batch = inputs.take(np.resize(np.arange(inputs.rows), BATCH_ROWS))
    for _ in range(WARM_UP_BATCHES):
        session.predict(batch)
    before = session.rss_bytes()
    seconds: list[float] = []
    while len(seconds) < BATCHES and sum(seconds) <= BATCHES_BUDGET_S:
        seconds.append(session.predict(batch).seconds)
    return Timings(
        load_seconds=info.seconds,
        single_seconds=tuple(singles),
        batch_rows=BATCH_ROWS,
        batch_seconds=tuple(seconds),
        rss_before=before,
        rss_after=session.rss_bytes(),
        cut_short=len(singles) < MOST_SINGLE_CALLS or len(seconds) < BATCHES,
    )
