"""Asks the model about changed rows, and compares its answers with those to the rows as they are.

Used by `model_robustness`. The changes are `checks.measure.perturb`'s; here they are put to the
model in its sandbox, within a number of rows, calls and seconds. It gives no points.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from checks.evidence import smallest
from checks.evidence.answers import RunProblemError
from checks.evidence.smallest import Failure
from checks.measure import perturb, robustness

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.evidence.answers import Predictions
    from checks.evidence.data import Evaluation
    from checks.evidence.model_runs import ModelRuns
    from checks.measure.bootstrap import Array, Estimate
    from checks.measure.perturb import Probe
    from checks.sandbox.table import Table

BUDGET_S = 120.0
SINGLE_ROWS = 20


@dataclass(frozen=True)
class Outcome:
    """What became of one probe: exactly one of its fields after `rows` says so."""

    name: str
    title: str
    rows: int = 0
    drops: Mapping[str, Estimate] = field(default_factory=dict)  # by metric, relative
    different: int | None = None  # rows whose answer was not the same
    failure: Failure | None = None
    why_not: str = ""  # why it does not apply
    untold: str = ""  # why nothing can be said


@dataclass(frozen=True)
class Robustness:
    """All probes of one model. `baseline` is each metric on the rows as they are."""

    model_path: str
    data_path: str
    rows: int
    all_rows: int
    baseline: Mapping[str, float]
    outcomes: tuple[Outcome, ...]


def probe(runs: ModelRuns, most_rows: int) -> Robustness:
    """Puts every probe to the model, on at most `most_rows` rows. Raises RunProblemError."""
    runs.predictions()
    asking = _Asking.of(runs, most_rows)
    evaluation = runs.evaluation()
    outcomes, answers = [], {}
    steady = asking.repeated()
    for each in perturb.probes(asking.table, frame=runs.knows_names()):
        outcome, changed = asking.put(each)
        if changed is not None and each.asks == "drop":
            answers[each.name] = changed
        outcomes.append(outcome)
    outcomes += [steady, asking.one_by_one()]
    drops = robustness.drops(evaluation.task, asking.truth, asking.base, answers)
    return Robustness(
        model_path=runs.model.path,
        data_path=evaluation.path,
        rows=len(asking.rows),
        all_rows=evaluation.rows,
        baseline=robustness.baseline(evaluation.task, asking.truth, asking.base),
        outcomes=tuple(_finished(each, drops, steady) for each in outcomes),
    )


def _finished(
    outcome: Outcome, drops: Mapping[str, Mapping[str, Estimate]], steady: Outcome
) -> Outcome:
    """With its drop; where answers change by themselves, sameness cannot be told."""
    if outcome.name in drops:
        found = drops[outcome.name]
        untold = "" if found else "the model is no better than nothing on the rows as they are"
        return replace(outcome, drops=found, untold=untold)
    if outcome is not steady and outcome.different and steady.different:
        untold = "the model's answers to the same rows change by themselves"
        return replace(outcome, different=None, untold=untold)
    return outcome


@dataclass(frozen=True)
class _Asking:
    """The rows that are asked about, and the model's answers to them as they are."""

    runs: ModelRuns
    evaluation: Evaluation
    rows: Array  # indices of the evaluation rows
    table: Table
    base: Predictions
    until: float

    @classmethod
    def of(cls, runs: ModelRuns, most_rows: int) -> _Asking:
        evaluation = runs.evaluation()
        rows = np.arange(evaluation.rows)
        if evaluation.rows > most_rows:
            generator = np.random.default_rng(perturb.SEED)
            rows = np.sort(generator.choice(evaluation.rows, most_rows, replace=False))
        table = runs.model_inputs().take(rows)
        return cls(runs, evaluation, rows, table, runs.answers(table), time.monotonic() + BUDGET_S)

    @property
    def truth(self) -> Array:
        """The right answers to the rows."""
        return self.evaluation.truth[self.rows]

    def ask(self, table: Table) -> Predictions:
        """The model's answers. Raises RunProblemError, also where only probabilities are unfit."""
        answers = self.runs.answers(table)
        if self.base.probabilities is not None and answers.probabilities is None:
            raise RunProblemError(answers.no_probabilities, "")
        return answers

    def put(self, each: Probe) -> tuple[Outcome, Predictions | None]:
        """One probe's outcome, and the answers where it asks for a drop."""
        outcome = Outcome(each.name, each.title, len(self.rows))
        if each.table is None:
            return replace(outcome, why_not=each.why), None
        if time.monotonic() > self.until:
            untold = f"the {BUDGET_S:g} s for all probes were spent before it was its turn"
            return replace(outcome, untold=untold), None
        try:
            answers = self.ask(each.table)
        except RunProblemError as problem:
            return replace(outcome, failure=self._failure(each, each.table, problem)), None
        if each.asks == "drop":
            return outcome, answers
        return replace(outcome, different=self._different(self.base, answers)), None

    def repeated(self) -> Outcome:
        """The same rows a second time."""
        title = "the same rows asked twice"
        outcome = Outcome("repeat", title, len(self.rows))
        try:
            return replace(outcome, different=self._different(self.base, self.ask(self.table)))
        except RunProblemError as problem:
            return replace(outcome, failure=Failure(smallest.words(problem), refused=False))

    def one_by_one(self) -> Outcome:
        """Some rows, each asked alone, against the same rows in the batch."""
        count = min(SINGLE_ROWS, len(self.rows))
        picks = np.linspace(0, len(self.rows) - 1, count).astype(int)
        outcome = Outcome("one_row", "one row alone, as in a batch", count)
        differing = 0
        for pick in picks:
            one = np.array([pick])
            try:
                alone = self.ask(self.table.take(one))
            except RunProblemError as problem:
                row = int(self.rows[pick]) + 1
                return replace(
                    outcome, failure=Failure(smallest.words(problem), refused=False, row=row)
                )
            differing += self._different(_taken(self.base, one), alone, scale=self.base)
        return replace(outcome, different=differing)

    def _different(
        self, one: Predictions, other: Predictions, scale: Predictions | None = None
    ) -> int:
        mask = robustness.different(self.evaluation.task, one, other, scale)
        return int(mask.sum())

    def _failure(self, each: Probe, table: Table, problem: RunProblemError) -> Failure:
        def failing(part: Table) -> RunProblemError | None:
            try:
                self.ask(part)
            except RunProblemError as error:
                return error
            return None

        search = smallest.Search(failing, problem, self.until)
        failure = search.failure(each.name, self.table, table)
        if failure.row is None:
            return failure
        return replace(failure, row=int(self.rows[failure.row]) + 1)


def _taken(predictions: Predictions, rows: Array) -> Predictions:
    chances = predictions.probabilities
    return replace(
        predictions,
        predicted=predictions.predicted[rows],
        probabilities=None if chances is None else chances[rows],
    )
