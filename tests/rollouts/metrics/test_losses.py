"""What a dead pod cannot count itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rollouts.analysis import Increment
from rollouts.metrics import CursorError, Losses, count_losses
from tests.rollouts.metrics.objects import EARLIER, LATER, T0, pod


def lost(before: dict[str, Any], after: dict[str, Any]) -> int:
    """The losses of one pod from one look to the next, through a checkpoint."""
    _, losses = count_losses(Losses(T0), [pod(**before)])
    losses = Losses.from_json(json.loads(json.dumps(losses.to_json())))
    increment, _ = count_losses(losses, [pod(**after)])
    assert increment.requests == increment.errors
    return increment.errors


def test_a_healthy_pod_loses_nothing() -> None:
    assert lost({}, {}) == 0
    assert lost({"ready": False}, {"ready": True}) == 0
    assert lost({"ready": False}, {"ready": False}) == 0


def test_every_restart_counts_once() -> None:
    assert lost({"restarts": 2}, {"restarts": 5}) == 3
    assert lost({"restarts": 2}, {"restarts": 2}) == 0
    assert lost({"restarts": 2}, {"restarts": 3, "ready": False}) == 1


def test_lost_readiness_counts_once() -> None:
    assert lost({"ready": True}, {"ready": False}) == 1


def test_a_failed_pod_counts_once() -> None:
    assert lost({}, {"phase": "Failed", "ready": False}) == 1
    assert lost({"phase": "Failed", "ready": False}, {"phase": "Failed", "ready": False}) == 0


def test_a_pod_that_is_taken_down_on_purpose_is_no_loss() -> None:
    assert lost({"ready": True}, {"ready": False, "leaving": True}) == 0
    _, losses = count_losses(Losses(T0), [pod()])
    assert count_losses(losses, [])[0] == Increment()


def test_restarts_from_before_this_analysis_do_not_count() -> None:
    before, _ = count_losses(Losses(T0), [pod(restarts=4, created=EARLIER)])
    within, _ = count_losses(Losses(T0), [pod(restarts=4, created=LATER)])
    assert (before, within) == (Increment(), Increment(4, 4))


def test_an_older_look_at_a_pod_counts_nothing_again() -> None:
    _, losses = count_losses(Losses(T0), [pod(restarts=3)])
    older, losses = count_losses(losses, [pod(restarts=2)])
    newer, _ = count_losses(losses, [pod(restarts=3)])
    assert (older, newer) == (Increment(), Increment())


@pytest.mark.parametrize("data", [None, {}, {"since": T0, "pods": {"u": [1]}}, {"pods": {}}])
def test_damaged_losses_are_refused(data: object) -> None:
    with pytest.raises(CursorError):
        Losses.from_json(data)
