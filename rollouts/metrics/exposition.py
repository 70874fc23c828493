"""Reads counters out of the Prometheus text format, strictly, and only those that are asked for.

Called by the providers. Lines of other metrics are skipped without a look, so a page of thousands
of series costs little; what is asked for must be plain counts. It is stricter than a scraper that
stores everything: half a page, a number that is none or a series given twice is an error here,
because somebody is about to act on the number. It deliberately knows nothing of pods.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from rollouts.analysis import AnalysisError, Histogram
from rollouts.metrics.interface import MetricError, Trouble

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
# What a label filter may hold: literals, "." for any character, "|" for or. Nothing that repeats,
# so that no pattern takes long on any value.
PATTERN = re.compile(r"[\w.|/ -]{1,100}")

_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\\n]|\\.)*)"\s*(?:,|$)')
_REST = re.compile(
    r'[ \t]*(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?'  # labels
    r"[ \t]*([^\s#{}]+)"  # value
    r"(?:[ \t]+-?\d+)?"  # time
    r"\s*(?:# .*)?"  # an exemplar may follow in OpenMetrics
)
_LONGEST_NAME = 200
_EXACT = 2**53  # beyond it a float no longer counts by ones


@dataclass(frozen=True)
class Selector:
    """A counter by name and, label by label, a pattern that the whole value must match.

    Raises MetricError (SPEC_INVALID) for a name or a pattern that could be anything else.
    """

    metric: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.metric) > _LONGEST_NAME or not NAME.fullmatch(self.metric):
            raise _invalid(f"{self.metric!r:.80} is no metric name")
        for name, pattern in self.labels.items():
            if len(name) > _LONGEST_NAME or not LABEL_NAME.fullmatch(name):
                raise _invalid(f"{name!r:.80} is no label name")
            if not PATTERN.fullmatch(pattern):
                raise _invalid(f"label {name}: {pattern!r:.80} may hold letters, digits, . | / - _")

    @classmethod
    def of(cls, value: object) -> Selector:
        """From a spec: a name, or {metric: name, labels: {name: pattern}}."""
        if isinstance(value, str):
            return cls(value)
        if isinstance(value, Mapping) and isinstance(value.get("metric"), str):
            labels = value.get("labels") or {}
            if isinstance(labels, Mapping) and _all_text(labels):
                return cls(value["metric"], dict(labels))
        raise _invalid(f"{value!r:.80} is neither a metric name nor {{metric, labels}}")


@dataclass(frozen=True)
class Page:
    """One answer, checked to be a whole page of text."""

    text: str

    @classmethod
    def of(cls, body: bytes) -> Page:
        """Raises MetricError for an empty, cut, binary or HTML body."""
        if not body.strip():
            raise MetricError(Trouble.NOT_METRICS, "the answer is empty")
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise MetricError(Trouble.NOT_METRICS, "the answer is not UTF-8 text") from error
        if text.lstrip().startswith(("<", "{")):
            raise MetricError(Trouble.NOT_METRICS, "the answer is HTML or JSON, not metrics")
        if not text.endswith("\n"):
            raise MetricError(Trouble.PARTIAL, "the answer breaks off in the middle of a line")
        return cls("\n" + text)  # so that every line begins after a newline

    def counter(self, selector: Selector) -> int:
        """The sum of the matching series: a whole number >= 0.

        Where no series matches, the answer is 0 if the page announces the metric with a TYPE or
        HELP line or holds other series of it: clients show a labelled counter from its first use
        on. Otherwise, and for NaN, infinite, negative or broken values and for a series given
        twice, raises MetricError.
        """
        total = 0
        seen: set[str] = set()
        for labels, value in self._series(selector.metric):
            if labels in seen:
                sentence = f"{selector.metric}{{{labels}}} is there twice"
                raise MetricError(Trouble.BAD_VALUE, sentence)
            seen.add(labels)
            if _match(selector, labels):
                total += _count(selector.metric, value)
        if not seen and not _announcement(selector.metric).search(self.text):
            raise MetricError(
                Trouble.SERIES_MISSING, f"there is no {selector.metric} in the answer"
            )
        return total

    def histogram(self, selector: Selector) -> Histogram:
        """The matching series of a histogram together, as cumulative counts by `le`.

        Raises MetricError where there is none of it or its buckets make no sense.
        """
        counts: dict[float, int] = {}
        bucket = Selector(f"{selector.metric}_bucket", selector.labels)
        for labels, value in self._series(bucket.metric):
            if _match(bucket, labels):
                bound = _number(_labels(labels).get("le", ""))
                counts[bound] = counts.get(bound, 0) + _count(bucket.metric, value)
        if not counts and not _announcement(selector.metric).search(self.text):
            raise MetricError(
                Trouble.SERIES_MISSING, f"there is no histogram {selector.metric} in the answer"
            )
        return buckets(selector.metric, counts or {math.inf: 0})

    def total(self, selector: Selector) -> float:
        """The sum of the matching series, finite and >= 0; 0 and errors as for `counter`."""
        found = [v for labels, v in self._series(selector.metric) if _match(selector, labels)]
        values = [_number(value) for value in found]
        if not all(math.isfinite(value) and value >= 0 for value in values):
            raise MetricError(
                Trouble.BAD_VALUE, f"{selector.metric} is {found!r:.60}; numbers >= 0 are expected"
            )
        if not values and not _announcement(selector.metric).search(self.text):
            raise MetricError(
                Trouble.SERIES_MISSING, f"there is no {selector.metric} in the answer"
            )
        return math.fsum(values)

    def gauge(self, name: str) -> float | None:
        """A metric without labels as a number, None where it is not there or not finite."""
        for _, text in self._series(name):
            value = _number(text)
            return value if math.isfinite(value) else None
        return None

    def _series(self, name: str) -> Iterator[tuple[str, str]]:
        """(labels, value) of every line of that metric, as written."""
        for line in self._lines(name):
            found = _REST.fullmatch(line)
            if found is None:
                raise MetricError(
                    Trouble.BAD_VALUE, f"this line is no sample: {name + line!r:.120}"
                )
            yield found.group(1) or "", found.group(2)

    def _lines(self, name: str) -> Iterator[str]:
        """What follows the name in every line that begins with it. By `find`, which is quick."""
        start = "\n" + name
        at = self.text.find(start)
        while at >= 0:
            end = self.text.index("\n", at + 1)
            rest = self.text[at + len(start) : end]
            if rest[:1] in {"{", " ", "\t"}:
                yield rest
            at = self.text.find(start, end)


def buckets(metric: str, counts: Mapping[float, int], scale: float = 1) -> Histogram:
    """A histogram from its cumulative counts by `le`; `scale` seconds is one unit of `le`.

    Raises MetricError: +Inf is missing, a bound is none, or a count falls.
    """
    if math.inf not in counts:
        raise MetricError(Trouble.PARTIAL, f"{metric} has no bucket le=+Inf")
    bounds = sorted(bound for bound in counts if bound != math.inf)
    try:
        return Histogram(
            tuple(round(bound * scale, 9) for bound in bounds),
            tuple(counts[bound] for bound in bounds),
            counts[math.inf],
        )
    except (AnalysisError, ValueError) as error:
        raise MetricError(Trouble.BAD_VALUE, f"the buckets of {metric}: {error}") from error


@lru_cache(maxsize=256)
def _announcement(name: str) -> re.Pattern[str]:
    # OpenMetrics announces a counter without its suffix, and a histogram once for all its series.
    short, long = re.escape(re.sub(r"_(total|sum|count)$", "", name)), re.escape(name)
    return re.compile(rf"^#[ \t]+(?:TYPE|HELP)[ \t]+(?:{short}|{long})(?=\s)", re.MULTILINE)


def _all_text(labels: Mapping[object, object]) -> bool:
    return all(isinstance(part, str) for item in labels.items() for part in item)


def _match(selector: Selector, labels: str) -> bool:
    if not selector.labels:
        return True
    values = _labels(labels)
    return all(
        re.fullmatch(pattern, values.get(name, "")) is not None
        for name, pattern in selector.labels.items()
    )


def _labels(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    at = 0
    while at < len(text):
        found = _LABEL.match(text, at)
        if found is None:
            raise MetricError(Trouble.BAD_VALUE, f"these are no labels: {text!r:.120}")
        values[found.group(1)] = found.group(2)
        at = found.end()
    return values


def _count(metric: str, text: str) -> int:
    value = _number(text)
    if not (math.isfinite(value) and 0 <= value < _EXACT and value == int(value)):
        raise MetricError(
            Trouble.BAD_VALUE, f"{metric} is {text:.40}; a whole number >= 0 is expected"
        )
    return int(value)


def _number(text: str) -> float:
    try:
        return float(text.replace("_", "?"))  # Python reads 1_000, Prometheus does not
    except ValueError as error:
        raise MetricError(Trouble.BAD_VALUE, f"{text!r:.40} is no number") from error


def _invalid(sentence: str) -> MetricError:
    return MetricError(Trouble.SPEC_INVALID, f"spec.analysis.metrics: {sentence}")
