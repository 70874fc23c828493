"""The pool says no instead of queueing without end, and finishes what it took."""

from __future__ import annotations

import threading

from bot.workers import Workers


def test_it_is_bounded_and_drains() -> None:
    workers = Workers(threads=1, waiting=2)
    release, begun, done = threading.Event(), threading.Event(), []

    def hold() -> None:
        begun.set()
        assert release.wait(10)
        done.append(0)

    assert workers.submit(hold)
    assert begun.wait(10)
    assert workers.submit(lambda: done.append(1))
    assert workers.submit(lambda: done.append(2))
    assert not workers.submit(lambda: done.append(3))
    assert not workers.drain(0.0)
    assert not workers.submit(lambda: done.append(4)), "nothing is taken once it drains"
    release.set()
    assert workers.drain(10)
    assert done == [0, 1, 2]


def test_a_task_that_fails_does_not_end_its_thread() -> None:
    workers = Workers(threads=1, waiting=2)
    done = []
    assert workers.submit(lambda: done.append(1 // 0))
    assert workers.submit(lambda: done.append(1))
    assert workers.drain(10)
    assert done == [1]
