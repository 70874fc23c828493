"""Traffic routers: one file each, found by `find`; see `interface` for what a router is."""

from rollouts.traffic.catalogue import find, of, routers
from rollouts.traffic.interface import (
    IN_PROGRESS_LABEL,
    SEQUENCE_ANNOTATION,
    TARGET_ANNOTATION,
    Acceptance,
    AcceptanceState,
    ObjectReference,
    Permission,
    Router,
    RouteView,
    StaleIntent,
    TrafficError,
    TrafficIntent,
    UnknownRouter,
)

__all__ = [
    "IN_PROGRESS_LABEL",
    "SEQUENCE_ANNOTATION",
    "TARGET_ANNOTATION",
    "Acceptance",
    "AcceptanceState",
    "ObjectReference",
    "Permission",
    "RouteView",
    "Router",
    "StaleIntent",
    "TrafficError",
    "TrafficIntent",
    "UnknownRouter",
    "find",
    "of",
    "routers",
]
