"""The only room that talks to the Kubernetes API server.

Used by the controller, the terminal commands and the bot. Objects go in and out as plain JSON
(decoding a thousand pods into the client's models costs ten times as much); configuration,
authentication and TLS are the official client's. It deliberately decides nothing and retries
nothing that was written: whoever writes says what a lost answer means.
"""

from __future__ import annotations

from rollouts.kube.client import Cluster, ListResult
from rollouts.kube.errors import (
    AlreadyExists,
    ClusterError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotConfigured,
    NotFound,
    Unreachable,
)
from rollouts.kube.watch import WatchEvent
from rollouts.resources import (
    CONTROLLER_REVISIONS,
    CUSTOM_RESOURCE_DEFINITIONS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    EVENTS,
    HTTP_ROUTES,
    LEASES,
    MODEL_DEPLOYMENTS,
    NAMESPACES,
    PODS,
    ROLLOUT_APPROVALS,
    ROLLOUT_REQUESTS,
    SERVICES,
    Resource,
)

__all__ = [
    "CONTROLLER_REVISIONS",
    "CUSTOM_RESOURCE_DEFINITIONS",
    "DEPLOYMENTS",
    "ENDPOINT_SLICES",
    "EVENTS",
    "HTTP_ROUTES",
    "LEASES",
    "MODEL_DEPLOYMENTS",
    "NAMESPACES",
    "PODS",
    "ROLLOUT_APPROVALS",
    "ROLLOUT_REQUESTS",
    "SERVICES",
    "AlreadyExists",
    "Cluster",
    "ClusterError",
    "Conflict",
    "Forbidden",
    "Gone",
    "Invalid",
    "ListResult",
    "NotConfigured",
    "NotFound",
    "Resource",
    "Unreachable",
    "WatchEvent",
]
