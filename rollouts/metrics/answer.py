"""Reads the answer of a Prometheus server to an instant query, strictly.

Called by the `Prometheus` provider. Only a whole, successful answer that is an instant vector of
finite numbers counts; a warning (a partial answer of a federated server), a matrix, a scalar, a
string, NaN or a series given twice is an error. Pure.

Format: https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from rollouts.jsontypes import dig, dig_list, dig_object, dig_text
from rollouts.metrics.interface import MetricError, Trouble


@dataclass(frozen=True)
class Point:
    """One series of the vector at `time` (seconds since the epoch)."""

    labels: Mapping[str, str]
    time: float
    value: float


def vector(body: bytes) -> tuple[Point, ...]:
    """The series of an answer, perhaps none. Raises MetricError."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _bad(Trouble.NOT_METRICS, "is no JSON") from error
    if dig(data, "status") != "success":
        said = dig_text(data, "error") or "no word why"
        raise _bad(Trouble.STATUS, f"is no success: {said:.200}")
    warnings = dig_list(data, "warnings")
    if warnings:
        raise _bad(Trouble.PARTIAL, f"is perhaps not whole: {warnings[0]!s:.200}")
    kind = dig(data, "data", "resultType")
    if kind != "vector" or not isinstance(dig(data, "data", "result"), list):
        raise _bad(Trouble.NOT_METRICS, f"is a {kind!r:.40}; an instant vector is expected")
    points = tuple(map(_point, dig_list(data, "data", "result")))
    seen = {tuple(sorted(point.labels.items())) for point in points}
    if len(seen) < len(points):
        raise _bad(Trouble.BAD_VALUE, "has a series twice")
    return points


def _point(entry: object) -> Point:
    labels, time, text = dig_object(entry, "metric"), dig(entry, "value", 0), dig(entry, "value", 1)
    plain = all(isinstance(value, str) for value in labels.values())
    if not (plain and isinstance(time, int | float) and isinstance(text, str)):
        raise _bad(Trouble.BAD_VALUE, f"has a series that is none: {entry!r:.120}")
    try:
        value = float(text.replace("_", "?"))
    except ValueError as error:
        raise _bad(Trouble.BAD_VALUE, f"has {text!r:.40} for a number") from error
    if not (math.isfinite(value) and math.isfinite(time)):
        raise _bad(Trouble.BAD_VALUE, f"has {text:.40} for a number; a finite one is expected")
    return Point(labels, float(time), value)


def _bad(trouble: Trouble, what: str) -> MetricError:
    return MetricError(trouble, f"the Prometheus server's answer {what}")
