"""How a model treats groups of people: every attribute, its groups and their differences. Pure.

Used by `model_fairness`, which judges. The attributes are chosen by `checks.measure.attributes`,
the figures are `checks.measure.group_rates`'.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from checks.measure import attributes as naming
from checks.measure import group_rates
from checks.measure.group_rates import (
    ACCURACY,
    ERROR,
    ODDS,
    OPPORTUNITY,
    PARITY,
    PREDICTION,
    Difference,
    Group,
    Rows,
)

if TYPE_CHECKING:
    from checks.evidence.answers import Predictions
    from checks.evidence.data import Evaluation
    from checks.measure.bootstrap import Array
    from checks.sandbox.table import Column

__all__ = [
    "ACCURACY", "ERROR", "ODDS", "OPPORTUNITY", "PARITY", "PREDICTION", "Attribute", "Choice",
    "Crossed", "Difference", "Fairness", "Group", "details", "measure", "places",
]  # fmt: skip
MOST_GROUPS = 20  # of an attribute that are handed on for the plot
_PLACES = {
    "two labels": (PARITY, ODDS),
    "labels": (PARITY, ACCURACY),
    "regression": (PREDICTION, ERROR),
}


@dataclass(frozen=True)
class Choice:
    """What the configuration asks for. `names` is None where attributes are to be guessed."""

    names: tuple[str, ...] | None
    least: int  # rows of a group
    favourable: str | None
    most_crossed: int


@dataclass(frozen=True)
class Attribute:
    """One attribute's groups and differences, or why there are none."""

    name: str
    guessed: bool
    differences: tuple[Difference, ...] = ()
    groups: tuple[Group, ...] = ()
    ratio: float | None = None  # lowest over highest rate of the favourable label
    problem: str = ""


@dataclass(frozen=True)
class Crossed:
    """Two attributes together: the difference in rates of their common groups."""

    name: str
    difference: Difference


@dataclass(frozen=True)
class Fairness:
    """All that was measured. `kind` says which differences have a place in the score."""

    model_path: str
    data_path: str
    rows: int
    kind: str
    attributes: tuple[Attribute, ...]
    crossed: tuple[Crossed, ...]
    favourable: str


def places(kind: str) -> tuple[str, str]:
    """The two differences that can be an issue."""
    return _PLACES[kind]


def measure(
    evaluation: Evaluation, predictions: Predictions, model_path: str, choice: Choice
) -> Fairness:
    """Every attribute's groups and differences."""
    rows = Rows(
        evaluation.task,
        evaluation.truth,
        predictions.predicted,
        evaluation.positive,
        len(predictions.classes),
    )
    columns = {c.name: c for c in (*evaluation.inputs.columns, *evaluation.extras.columns)}
    guessed = choice.names is None
    names = tuple(n for n in columns if naming.is_protected(n)) if guessed else choice.names or ()
    favourable, code = _favourable(evaluation, choice)
    members = {n: naming.groups(columns[n]) for n in dict.fromkeys(names) if n in columns}
    found = tuple(
        _attribute(name, guessed, rows, members, columns, choice.least, code)
        for name in dict.fromkeys(names)
    )
    return Fairness(
        model_path=model_path,
        data_path=evaluation.path,
        rows=evaluation.rows,
        kind=_kind(rows),
        attributes=found,
        crossed=_crossed(rows, members, choice),
        favourable=favourable,
    )


def details(evidence: Fairness) -> dict[str, object]:
    """For the plot: each attribute's groups, with the rate that is compared and its interval."""
    shown = [
        {
            "attribute": each.name,
            "measure": measured(evidence.kind),
            "groups": [
                {
                    "group": group.name,
                    "rows": group.rows,
                    "selection_rate": round(group.value, 6),
                    "low": round(group.low, 6),
                    "high": round(group.high, 6),
                }
                for group in sorted(each.groups, key=lambda g: -g.rows)[:MOST_GROUPS]
            ],
        }
        for each in evidence.attributes
        if each.groups
    ]
    return {"fairness": shown} if shown else {}


def measured(kind: str) -> str:
    """What a group's value is, in words."""
    return {
        "two labels": "rate of the positive label",
        "labels": "share of right answers",
        "regression": "mean prediction",
    }[kind]


def _kind(rows: Rows) -> str:
    if rows.task == "regression":
        return "regression"
    return "labels" if rows.positive is None else "two labels"


def _attribute(  # noqa: PLR0913, PLR0917 - one call, each is another thing
    name: str,
    guessed: bool,
    rows: Rows,
    members: dict[str, dict[str, Array]],
    columns: dict[str, Column],
    least: int,
    favourable: int | None,
) -> Attribute:
    if name not in columns:
        nearest = difflib.get_close_matches(name, columns, n=1)
        hint = f"; the nearest name is {nearest[0]!r}" if nearest else ""
        return Attribute(name, guessed, problem=f"there is no such column{hint}")
    groups = members[name]
    if not groups:
        return Attribute(name, guessed, problem="it holds too many different texts to make groups")
    return Attribute(
        name,
        guessed,
        group_rates.differences(rows, groups, least),
        tuple(group_rates.by_group(rows, groups)),
        _ratio(rows, groups, least, favourable),
    )


def _ratio(
    rows: Rows, groups: dict[str, Array], least: int, favourable: int | None
) -> float | None:
    if favourable is None:
        return None
    masks = [mask for mask in groups.values() if mask.sum() >= least]
    rates = [float((rows.predicted[mask] == favourable).mean()) for mask in masks]
    return min(rates) / max(rates) if len(rates) > 1 and max(rates) > 0 else None


def _favourable(evaluation: Evaluation, choice: Choice) -> tuple[str, int | None]:
    label, classes = choice.favourable, evaluation.classes
    if label is not None and label in classes:
        return label, classes.index(label)
    if evaluation.positive is None:
        return "", None
    return classes[evaluation.positive], evaluation.positive


def _crossed(
    rows: Rows, members: dict[str, dict[str, Array]], choice: Choice
) -> tuple[Crossed, ...]:
    names = [name for name, groups in members.items() if groups][: choice.most_crossed]
    return tuple(
        Crossed(
            f"{one}+{other}",
            group_rates.differences(
                rows, naming.crossed(members[one], members[other]), choice.least
            )[0],
        )
        for one, other in combinations(names, 2)
    )
