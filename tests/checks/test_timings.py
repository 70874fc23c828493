"""How often a model is asked depends on how long it takes, never for ever."""

from __future__ import annotations

import numpy as np
import pytest

from checks.evidence import timings
from checks.sandbox.table import Prediction, Table, column_of

INPUTS = Table((column_of("x", np.arange(7.0)),))


class Timed:
    """Answers at a fixed pace by its own account, and grows by a byte a row."""

    def __init__(self, single: float, batch: float) -> None:
        self.single, self.batch = single, batch
        self.calls: list[int] = []

    def predict(self, table: Table) -> Prediction:
        """Zeros, and the pace."""
        self.calls.append(table.rows)
        return Prediction(np.zeros(table.rows), self.single if table.rows == 1 else self.batch)

    def rss_bytes(self) -> int:
        """A byte for each row seen so far."""
        return sum(self.calls)


@pytest.mark.parametrize(
    ("single", "batch", "singles", "batches", "cut"),
    [
        (0.001, 0.01, 500, 20, False),
        (0.03, 0.01, 134, 20, True),
        (0.2, 0.01, 100, 20, True),
        (10.0, 0.01, 7, 20, True),
        (100.0, 100.0, 1, 1, True),
        (0.001, 6.0, 500, 5, True),
    ],
)
def test_slow_models_are_asked_less_often(
    single: float, batch: float, singles: int, batches: int, cut: bool
) -> None:
    found = timings.measure(Timed(single, batch), 1.5, INPUTS)
    assert len(found.single_seconds) == singles
    assert len(found.batch_seconds) == batches
    assert found.cut_short is cut
    assert found.load_seconds == 1.5


def test_the_warm_up_is_not_counted() -> None:
    session = Timed(0.001, 0.01)
    found = timings.measure(session, 0.0, INPUTS)
    assert session.calls.count(1) == 520
    assert session.calls.count(1000) == 23
    assert found.rss_after - found.rss_before == 20 * 1000
