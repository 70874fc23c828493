"""Finds the routers: every other file of this folder holds one, as `ROUTER`.

Called by the controller with `spec.traffic.type`. There is deliberately no list to keep: a new
router is a new file.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from rollouts.discovery import units
from rollouts.jsontypes import dig_text
from rollouts.reasons import Reason
from rollouts.traffic.interface import Router, UnknownRouter

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject

NOT_ROUTERS = frozenset(
    {"catalogue", "gateway_status", "interface", "marks", "side_rules", "splitting"}
)


@cache
def routers() -> dict[str, Router]:
    """Every router by its type, in the order of their file names."""
    return units("rollouts.traffic", "ROUTER", NOT_ROUTERS)


def find(name: str) -> Router:
    """The router of that type. Raises UnknownRouter with the known ones, never falls back."""
    router = routers().get(name)
    if router is None:
        raise UnknownRouter(
            Reason.SPEC_INVALID,
            f"spec.traffic.type {name!r} is no router; known are {', '.join(routers())}",
        )
    return router


def of(traffic: JsonObject) -> Router:
    """The router of a `spec.traffic`, with its options. Raises TrafficError."""
    return find(dig_text(traffic, "type")).configured(traffic)
