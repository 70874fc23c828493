"""Settings out of `spec.analysis`, and counts at the door."""

from __future__ import annotations

import math
from typing import Any

import pytest

from rollouts.analysis import (
    AnalysisError,
    Histogram,
    Increment,
    Measure,
    Part,
    Scores,
    Settings,
    Tick,
    evidence,
)


def test_the_defaults_are_the_designs() -> None:
    settings = Settings.from_spec({})
    assert settings == Settings()
    assert (settings.alpha, settings.r0, settings.r1, settings.alpha2) == (0.01, 1.5, 2.0, 0.05)
    assert (settings.tolerated, settings.error_limit) == (0.01, 0.05)
    assert settings.horizon_s == 3600


def test_a_spec_with_decimals_as_strings_is_read() -> None:
    spec = {
        "intervalSeconds": 2,
        "alpha": "0.02",
        "tolerance": {"r0": "1.2", "r1": "3", "alpha2": "0.1", "tolerated": "0.005"},
        "horizonSeconds": 600,
        "limits": {"errorRate": "0.1"},
        "metrics": {"type": "Pods"},
    }
    assert Settings.from_spec(spec) == Settings(
        alpha=0.02,
        r0=1.2,
        r1=3,
        alpha2=0.1,
        tolerated=0.005,
        error_limit=0.1,
        horizon_s=600,
        interval_s=2,
    )


def test_limits_without_an_error_rate_are_no_limit() -> None:
    settings = Settings.from_spec({"limits": {}})
    assert settings.error_limit is None
    assert Part.ERROR_LIMIT not in evidence.log_shares(settings)


def test_only_what_is_measured_is_tested_and_has_a_share_of_alpha() -> None:
    alone = evidence.log_shares(Settings.from_spec({}))
    assert math.exp(alone[Part.ERRORS]) == pytest.approx(0.9)
    everything = Settings.from_spec({}, frozenset(Measure))
    shares = evidence.log_shares(everything)
    assert set(shares) == set(Part)
    assert sum(map(math.exp, shares.values())) == pytest.approx(1)
    assert everything.latency_odds == everything.labels_odds == 1.25
    assert (everything.latency_limit_s, everything.latency_limit_share) == (1.0, 0.05)
    assert (everything.score_tolerance, everything.score_sides) == (0.05, 1)


def test_tolerances_and_limits_of_what_is_measured_are_read() -> None:
    spec = {
        "tolerance": {"latency": "1.5", "labels": "2", "drift": "0.1", "share": "3"},
        "limits": {"latencySeconds": "0.25", "latencyShare": "0.01"},
    }
    settings = Settings.from_spec(spec, frozenset(Measure))
    assert (settings.latency_odds, settings.labels_odds, settings.share_odds) == (1.5, 2, 3)
    assert (settings.score_tolerance, settings.score_sides) == (0.1, 2)
    assert (settings.latency_limit_s, settings.latency_limit_share) == (0.25, 0.01)
    assert settings.error_limit is None
    assert Settings.from_spec({"limits": {}}, {Measure.LATENCY}).latency_limit_s is None


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ({"alpha": "0"}, "alpha"),
        ({"alpha": "nan"}, "alpha"),
        ({"alpha": "1"}, "alpha"),
        ({"alpha": "x"}, "alpha"),
        ({"alpha": True}, "alpha"),
        ({"alpha": []}, "alpha"),
        ({"tolerance": {"alpha2": "-0.1"}}, "alpha2"),
        ({"tolerance": {"r0": "inf"}}, "r0"),
        ({"tolerance": {"r1": "1"}}, "r1"),
        ({"tolerance": {"tolerated": "0"}}, "tolerated"),
        ({"tolerance": "tight"}, "tolerance"),
        ({"limits": {"errorRate": "5"}}, "errorRate"),
        ({"limits": {"latencySeconds": "0"}}, "latencySeconds"),
        ({"limits": {"latencyShare": "1"}}, "latencyShare"),
        ({"tolerance": {"latency": "1"}}, "latency"),
        ({"tolerance": {"labels": "0.9"}}, "labels"),
        ({"tolerance": {"share": "1"}}, "share"),
        ({"tolerance": {"score": "1"}}, "score"),
        ({"tolerance": {"score": "0.1", "drift": "0.1"}}, "drift"),
        ({"limits": []}, "limits"),
        ({"horizonSeconds": 5}, "horizonSeconds"),
        ({"intervalSeconds": 0}, "intervalSeconds"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(spec: dict[str, Any], named: str) -> None:
    with pytest.raises(AnalysisError, match=named):
        Settings.from_spec(spec, frozenset(Measure))


@pytest.mark.parametrize(
    ("requests", "errors"),
    [
        (-1, 0),
        (3, -1),
        (3, 4),
        (math.nan, 0),
        (3, math.nan),
        (1.5, 0),
        (math.inf, 0),
        ("3", 0),
        (True, 0),
    ],
)
def test_counts_that_cannot_be_are_refused(requests: Any, errors: Any) -> None:
    with pytest.raises(AnalysisError):
        Increment(requests, errors)


@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
def test_a_tick_of_no_length_that_can_be_is_refused(seconds: float) -> None:
    with pytest.raises(AnalysisError):
        Tick(seconds, Increment(), Increment())


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(AnalysisError, match="share"):
        Tick(1.0, Increment(), Increment(), share=share)


@pytest.mark.parametrize(
    ("bounds", "within", "requests"),
    [
        ((0.1, 0.1), (1, 1), 1),
        ((0.2, 0.1), (1, 1), 1),
        ((0.1, math.inf), (1, 1), 1),
        ((0.1,), (1, 1), 1),
        ((0.1, 0.2), (2, 1), 3),
        ((0.1,), (2,), 1),
        ((0.1,), (-1,), 1),
        ((0.1,), (0.5,), 1),
        ((0.1,), (0,), -1),
    ],
)
def test_a_histogram_that_cannot_be_is_refused(bounds: Any, within: Any, requests: Any) -> None:
    with pytest.raises(AnalysisError):
        Histogram(bounds, within, requests)


@pytest.mark.parametrize(
    ("count", "total"), [(1, 1.5), (1, -0.5), (0, 1.0), (-1, 0.0), (1, math.nan), (2, math.inf)]
)
def test_scores_outside_of_0_to_1_are_refused(count: Any, total: Any) -> None:
    with pytest.raises(AnalysisError):
        Scores(count, total)
