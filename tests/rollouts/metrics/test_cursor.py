"""Increments out of counters: nothing twice, nothing of another time (faults P3 and P5)."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import hypothesis.strategies as st
import pytest
from hypothesis import given

from rollouts import metrics
from rollouts.analysis import Increment
from rollouts.metrics import Cursor, CursorError, PodTarget, Sample
from tests.rollouts.metrics.objects import EARLIER, LATER, T0

OLD = PodTarget("a", "uid-a", "10.0.0.1", 80, "/metrics", restarts=0, created=EARLIER)
NEW = PodTarget("b", "uid-b", "10.0.0.2", 80, "/metrics", restarts=0, created=LATER)


def advance(cursor: Cursor, samples: dict[PodTarget, Sample]) -> tuple[Increment, Cursor]:
    """Requests and errors; the rest is in test_extras.py."""
    served, after = metrics.advance(cursor, samples)
    return served.increment, after


def follow(target: PodTarget, *samples: Sample) -> list[Increment]:
    """The increments of one pod, sample by sample."""
    cursor, increments = Cursor(T0), []
    for sample in samples:
        increment, cursor = advance(cursor, {target: sample})
        increments.append(increment)
    return increments


def test_a_pod_from_before_counts_from_its_first_sample() -> None:
    assert follow(OLD, Sample(1000, 50), Sample(1010, 52)) == [Increment(), Increment(10, 2)]


def test_a_pod_created_in_this_analysis_counts_from_zero() -> None:
    assert follow(NEW, Sample(7, 1), Sample(9, 1)) == [Increment(7, 1), Increment(2, 0)]
    at_once = replace(NEW, created=T0)
    assert follow(at_once, Sample(7, 1)) == [Increment(7, 1)]


def test_pods_add_up() -> None:
    _, cursor = advance(Cursor(T0), {OLD: Sample(100, 0), NEW: Sample(5, 1)})
    total, _ = advance(cursor, {OLD: Sample(110, 1), NEW: Sample(7, 3)})
    assert total == Increment(12, 3)


def test_p3_no_samples_and_no_traffic_are_no_increment() -> None:
    _, cursor = advance(Cursor(T0), {OLD: Sample(100, 5)})
    assert advance(cursor, {}) == (Increment(), cursor)
    assert advance(cursor, {OLD: Sample(100, 5)}) == (Increment(), cursor)


def test_p3_a_pod_that_was_out_of_reach_is_caught_up_with_once() -> None:
    _, cursor = advance(Cursor(T0), {OLD: Sample(100, 0)})
    nothing, cursor = advance(cursor, {})
    caught_up, cursor = advance(cursor, {OLD: Sample(130, 3)})
    again, _ = advance(cursor, {OLD: Sample(130, 3)})
    assert (nothing, caught_up, again) == (Increment(), Increment(30, 3), Increment())


def test_p3_a_restarted_container_counts_from_zero() -> None:
    _, cursor = advance(Cursor(T0), {OLD: Sample(100, 5)})
    increment, cursor = advance(cursor, {replace(OLD, restarts=1): Sample(8, 2)})
    assert increment == Increment(8, 2)
    increment, _ = advance(cursor, {replace(OLD, restarts=1): Sample(10, 2)})
    assert increment == Increment(2, 0)


def test_p3_a_restart_that_the_pod_list_shows_late_is_not_counted_twice() -> None:
    _, cursor = advance(Cursor(T0), {NEW: Sample(0, 0)})
    first, cursor = advance(cursor, {NEW: Sample(5, 1)})  # already the new process
    second, _ = advance(cursor, {replace(NEW, restarts=1): Sample(8, 2)})
    assert first + second == Increment(8, 2)


def test_p3_a_process_that_says_when_it_started_is_believed() -> None:
    old, new = Sample(5, 0, started=100.0), Sample(8, 1, started=200.0)
    assert follow(OLD, old, new) == [Increment(), Increment(8, 1)]


def test_p3_a_reset_without_a_sign_is_counted_on_from_the_second_look() -> None:
    samples = [Sample(100, 5), Sample(3, 1), Sample(10, 2), Sample(12, 2)]
    assert follow(OLD, *samples) == [Increment(), Increment(), Increment(7, 1), Increment(2, 0)]


def test_p1_a_partial_sum_that_comes_back_whole_is_not_counted_twice() -> None:
    samples = [Sample(100, 5), Sample(60, 2), Sample(110, 6)]
    assert follow(OLD, *samples) == [Increment(), Increment(), Increment(10, 1)]


def test_p3_counters_that_keep_falling_count_nothing() -> None:
    samples = [Sample(100, 5), Sample(60, 2), Sample(30, 1), Sample(31, 1)]
    assert follow(OLD, *samples) == [Increment(), Increment(), Increment(), Increment(1, 0)]


def test_errors_that_run_ahead_wait_for_their_requests() -> None:
    samples = [Sample(10, 0), Sample(10, 2), Sample(11, 2), Sample(20, 3)]
    assert follow(OLD, *samples) == [
        Increment(),
        Increment(),
        Increment(1, 1),
        Increment(9, 2),
    ]


def test_a_pod_that_is_gone_is_forgotten_only_when_told() -> None:
    _, cursor = advance(Cursor(T0), {OLD: Sample(1, 0), NEW: Sample(1, 0)})
    assert set(cursor.keep({"uid-b", "uid-c"}).pods) == {"uid-b"}


def test_a_replaced_pod_is_another_one() -> None:
    _, cursor = advance(Cursor(T0), {OLD: Sample(100, 5)})
    replacement = replace(NEW, name=OLD.name, ip=OLD.ip)
    increment, _ = advance(cursor, {replacement: Sample(4, 1)})
    assert increment == Increment(4, 1)


@pytest.mark.parametrize(
    "data",
    [None, [], {}, {"since": T0}, {"since": T0, "pods": []}, {"since": T0, "pods": {"u": [1, 2]}}],
)
def test_a_damaged_cursor_is_refused(data: object) -> None:
    with pytest.raises(CursorError):
        Cursor.from_json(data)


@dataclass
class Process:
    """A pod's process, served to the cursor as it is, late, in part or not at all."""

    requests: int = 0
    errors: int = 0
    total: int = 0  # over all its lives
    restarts: int = 0


