"""What the conformance test needs to know of a router: one file each, named as the router's.

`CASE` of each file is a `Case`. A router without one fails the conformance test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from rollouts.jsontypes import JsonObject

ALIAS = "lending"
STABLE, CANDIDATE, OLD = "lending-11111111", "lending-22222222", "lending-00000000"
OWNED = frozenset({STABLE, CANDIDATE, OLD})
NAMESPACE = "prod"


@dataclass(frozen=True)
class Case:
    """One router's world.

    `spec`: a `spec.traffic` for it; `bad_specs`: some it must refuse. `objects`: objects as a
    person may have written them, all with something that points at the target; `strangers`: objects
    with nothing of the target's. `untouched`: what of an object must be the same after `apply`.
    """

    spec: JsonObject
    bad_specs: tuple[JsonObject, ...]
    objects: SearchStrategy[JsonObject]
    strangers: SearchStrategy[JsonObject]
    untouched: Callable[[JsonObject], Any]
