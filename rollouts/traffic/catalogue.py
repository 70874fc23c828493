"""Finds the routers: every other file of this folder holds one, as `ROUTER`.

Called by the controller with `spec.traffic.type`. There is deliberately no list to keep: a new
router is a new file.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from rollouts.reasons import Reason
from rollouts.traffic.interface import Router, UnknownRouter

NOT_ROUTERS = frozenset({"catalogue", "gateway_status", "interface"})


@cache
def routers() -> dict[str, Router]:
    """Every router by its type, in the order of their file names."""
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    units = [
        importlib.import_module(f"{__package__}.{name}").ROUTER
        for name in names
        if name not in NOT_ROUTERS
    ]
    return {unit.type: unit for unit in units}


def find(name: str) -> Router:
    """The router of that type. Raises UnknownRouter with the known ones, never falls back."""
    router = routers().get(name)
    if router is None:
        raise UnknownRouter(
            Reason.SPEC_INVALID,
            f"spec.traffic.type {name!r} is no router; known are {', '.join(routers())}",
        )
    return router
