"""Latency, labels and scores: read from a page, turned into increments, nothing twice (P3, P5)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from rollouts.analysis import Histogram, Increment, Measure, Scores
from rollouts.metrics import Cursor, MetricError, PodTarget, Sample, Served, Trouble, advance
from rollouts.metrics.pods import PROVIDER as PODS
from tests.rollouts.metrics.objects import EARLIER, LATER, T0

OLD = PodTarget("a", "uid-a", "10.0.0.1", 80, "/metrics", created=EARLIER)
NEW = PodTarget("b", "uid-b", "10.0.0.2", 80, "/metrics", created=LATER)
SPEC: dict[str, Any] = {
    "type": "Pods",
    "pods": {
        "requests": "n_total",
        "errors": "e_total",
        "latency": {"metric": "took_seconds", "labels": {"route": "/predict"}},
        "quality": {
            "labelled": "labelled_total",
            "wrong": "wrong_total",
            "scores": {"sum": "score_sum", "count": "score_count"},
        },
    },
}
PAGE = b"""# TYPE took_seconds histogram
n_total 40
e_total 1
took_seconds_bucket{route="/predict",le="0.1"} 30
took_seconds_bucket{route="/predict",le="0.5"} 39
took_seconds_bucket{route="/predict",le="+Inf"} 40
took_seconds_bucket{route="/healthz",le="0.1"} 900
took_seconds_bucket{route="/healthz",le="+Inf"} 900
labelled_total 10
wrong_total 2
score_sum 12.5
score_count 40
"""


def sample(requests: int, *within: int, labelled: int = 0, wrong: int = 0) -> Sample:
    latency = Histogram((0.1, 0.5), within, requests) if within else None
    scores = Scores(requests, requests / 4)
    return Sample(requests, 0, None, latency, Increment(labelled, wrong), scores)


def follow(target: PodTarget, *samples: Sample) -> list[Served]:
    """What was served, sample by sample; every cursor goes through JSON (a crash each time)."""
    cursor, served = Cursor(T0), []
    for one in samples:
        more, cursor = advance(cursor, {target: one})
        assert Cursor.from_json(json.loads(json.dumps(cursor.to_json()))) == cursor
        served.append(more)
    return served


def test_a_page_holds_everything_that_is_asked_for() -> None:
    found = PODS.parse(SPEC, PAGE)
    assert found.latency == Histogram((0.1, 0.5), (30, 39), 40)
    assert found.labels == Increment(10, 2)
    assert found.scores == Scores(40, 12.5)
    assert PODS.measured(SPEC) == set(Measure)
    assert not PODS.measured({"pods": {"requests": "n", "errors": "e"}})


@pytest.mark.parametrize(
    ("old", "new", "trouble"),
    [
        (b'le="+Inf"} 40', b'le="1"} 40', Trouble.PARTIAL),
        (b'le="0.5"} 39', b'le="0.5"} 29', Trouble.BAD_VALUE),
        (b'le="0.5"} 39', b'le="0.5"} NaN', Trouble.BAD_VALUE),
        (b'le="0.5"', b'le="half"', Trouble.BAD_VALUE),
        (b'le="0.5"', b'le="0.1"', Trouble.BAD_VALUE),
        (b"wrong_total 2", b"wrong_total 11", Trouble.BAD_VALUE),
        (b"score_sum 12.5", b"score_sum 41", Trouble.BAD_VALUE),
        (b"score_sum 12.5", b"score_sum NaN", Trouble.BAD_VALUE),
        (b"score_sum 12.5", b"score_sum -1", Trouble.BAD_VALUE),
        (b"score_sum", b"other_sum", Trouble.SERIES_MISSING),
        (b"labelled_total", b"other_total", Trouble.SERIES_MISSING),
        (b"took_seconds", b"slow_seconds", Trouble.SERIES_MISSING),
    ],
)
def test_p1_a_figure_that_makes_no_sense_is_no_sample(
    old: bytes, new: bytes, trouble: Trouble
) -> None:
    with pytest.raises(MetricError) as caught:
        PODS.parse(SPEC, PAGE.replace(old, new))
    assert caught.value.trouble is trouble


@pytest.mark.parametrize(
    "change",
    [
        {"latency": 5},
        {"latency": {"metric": "a b"}},
        {"quality": {"labelled": "n"}},
        {"quality": {"wrong": "n"}},
        {"quality": {"scores": {"sum": "s"}}},
    ],
)
def test_half_a_measure_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(MetricError) as caught:
        PODS.check({"pods": {**SPEC["pods"], **change}})
    assert caught.value.trouble is Trouble.SPEC_INVALID


def test_latency_counts_after_the_warm_up() -> None:
    served = follow(NEW, sample(5, 0, 1), sample(19, 5, 9), sample(30, 10, 20), sample(40, 20, 30))
    assert [one.latency for one in served] == [
        None,
        None,
        None,
        Histogram((0.1, 0.5), (10, 10), 10),
    ]
    assert [one.increment.requests for one in served] == [5, 14, 11, 10]


def test_labels_and_scores_of_a_new_pod_count_from_its_start_and_of_an_old_from_now() -> None:
    first, second = sample(8, labelled=4, wrong=1), sample(12, labelled=6, wrong=1)
    new, old = follow(NEW, first, second), follow(OLD, first, second)
    assert [one.labels for one in new] == [Increment(4, 1), Increment(2, 0)]
    assert [one.scores for one in new] == [Scores(8, 2.0), Scores(4, 1.0)]
    assert [one.labels for one in old] == [Increment(0, 0), Increment(2, 0)]
    assert [one.scores for one in old] == [Scores(0, 0.0), Scores(4, 1.0)]


def test_p3_a_restart_counts_from_zero_and_warms_up_again() -> None:
    again = replace(OLD, restarts=1)
    _, cursor = advance(Cursor(T0), {OLD: sample(100, 50, 90, labelled=9, wrong=3)})
    served, cursor = advance(cursor, {again: sample(30, 1, 2, labelled=2, wrong=1)})
    assert (served.latency, served.labels) == (None, Increment(2, 1))
    served, _ = advance(cursor, {again: sample(32, 2, 4, labelled=2, wrong=1)})
    assert served.latency == Histogram((0.1, 0.5), (1, 2), 2)


def test_p3_what_fell_without_a_sign_is_not_counted_until_the_next_sample_says_which() -> None:
    good, fallen = sample(100, 50, 90, labelled=9), sample(10, 1, 2, labelled=1)
    broken = follow(OLD, good, fallen, sample(110, 51, 91, labelled=10))
    assert broken[1] == Served(Increment())
    assert broken[2].latency == Histogram((0.1, 0.5), (1, 1), 10)
    reset = follow(OLD, good, fallen, sample(15, 2, 3, labelled=2), sample(25, 3, 4, labelled=2))
    assert [one.increment.requests for one in reset] == [0, 0, 5, 10]


def test_p3_labels_that_fall_alone_are_waited_for() -> None:
    served = follow(
        OLD,
        sample(10, labelled=5, wrong=2),
        sample(20, labelled=4, wrong=2),
        sample(30, labelled=8, wrong=3),
    )
    assert [one.labels for one in served] == [Increment(0, 0), None, Increment(3, 1)]


def test_other_buckets_are_begun_anew() -> None:
    wide = Sample(60, 0, latency=Histogram((1.0,), (60,), 60))
    more = Sample(70, 0, latency=Histogram((1.0,), (69,), 70))
    served = follow(OLD, sample(40, 30, 40), wide, more)
    assert [one.latency for one in served] == [None, None, Histogram((1.0,), (9,), 10)]


def test_pods_add_up_over_the_bounds_that_they_share() -> None:
    def at(n: int, bounds: tuple[float, ...]) -> Sample:
        return Sample(n, 0, latency=Histogram(bounds, (n,) * len(bounds), n))

    _, cursor = advance(Cursor(T0), {OLD: at(30, (0.1, 0.5)), NEW: at(30, (0.5, 1.0))})
    served, _ = advance(cursor, {OLD: at(35, (0.1, 0.5)), NEW: at(32, (0.5, 1.0))})
    assert served.latency == Histogram((0.5,), (7,), 7)


def test_a_cursor_of_the_version_before_is_read() -> None:
    cursor = Cursor.from_json({"since": T0, "pods": {"uid-a": [0, 10, 0, None, []]}})
    served, _ = advance(cursor, {OLD: sample(20, 5, 9, labelled=3)})
    assert served.increment == Increment(10, 0)
    assert served.latency is None
