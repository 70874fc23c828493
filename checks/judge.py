"""From the checks' verdicts to the report's: overall score, readiness, what to do first. Pure.

Called by `checks.run`. A check that applies and could not be judged counts as nothing, so that a
missing measurement can never raise the score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.report import READY_AT, Severity, Verdict
from checks.scoring import sort

if TYPE_CHECKING:
    from collections.abc import Sequence

REWORK_BELOW = 0.5
STAGE_FROM = 0.6


@dataclass(frozen=True)
class Overall:
    """The report's summary."""

    score: float | None  # None when no check applies
    is_ready: bool
    critical_issues: tuple[str, ...]
    recommendations: tuple[str, ...]
    next_steps: tuple[str, ...]


def judge(verdicts: Sequence[Verdict], *, complete: bool = True) -> Overall:
    """Overall = mean of the applicable checks; ready = at least 0.8 and nothing critical.

    Not `complete` means that only some checks were asked for: that is never ready.
    """
    applicable = [verdict for verdict in verdicts if verdict.applicable]
    scores = [verdict.score or 0.0 for verdict in applicable]
    score = round(sum(scores) / len(scores), 6) if scores else None
    critical = critical_issues(applicable)
    ready = complete and score is not None and score >= READY_AT and not critical
    return Overall(
        score=score,
        is_ready=ready,
        critical_issues=critical,
        recommendations=recommendations(applicable),
        next_steps=next_steps(score, critical, applicable, complete=complete),
    )


def critical_issues(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """One sentence for each critical finding, then for each critical check that has none."""
    issues, low = [], []
    for verdict in verdicts:
        if not verdict.critical:
            continue
        found = [f.message for f in verdict.findings if f.severity is Severity.CRITICAL]
        title = verdict.check_name.replace("_", " ")
        issues += [f"{title}: {sentence}" for sentence in found]
        low += [] if found else [f"{title}: {_low(verdict)}"]
    return tuple(dict.fromkeys([*issues, *low]))


def recommendations(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """What to do: critical first, then by severity, critical checks and worth, once each."""
    by_check = sorted(verdicts, key=lambda verdict: not verdict.critical)
    ordered = [finding for verdict in by_check for finding in sort(verdict.findings)]
    ordered.sort(key=lambda finding: tuple(Severity).index(finding.severity))
    return tuple(dict.fromkeys(f.recommendation for f in ordered if f.recommendation))


def next_steps(
    score: float | None,
    critical: Sequence[str],
    verdicts: Sequence[Verdict],
    *,
    complete: bool = True,
) -> tuple[str, ...]:
    """What comes after reading the report."""
    steps = []
    if not complete:
        steps.append("Judge all checks: only some were asked for, so readiness is not said.")
    major = any(f.severity is Severity.MAJOR for verdict in verdicts for f in verdict.findings)
    if score is None or score < REWORK_BELOW:
        steps.append("Rework the foundations first: most of what was asked for is not there.")
    if critical or (score is not None and score < READY_AT):
        steps.append("Address the critical and major items, then judge again.")
    elif major:
        steps.append("Address the major items soon; none of them blocks.")
    if score is not None and STAGE_FROM <= score < READY_AT:
        steps.append("Stage the model before production once the items are addressed.")
    if complete and not critical and score is not None and score >= READY_AT:
        steps.append("Release step by step, with a way back.")
    steps.append("Keep watching the model's inputs, answers and errors after release.")
    return tuple(steps)


def _low(verdict: Verdict) -> str:
    score = "not judged" if verdict.score is None else f"{verdict.score:.2f}"
    return f"the score is too low ({score}): {verdict.message}"
