"""What the report says about the base: its verdicts, its model, and what was not compared. Pure.

Called by `checks.run`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks import catalog, judge
from checks.report import BaseCheck, BaseReport, ModelIdentity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from checks.base.rules import Against
    from checks.base.side import BaseSide
    from checks.check import Check
    from checks.report import Verdict
    from checks.schedule import Found


def of(against: Against, side: BaseSide, checks: Sequence[Check], found: Found) -> BaseReport:
    """The base's part of the report."""
    verdicts = [found[check.name, True] for check in checks if (check.name, True) in found]
    whole = len(verdicts) == len(checks) == len(catalog.discover())
    overall = judge.judge(verdicts, complete=whole) if whole else None
    model = side.model
    return BaseReport(
        ref=against.base.ref,
        commit=against.base.commit,
        overall_score=overall.score if overall else None,
        is_ready=bool(overall and overall.is_ready),
        checks=tuple(map(_check, verdicts)),
        models=()
        if model is None
        else (ModelIdentity(model.path, model.digest, model.adapter.name, model.size),),
        changes=(*against.changes, *side.changes),
        why=_why(side, checks, verdicts),
    )


def _check(verdict: Verdict) -> BaseCheck:
    return BaseCheck(
        verdict.check_name, verdict.passed, verdict.score, verdict.critical, verdict.applicable
    )


def _why(side: BaseSide, checks: Sequence[Check], verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    if side.why:
        return (side.why,)
    missing = [check.name for check in checks if check.name not in {v.check_name for v in verdicts}]
    if not missing:
        return ()
    named = ", ".join(missing)
    return (f"The time budget was used up before the base's {named} could be judged.",)
