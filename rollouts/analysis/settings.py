"""The analysis's settings: bounds and tolerances, read from `spec.analysis` of a ModelDeployment.

Read by every module of this package. Defaults and their meaning come from the design: alpha bounds
the chance of rolling back a candidate that is not worse, over the whole rollout and over every
moment at which somebody looks. It deliberately holds nothing about where metrics come from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rollouts.analysis.counts import AnalysisError

ONSET_EVERY_S = 10.0  # how often a regression is given a chance to have started
LIMIT_SHARE = 0.1  # the limit's part of alpha; the comparison with stable has the rest


@dataclass(frozen=True)
class Settings:
    """Numbers of one rollout's analysis. Raises AnalysisError when one makes no sense.

    alpha: bound on a false rollback per rollout. r0: how many times stable's error rate is still
    not worse. r1, alpha2: `fine` says "less than r1 times stable's rate", wrong with at most
    alpha2. tolerated: an error rate below which a candidate is fine whatever stable does.
    error_limit: an error rate that is too high whatever the ratio, None for no limit.
    horizon_s: the time over which regressions may start, in seconds.
    """

    alpha: float = 0.01
    r0: float = 1.5
    r1: float = 2.0
    alpha2: float = 0.05
    tolerated: float = 0.01
    error_limit: float | None = 0.05
    horizon_s: float = 3600.0
    interval_s: float = 1.0

    def __post_init__(self) -> None:
        _between("alpha", self.alpha, 0, 0.5)
        _between("alpha2", self.alpha2, 0, 0.5)
        _between("tolerance.tolerated", self.tolerated, 0, 1)
        _between("tolerance.r0", self.r0, 0.5, 100)
        _between("tolerance.r1", self.r1, 1.25, 100)  # the widest alternative of `fine`
        _between("horizonSeconds", self.horizon_s, ONSET_EVERY_S, 30 * 86400)
        _between("intervalSeconds", self.interval_s, 0, 3600)
        if self.error_limit is not None:
            _between("limits.errorRate", self.error_limit, 0, 1)

    @property
    def limit_share(self) -> float:
        """The limit's share of alpha: 0 without a limit."""
        return 0.0 if self.error_limit is None else LIMIT_SHARE

    @property
    def key(self) -> tuple[float, ...]:
        """The numbers that evidence depends on; a saved state of another key is refused."""
        limit = -1.0 if self.error_limit is None else self.error_limit
        return (
            self.alpha,
            self.r0,
            self.r1,
            self.alpha2,
            self.tolerated,
            limit,
            self.horizon_s,
        )

    @classmethod
    def from_spec(cls, spec: Mapping[str, object]) -> Settings:
        """Settings of `spec.analysis`; decimals may be strings, as the CRD keeps them.

        Raises AnalysisError naming the field that is no number or out of its range.
        """
        tolerance = _section(spec, "tolerance")
        limits = _section(spec, "limits")
        given: dict[str, float | None] = {
            "alpha": _number(spec, "alpha"),
            "horizon_s": _number(spec, "horizonSeconds"),
            "interval_s": _number(spec, "intervalSeconds"),
            "r0": _number(tolerance, "r0"),
            "r1": _number(tolerance, "r1"),
            "alpha2": _number(tolerance, "alpha2"),
            "tolerated": _number(tolerance, "tolerated"),
        }
        known = {name: value for name, value in given.items() if value is not None}
        if "limits" in spec:  # a section that names no error rate asks for no limit on it
            return cls(**known, error_limit=_number(limits, "errorRate"))
        return cls(**known)


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
