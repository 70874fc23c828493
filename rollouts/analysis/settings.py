"""The analysis's settings: bounds and tolerances, read from `spec.analysis` of a ModelDeployment.

Read by every module of this package. Defaults and their meaning come from the design: alpha bounds
the chance of rolling back a candidate that is not worse, over the whole rollout and over every
moment at which somebody looks. It deliberately holds nothing about where metrics come from.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from rollouts.analysis.counts import AnalysisError

ONSET_EVERY_S = 10.0  # how often a regression is given a chance to have started
LATENCY_LIMIT_S = 1.0  # where no limits are named
TOLERATED_ODDS = 1.25  # pods differ by nature
SCORE_TOLERANCE = 0.05


class Measure(StrEnum):
    """What a source may count besides requests and errors."""

    LATENCY = "latency"
    LABELS = "labels"  # labelled predictions, and how many of them were wrong
    SCORES = "scores"  # numbers between 0 and 1, by count and sum


@dataclass(frozen=True)
class Settings:
    """Numbers of one rollout's analysis. Raises AnalysisError when one makes no sense.

    alpha: bound on a false rollback per rollout. r0: how many times stable's error rate is still
    not worse. r1, alpha2: `fine` says "less than r1 times stable's rate", wrong with at most
    alpha2. tolerated: an error rate below which a candidate is fine whatever stable does.
    error_limit: an error rate that is too high whatever the ratio, None for no limit.
    horizon_s: the time over which regressions may start, in seconds.
    latency_odds, labels_odds: how many times stable's odds of a slow request, of a wrong label, are
    still not worse. latency_limit_s: at most latency_limit_share of the requests may take longer.
    score_tolerance: how far below stable's mean score is still not worse; with score_sides = 2
    above it too. share_odds: how many times the odds of the planned share may reach the candidate,
    or its inverse. None, each: not tested.
    """

    alpha: float = 0.01
    r0: float = 1.5
    r1: float = 2.0
    alpha2: float = 0.05
    tolerated: float = 0.01
    error_limit: float | None = 0.05
    horizon_s: float = 3600.0
    latency_odds: float | None = None
    latency_limit_s: float | None = None
    latency_limit_share: float = 0.05
    labels_odds: float | None = None
    score_tolerance: float | None = None
    score_sides: int = 1
    share_odds: float | None = 1.5
    interval_s: float = 1.0

    def __post_init__(self) -> None:
        _between("alpha", self.alpha, 0, 0.5)
        _between("alpha2", self.alpha2, 0, 0.5)
        _between("tolerance.tolerated", self.tolerated, 0, 1)
        _between("tolerance.r0", self.r0, 0.5, 100)
        _between("tolerance.r1", self.r1, 1.25, 100)  # the widest alternative of `fine`
        _between("horizonSeconds", self.horizon_s, ONSET_EVERY_S, 30 * 86400)
        _between("intervalSeconds", self.interval_s, 0, 3600)
        _between("limits.latencyShare", self.latency_limit_share, 0, 1)
        optional = {
            "limits.errorRate": (self.error_limit, 0, 1),
            "limits.latencySeconds": (self.latency_limit_s, 0, 3600),
            # At 1 the tolerance would be none, and below it the formula does not hold.
            "tolerance.latency": (self.latency_odds, 1, 100),
            "tolerance.labels": (self.labels_odds, 1, 100),
            "tolerance.score": (self.score_tolerance, 0, 1),
            "tolerance.share": (self.share_odds, 1, 100),
        }
        for name, (value, low, high) in optional.items():
            if value is not None:
                _between(name, value, low, high)

    @property
    def key(self) -> tuple[float, ...]:
        """The numbers that evidence depends on; a saved state of another key is refused."""
        numbers = [
            getattr(self, field.name) for field in fields(self) if field.name != "interval_s"
        ]
        return tuple(-1.0 if number is None else number for number in numbers)

    @classmethod
    def from_spec(
        cls, spec: Mapping[str, object], measured: Collection[Measure] = frozenset()
    ) -> Settings:
        """Settings of `spec.analysis`; decimals may be strings, as the CRD keeps them.

        `measured`: what the source of metrics counts besides requests and errors; the rest is not
        tested, and takes no part of alpha. Raises AnalysisError naming the field that is no number
        or out of its range.
        """
        tolerance = _section(spec, "tolerance")
        given: dict[str, float | None] = {
            "alpha": _number(spec, "alpha"),
            "horizon_s": _number(spec, "horizonSeconds"),
            "interval_s": _number(spec, "intervalSeconds"),
            "r0": _number(tolerance, "r0"),
            "r1": _number(tolerance, "r1"),
            "alpha2": _number(tolerance, "alpha2"),
            "tolerated": _number(tolerance, "tolerated"),
            "share_odds": _number(tolerance, "share"),
            "latency_limit_share": _number(_section(spec, "limits"), "latencyShare"),
        }
        known = {name: value for name, value in given.items() if value is not None}
        return cls(**{**known, **_limits(spec, measured), **_measured(tolerance, measured)})


def _limits(spec: Mapping[str, object], measured: Collection[Measure]) -> dict[str, Any]:
    """A section that names no limit asks for none; without a section the defaults hold."""
    named, limits = "limits" in spec, _section(spec, "limits")
    found: dict[str, Any] = {"error_limit": _number(limits, "errorRate")} if named else {}
    if Measure.LATENCY in measured:
        found["latency_limit_s"] = _number(limits, "latencySeconds") if named else LATENCY_LIMIT_S
    return found


def _measured(tolerance: Mapping[str, object], measured: Collection[Measure]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if Measure.LATENCY in measured:
        found["latency_odds"] = _or(_number(tolerance, "latency"), TOLERATED_ODDS)
    if Measure.LABELS in measured:
        found["labels_odds"] = _or(_number(tolerance, "labels"), TOLERATED_ODDS)
    if Measure.SCORES in measured:
        drift, score = _number(tolerance, "drift"), _number(tolerance, "score")
        if drift is not None and score is not None:
            raise AnalysisError(
                "analysis tolerance.score says that only lower scores are worse, tolerance.drift "
                "that any change is; give one of them"
            )
        found["score_tolerance"] = _or(drift, _or(score, SCORE_TOLERANCE))
        found["score_sides"] = 1 if drift is None else 2
    return found


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _between(name: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low < value < high):
        raise AnalysisError(f"analysis {name} is {value:g}; it must lie between {low} and {high}")


def _section(spec: Mapping[str, object], name: str) -> Mapping[str, object]:
    section = spec.get(name)
    if section is None:
        return {}
    if not isinstance(section, Mapping):
        raise AnalysisError(f"analysis {name} must hold fields, this is {section!r}")
    return section


def _number(section: Mapping[str, object], name: str) -> float | None:
    value = section.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise AnalysisError(f"analysis {name} must be a number, this is {value!r}")
    try:
        return float(value)
    except ValueError as error:
        raise AnalysisError(f"analysis {name} must be a number, this is {value!r}") from error
