"""Runs of the model with one column shuffled at a time, within a budget of time.

Used by `model_interpretability`. It asks for the answers and keeps the clock; what follows from
them is `checks.measure.importance`'s. What a model says of itself (`coef_`, `feature_importances_`)
is not asked for: it is the child's own word, and each kind of model means something else by it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from checks.evidence.answers import RunProblemError
from checks.measure import importance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.evidence.answers import Predictions
    from checks.evidence.data import Evaluation
    from checks.evidence.model_runs import ModelRuns
    from checks.measure.bootstrap import Estimate, Metric
    from checks.measure.importance import Importance, Pair
    from checks.sandbox import Table


@dataclass(frozen=True)
class Plan:
    """How much is tried: rows and shuffles at most, seconds, and the metric if one is wanted."""

    rows: int
    repeats: int
    budget_seconds: float
    metric: str | None = None


@dataclass(frozen=True)
class Importances:
    """What was measured. `left_out` names columns that the budget did not reach.

    `before` is the base branch's model's ranking on the same shuffled rows, `differences` this
    model's importance minus that one's; `base_problem` says why there is none.
    """

    metric: str
    rows: int
    all_rows: int
    ranking: tuple[Importance, ...]
    left_out: tuple[str, ...] = ()
    correlated: tuple[Pair, ...] = ()
    before: tuple[str, ...] = ()
    differences: Mapping[str, Estimate] | None = None
    base_problem: str = ""


@dataclass(frozen=True, eq=False)
class _Shuffled:
    evaluation: Evaluation  # of the rows that were taken
    inputs: Table
    metric: str
    declines: Mapping[str, Metric]
    shuffles: Mapping[str, int]

    @property
    def ranking(self) -> tuple[Importance, ...]:
        return importance.ranked(self.declines, self.shuffles, self.evaluation.rows)


def measure(runs: ModelRuns, plan: Plan) -> Importances:
    """The importance of each column, beside the base branch's model's. Raises RunProblemError."""
    mine = _shuffle(runs, plan)
    found = Importances(
        metric=mine.metric,
        rows=mine.evaluation.rows,
        all_rows=runs.evaluation().rows,
        ranking=mine.ranking,
        left_out=tuple(name for name in mine.inputs.names if name not in mine.declines),
        correlated=importance.correlated(mine.inputs),
    )
    if runs.base is None:
        return found
    try:
        theirs = _shuffle(runs.base, replace(plan, metric=mine.metric))
    except RunProblemError as problem:
        return replace(found, base_problem=str(problem))
    rows = mine.evaluation.rows
    return replace(
        found,
        before=tuple(each.column for each in theirs.ranking),
        differences=importance.differences(mine.declines, theirs.declines, rows),
    )


def _shuffle(runs: ModelRuns, plan: Plan) -> _Shuffled:
    evaluation, inputs = runs.evaluation(), runs.model_inputs()
    rows = importance.sample(evaluation.rows, plan.rows)
    taken, inputs = evaluation.take(rows), inputs.take(rows)
    whole = importance.part(runs.predictions(), rows)
    metric = importance.metric_for(taken, whole, plan.metric)
    if metric is None:
        raise RunProblemError(
            f"{plan.metric} is not defined for these answers",
            "set checks.model_interpretability.metric to one that is",
        )
    answers: dict[str, list[Predictions]] = {}
    deadline = time.monotonic() + plan.budget_seconds
    for batch in importance.batches(inputs, plan.repeats):
        answered = runs.answers(importance.stacked(inputs, batch))
        for shuffle, each in zip(batch, importance.apart(answered, len(batch)), strict=True):
            answers.setdefault(shuffle.column, []).append(each)
        if time.monotonic() >= deadline:
            break
    shuffles = {name: len(each) for name, each in answers.items()}
    declines = importance.declines(taken, whole, answers, metric)
    return _Shuffled(taken, inputs, metric, declines, shuffles)
