"""Finds the units of a folder: every file of it that is not plumbing holds one.

Used by the catalogues of strategies, routers and metric providers. There is deliberately no list of
units to keep: a new one is a new file.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any


def units(package: str, holder: str, plumbing: frozenset[str]) -> dict[str, Any]:
    """What each file of `package` holds under the name `holder`, by its `type`, in the order of the
    file names. Raises AttributeError for a file that holds none and is not listed as plumbing."""
    folder = importlib.import_module(package).__path__
    names = sorted({module.name for module in pkgutil.iter_modules(folder)} - plumbing)
    found = [getattr(importlib.import_module(f"{package}.{name}"), holder) for name in names]
    return {unit.type: unit for unit in found}
