"""Times a loaded model: single rows after a warm-up, batches, memory around the batches.

Used by `checks.evidence.model_runs`. Clock and memory figure are the parent's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from checks.sandbox import Prediction, Table

WARM_UP_CALLS = 20
LEAST_SINGLE_CALLS = 100
MOST_SINGLE_CALLS = 500
SINGLE_CALLS_BUDGET_S = 4.0
BATCHES = 20
WARM_UP_BATCHES = 3
BATCH_ROWS = 1_000
LEAST_BATCHES = 5
BATCHES_BUDGET_S = 4.0
WARM_UP_BUDGET_S = 1.0
HARD_BUDGET_S = 60.0


class Asked(Protocol):
    """The part of a model session that is timed."""

    def predict(self, table: Table) -> Prediction:
        """Answers for each row, and the seconds that they took."""

    def rss_bytes(self) -> int:
        """Memory that the model's process holds now."""


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


def measure(session: Asked, load_seconds: float, inputs: Table) -> Timings:
    """Times single rows after a warm-up, then batches, and reads the memory around the batches.

    A slow model is asked less often: at least 100 single calls unless they take over a minute.
    """
    picks = np.random.default_rng(0).integers(0, inputs.rows, WARM_UP_CALLS + MOST_SINGLE_CALLS)
    rows = [inputs.take(np.array([index])) for index in picks]
    _ask(session, rows[:WARM_UP_CALLS], least=1, budget=WARM_UP_BUDGET_S)
    calls = rows[WARM_UP_CALLS:]
    singles = _ask(session, calls, least=LEAST_SINGLE_CALLS, budget=SINGLE_CALLS_BUDGET_S)
    batch = inputs.take(np.resize(np.arange(inputs.rows), BATCH_ROWS))
    _ask(session, [batch] * WARM_UP_BATCHES, least=1, budget=WARM_UP_BUDGET_S)
    before = session.rss_bytes()
    batches = _ask(session, [batch] * BATCHES, least=LEAST_BATCHES, budget=BATCHES_BUDGET_S)
    return Timings(
        load_seconds=load_seconds,
        single_seconds=singles,
        batch_rows=BATCH_ROWS,
        batch_seconds=batches,
        rss_before=before,
        rss_after=session.rss_bytes(),
        cut_short=len(singles) < MOST_SINGLE_CALLS or len(batches) < BATCHES,
    )


def _ask(session: Asked, tables: list[Table], *, least: int, budget: float) -> tuple[float, ...]:
    """Seconds of each call; `budget` seconds end it after `least` calls, a minute always does."""
    seconds: list[float] = []
    spent = 0.0
    for table in tables:
        if spent > HARD_BUDGET_S or (spent > budget and len(seconds) >= least):
            break
        seconds.append(session.predict(table).seconds)
        spent += seconds[-1]
    return tuple(seconds)
