"""The checks, one file each, found by looking into this package: adding a file adds a check.

Used by `checks.run` and the command line. There is no second list to keep in step.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from checks.errors import ConfigError

if TYPE_CHECKING:
    from checks.check import Check

# The twelve checks in the order of the report; a file whose name is not here comes after them.
ORDER = (
    "model_performance",
    "model_robustness",
    "inference_performance",
    "data_quality",
    "model_fairness",
    "model_interpretability",
    "scalability",
    "monitoring",
    "deployment",
    "documentation",
    "testing",
    "security",
)


@cache
def discover() -> tuple[Check, ...]:
    """Every check of this package, in the order of the report."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if module.name[0] != "_"]
    checks: list[Check] = [
        importlib.import_module(f"{__name__}.{name}").CHECK
        for name in sorted(names, key=lambda name: (_rank(name), name))
    ]
    return tuple(checks)


def find(name: str) -> Check:
    """The check of that name. Raises ConfigError listing the known ones."""
    for check in discover():
        if check.name == name:
            return check
    known = ", ".join(check.name for check in discover())
    raise ConfigError(f"there is no check {name!r} in this version; known are {known}")


def _rank(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER)
