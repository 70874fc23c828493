"""Which columns say something about people that may not decide, and the groups they make. Pure.

Used by `checks.measure.fairness`. A column is recognised by whole words of its name, so that
`percentage`, `usage` and `message` are not ages.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from checks.measure import slices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.measure.bootstrap import Array, Floats
    from checks.sandbox.table import Column

PROTECTED = re.compile(
    r"age|gender|sex|race|racial|ethnicity|ethnic|income|education|marital|married|religion|"
    r"religious|disability|disabled|nationality|citizenship|pregnant|pregnancy|veteran|caste"
)
OLDEST = 120
DECADE = 10


def is_protected(name: str) -> bool:
    """Whether one of the name's words says so: `applicantAge` does, `percentage` does not."""
    return any(PROTECTED.fullmatch(word) for word in words(name))


def words(name: str) -> list[str]:
    """The words of a name in lower case, also where capitals separate them."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return re.findall(r"[a-z]+", spaced.lower())


def groups(column: Column) -> dict[str, Array]:
    """The groups of an attribute by name: ages by decade, other numbers by quartile."""
    if column.kind in {"float", "int"} and "age" in words(column.name):
        values = column.values.astype(np.float64)
        present = values[np.isfinite(values)]
        if present.size and present.min() >= 0 and present.max() <= OLDEST:
            return _decades(values)
    names, codes = slices.groups(column)
    found = {name: codes == code for code, name in enumerate(names)}
    return {name: mask for name, mask in found.items() if mask.any()}


def crossed(one: Mapping[str, Array], other: Mapping[str, Array]) -> dict[str, Array]:
    """The groups that two attributes make together."""
    pairs = {f"{a} and {b}": here & there for a, here in one.items() for b, there in other.items()}
    return {name: mask for name, mask in pairs.items() if mask.any()}


def _decades(values: Floats) -> dict[str, Array]:
    with np.errstate(invalid="ignore"):
        starts = np.floor(values / DECADE) * DECADE
    found: dict[str, Array] = {}
    for start in np.unique(starts[np.isfinite(starts)]):
        found[f"{start:.0f} to {start + DECADE - 1:.0f}"] = starts == start
    missing = ~np.isfinite(starts)
    return found | ({"missing": missing} if missing.any() else {})
