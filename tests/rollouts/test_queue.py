"""The work queue: one thread a key, nothing lost, nothing doubled."""

from __future__ import annotations

import threading

from rollouts.controller.queue import LONGEST_BACKOFF_S, WorkQueue


def test_a_key_that_waits_already_is_not_doubled() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    queue.add("a")
    assert queue.get() == "a"
    assert len(queue) == 0


def test_a_key_that_is_worked_on_comes_round_again() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    assert queue.get() == "a"
    queue.add("a")
    assert len(queue) == 0, "nobody else gets it meanwhile"
    queue.done("a")
    assert queue.get() == "a"


def test_the_earliest_of_several_times_counts() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 3600)
    queue.add_after("a", 0.01)
    queue.add_after("a", 1800)
    assert queue.get() == "a"
    queue.done("a")


def test_a_key_that_is_due_wakes_a_waiting_thread() -> None:
    queue: WorkQueue[str] = WorkQueue()
    got: list[str | None] = []
    thread = threading.Thread(target=lambda: got.append(queue.get()))
    thread.start()
    queue.add_after("b", 0.02)
    thread.join(10)
    assert got == ["b"]


def test_closing_wakes_everybody() -> None:
    queue: WorkQueue[str] = WorkQueue()
    got: list[str | None] = []
    threads = [threading.Thread(target=lambda: got.append(queue.get())) for _ in range(3)]
    for thread in threads:
        thread.start()
    queue.close()
    for thread in threads:
        thread.join(10)
    assert got == [None, None, None]


def test_pauses_double_up_to_a_limit_and_begin_anew() -> None:
    queue: WorkQueue[str] = WorkQueue()
    pauses = [queue.fail("a") for _ in range(12)]
    assert pauses[1] == 2 * pauses[0]
    assert pauses[-1] == LONGEST_BACKOFF_S
    queue.succeed("a")
    assert queue.fail("a") == pauses[0]
    assert queue.fail("a", at_least_s=60) == 60
