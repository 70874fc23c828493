"""Settings out of `spec.analysis`, and counts at the door."""

from __future__ import annotations

import math
from typing import Any

import pytest

from rollouts.analysis import AnalysisError, Increment, Settings, Tick


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
    assert settings.limit_share == 0


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
        ({"limits": []}, "limits"),
        ({"horizonSeconds": 5}, "horizonSeconds"),
        ({"intervalSeconds": 0}, "intervalSeconds"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(spec: dict[str, Any], named: str) -> None:
    with pytest.raises(AnalysisError, match=named):
        Settings.from_spec(spec)


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
