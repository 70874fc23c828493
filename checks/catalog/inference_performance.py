"""Does the model answer fast enough, and does its memory stay put?

What it looks for
    The time to load the model, at least 100 calls with one row each after a warm-up, batches of
    1,000 rows, the memory of the model's process before and after the batches, and the size of the
    file. The clock and the memory figure are the parent's; the time of a call includes handing the
    row over to the confined child and taking the answer back, about a tenth of a millisecond.

Why
    A request waits for the slowest of the calls behind it, so the tail counts and the mean
    flatters. Memory that grows with every batch ends in a restart under load.

How it is scored
    The share of the limits that are met: mean, 95th and 99th percentile of a single call at most
    100, 200 and 500 ms. Times 0.8 when memory grew by more than 100 MB over the batches. Passed at
    0.7, critical below 0.5, and critical by itself when the model cannot be run. The limits suit an
    interactive service; set your own.

How to fix
    Fewer or smaller trees or layers, a leaner preprocessing step (building a data frame often costs
    more than the model), answers in batches, or another runtime such as ONNX.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from checks.check import Needs
from checks.config import number, share
from checks.evidence.answers import RunProblemError
from checks.report import Figure, Finding, Grade, Severity, Verdict
from checks.scoring import score_of, unjudged, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.check import Context
    from checks.config import Config

NAME = "inference_performance"
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Settings:
    """Limits in milliseconds and megabytes (10^6 bytes)."""

    mean_ms: float = number(100, about="longest mean of single calls, ms")
    p95_ms: float = number(200, about="longest 95th percentile, ms")
    p99_ms: float = number(500, about="longest 99th percentile, ms")
    memory_growth_mb: float = number(100, about="largest growth over the batches, MB")
    memory_factor: float = share(0.8, "the score is multiplied by it above that growth")
    passed_at: float = share(0.7)
    critical_below: float = share(0.5)


@dataclass(frozen=True)
class Evidence:
    """What was measured: milliseconds, rows a second, bytes."""

    model_path: str
    load_ms: float
    single_ms: tuple[float, ...]
    rows_per_second: float
    batch_rows: int
    batches: int
    memory_growth: int
    memory: int
    file_size: int
    cut_short: bool = False


@dataclass(frozen=True)
class Problem:
    """Why nothing could be measured."""

    sentence: str
    fix: str


class InferencePerformance:
    """The check; see the module's text."""

    name = NAME
    title = "Inference performance"
    settings: type[Any] = Settings
    needs = Needs.MODEL
    timed = True
    items: Mapping[str, float] = {}
    rules = ("mean", "p95", "p99", "memory", "samples", "measured")

    def collect(self, context: Context) -> Evidence | Problem:
        """Times the model in the sandbox."""
        try:
            timings = context.runs.timings()
        except RunProblemError as error:
            return Problem(str(error), error.fix)
        rows = timings.batch_rows * len(timings.batch_seconds)
        return Evidence(
            model_path=context.runs.model.path,
            load_ms=timings.load_seconds * 1e3,
            single_ms=tuple(seconds * 1e3 for seconds in timings.single_seconds),
            rows_per_second=rows / sum(timings.batch_seconds),
            batch_rows=timings.batch_rows,
            batches=len(timings.batch_seconds),
            memory_growth=max(0, timings.rss_after - timings.rss_before),
            memory=timings.rss_after,
            file_size=context.runs.model.size,
            cut_short=timings.cut_short,
        )

    def judge(self, evidence: Evidence | Problem, config: Config) -> Verdict:
        """Compares the figures with the limits."""
        if isinstance(evidence, Problem):
            return unjudged(NAME, f"{NAME}.measured", evidence.sentence, evidence.fix)
        settings: Settings = config.of(self)
        figures = _latencies(evidence, settings)
        findings = [_latency_finding(evidence, figure) for figure in figures]
        score = score_of(findings)
        grown = evidence.memory_growth > settings.memory_growth_mb * MEGABYTE
        findings.append(_memory_finding(evidence, settings, grown))
        if evidence.cut_short:
            sentence = "the time budget ended the measurement early, so fewer calls were timed"
            findings.append(_finding("samples", Severity.INFO, sentence))
        mean, _, p99 = (figure.value for figure in figures)
        message = f"mean {mean:.1f} ms, p99 {p99:.1f} ms over {len(evidence.single_ms)} calls"
        if grown:
            score *= settings.memory_factor
        result = verdict(NAME, findings, settings, message, score)
        details = {"single_ms": [round(value, 3) for value in evidence.single_ms]}
        return replace(
            result, figures=(*figures, *_other_figures(evidence, settings)), details=details
        )


CHECK = InferencePerformance()


def _latencies(evidence: Evidence, settings: Settings) -> list[Figure]:
    times = np.array(evidence.single_ms)
    values = {
        "mean_ms": float(times.mean()),
        "p95_ms": float(np.percentile(times, 95)),
        "p99_ms": float(np.percentile(times, 99)),
    }
    return [
        Figure(
            name,
            round(value, 4),
            "ms",
            threshold=getattr(settings, name),
            met=value <= getattr(settings, name),
            samples=len(times),
        )
        for name, value in values.items()
    ]


def _latency_finding(evidence: Evidence, figure: Figure) -> Finding:
    name = figure.name.removesuffix("_ms")
    sentence = (
        f"{name} of a single call is {figure.value:.1f} ms over {figure.samples} calls; "
        f"at most {figure.threshold:g} ms is asked for"
    )
    if figure.met:
        return replace(_finding(name, Severity.INFO, sentence), worth=1 / 3, earned=1 / 3)
    fix = f"{evidence.model_path}: bring the {name} of a call below {figure.threshold:g} ms"
    return replace(_finding(name, Severity.MAJOR, sentence, fix), worth=1 / 3)


def _memory_finding(evidence: Evidence, settings: Settings, grown: bool) -> Finding:
    sentence = (
        f"memory grew by {evidence.memory_growth / MEGABYTE:.1f} MB over {evidence.batches} "
        f"batches of {evidence.batch_rows} rows; "
        f"at most {settings.memory_growth_mb:g} MB is asked for"
    )
    fix = f"{evidence.model_path}: find what keeps memory from one batch to the next"
    severity = Severity.MAJOR if grown else Severity.INFO
    return _finding("memory", severity, sentence, fix if grown else None)


def _other_figures(evidence: Evidence, settings: Settings) -> tuple[Figure, ...]:
    growth = evidence.memory_growth / MEGABYTE
    throughput = round(evidence.rows_per_second, 1)
    limit = settings.memory_growth_mb
    return (
        Figure("load_ms", round(evidence.load_ms, 3), "ms", samples=1),
        Figure("rows_per_second", throughput, "1/s", samples=evidence.batches),
        Figure(
            "memory_growth_mb",
            round(growth, 3),
            "MB",
            threshold=limit,
            met=growth <= limit,
            samples=evidence.batches,
        ),
        Figure("memory_mb", round(evidence.memory / MEGABYTE, 1), "MB"),
        Figure("file_size_mb", round(evidence.file_size / MEGABYTE, 6), "MB"),
    )


def _finding(item: str, severity: Severity, message: str, fix: str | None = None) -> Finding:
    return Finding(f"{NAME}.{item}", Grade.MEASURED, severity, message, recommendation=fix)