STEPS = st.lists(
    st.tuples(
        st.integers(0, 20),  # requests that ended
        st.integers(0, 20),  # of which failed, at most
        st.sampled_from(
            ["seen"] * 4 + ["missed", "restart", "restart unseen", "checkpoint", "crash"]
        ),
    ),
    max_size=40,
)


@given(STEPS)
def test_p5_no_request_is_counted_twice_whatever_happens(
    steps: list[tuple[int, int, str]],
) -> None:
    process, cursor, counted = Process(), Cursor(T0), Increment()
    shown_restarts = 0
    saved = (json.dumps(cursor.to_json()), counted)
    for requests, errors, event in steps:
        if event.startswith("restart"):
            process = Process(total=process.total, restarts=process.restarts + 1)
        if event != "restart unseen":
            shown_restarts = process.restarts
        process.requests += requests
        process.errors += min(errors, requests)
        process.total += requests
        if event == "crash":  # of the controller: what it knew since the checkpoint is gone
            cursor, counted = Cursor.from_json(json.loads(saved[0])), saved[1]
        if event != "missed":
            target = replace(NEW, restarts=shown_restarts)
            increment, cursor = advance(cursor, {target: Sample(process.requests, process.errors)})
            counted += increment
        if event == "checkpoint":
            saved = (json.dumps(cursor.to_json()), counted)
        assert counted.requests <= process.total


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=30), st.data())
def test_p5_a_crash_after_any_tick_replays_one_coarse_tick(
    steps: list[tuple[int, int]], data: st.DataObject
) -> None:
    samples, requests, errors = [], 0, 0
    for more, failed in steps:
        requests, errors = requests + more, errors + min(more, failed)
        samples.append(Sample(requests, errors))
    checkpoint_at = data.draw(st.integers(0, len(samples)))
    cursor, counted = Cursor(T0), Increment()
    saved = (cursor, counted)
    for number, sample in enumerate(samples):
        if number == checkpoint_at:
            saved = (Cursor.from_json(json.loads(json.dumps(cursor.to_json()))), counted)
        increment, cursor = advance(cursor, {NEW: sample})
        counted += increment
    replayed, cursor_again = advance(saved[0], {NEW: Sample(requests, errors)})
    assert saved[1] + replayed == Increment(requests, errors)
    if samples and checkpoint_at < len(samples):
        assert counted == Increment(requests, errors)
        assert cursor_again == cursor
