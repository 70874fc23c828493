"""Halves an input that a model cannot answer until the smallest one that does it is known.

Used by `checks.evidence.probing`. It tells a refusal, an exception that names what is wrong with
the request, from an accident. The number of calls and the time are bounded.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from checks.measure import perturb
from checks.sandbox.errors import Kind

if TYPE_CHECKING:
    from checks.evidence.answers import RunProblemError
    from checks.measure.bootstrap import Array
    from checks.sandbox.table import Table

CALLS = 40  # to find the input that an exception comes from
CALLS_OF_CRASHES = 12  # each of them starts a new process and loads the model again
VALUE_LIMIT = 40
# An exception that names the trouble tells the caller what to mend; any other is an accident.
_SAYS_SO = {
    "missing": r"\b(nan|nans|missing|null)\b",
    "extremes": r"infinit|too large|range|outlier|bounds",
    "unseen": r"unknown|unseen|categor|not in\b|not one of",
    "order": r".",
    "dtype_text": r".",
    "dtype_category": r"categor|dtype",
}
_DELIBERATE = re.compile(r"\b(Value|Type|Validation|Schema|Schemas?)\w*Errors?\b")


@dataclass(frozen=True)
class Failure:
    """What the model cannot answer: its words, and the smallest input that was found to do it."""

    sentence: str
    refused: bool  # an exception that names the trouble, not an accident
    row: int | None = None  # of the labelled evaluation rows, from 1
    column: str | None = None
    value: str = ""  # what stands there, and what stood there before
    among: int = 1  # rows that do it only together


@dataclass
class Search:
    """Halves an input that fails until it is small, within a number of calls and the time."""

    failing: Callable[[Table], RunProblemError | None]
    problem: RunProblemError  # of the smallest input that failed
    until: float  # by the monotonic clock
    calls: int = -1

    def __post_init__(self) -> None:
        self.calls = _calls(self.problem)

    def failure(self, probe: str, before: Table, after: Table) -> Failure:
        """The smallest part of `after` that fails; `row` is its index. `before` is unchanged."""
        picks = self.rows(after)
        if len(picks) > 1:
            return self._said(probe, among=len(picks))
        columns = self.columns(before.take(picks), after.take(picks))
        said = self._said(probe, row=int(picks[0]))
        if len(columns) != 1:
            return said
        (name,) = columns
        value = f"{_value(after.take(picks), name)} (was {_value(before.take(picks), name)})"
        return replace(said, column=name, value=value)

    def _said(self, probe: str, row: int | None = None, among: int = 1) -> Failure:
        refused = _refuses(probe, self.problem)
        return Failure(words(self.problem), refused, row, among=among)

    def rows(self, table: Table) -> Array:
        """The fewest rows found that fail alone."""
        return self._halve(np.arange(table.rows), table.take)

    def columns(self, before: Table, after: Table) -> list[str]:
        """The fewest changed columns of a row that fail, the others being as before."""
        if before.names != after.names:
            return []  # only their order differs
        names = perturb.differing_columns(before, after)
        kept = self._halve(
            np.arange(len(names)),
            lambda picks: perturb.mixed(before, after, [names[pick] for pick in picks]),
        )
        return [names[pick] for pick in kept]

    def _halve(self, picks: Array, part: Callable[[Array], Table]) -> Array:
        while len(picks) > 1:
            middle = len(picks) // 2
            for half in (picks[:middle], picks[middle:]):
                if self._fails(part(half)):
                    picks = half
                    break
            else:
                return picks  # only together, or out of calls
        return picks

    def _fails(self, table: Table) -> bool:
        if self.calls <= 0 or time.monotonic() > self.until:
            return False
        self.calls -= 1
        problem = self.failing(table)
        self.problem = problem or self.problem
        return problem is not None


def _calls(problem: RunProblemError) -> int:
    if problem.kind is Kind.TIMED_OUT:
        return 0  # each try would wait for the wall clock again
    return CALLS_OF_CRASHES if problem.kind in {Kind.CRASHED, Kind.PROTOCOL} else CALLS


def _refuses(name: str, problem: RunProblemError) -> bool:
    named = _SAYS_SO.get(name)
    if problem.kind is not Kind.RAISED or named is None:
        return False
    sentence = words(problem)
    deliberate = _DELIBERATE.search(sentence)
    return bool(deliberate and re.search(named, sentence[deliberate.end() :], re.IGNORECASE))


def words(problem: RunProblemError) -> str:
    """The model's own words, without the lead that every finding would repeat."""
    sentence = str(problem)
    return sentence.partition(" could not be run: ")[2] or sentence


def _value(table: Table, name: str) -> str:
    value = table.column(name).values[0]
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return "missing"
    text = repr(value) if isinstance(value, str) else f"{value:g}"
    return text if len(text) <= VALUE_LIMIT else text[: VALUE_LIMIT - 1] + "…"
