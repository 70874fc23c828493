"""Pods as the API server lists them, for the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject

T0 = "2026-01-01T00:00:00Z"
EARLIER = "2025-12-31T23:00:00Z"
LATER = "2026-01-01T00:00:07Z"


def pod(name: str = "a", **changes: Any) -> JsonObject:
    """A running, ready pod; `changes`: ip, phase, ready, restarts, created, leaving, port."""
    metadata: JsonObject = {
        "name": f"pod-{name}",
        "uid": f"uid-{name}",
        "creationTimestamp": changes.get("created", EARLIER),
    }
    if changes.get("leaving"):
        metadata["deletionTimestamp"] = LATER
    ready = "True" if changes.get("ready", True) else "False"
    return {
        "metadata": metadata,
        "spec": {"containers": [{"name": "model", "ports": [{"containerPort": 9000}]}]},
        "status": {
            "phase": changes.get("phase", "Running"),
            "podIP": changes.get("ip", "10.244.0.7"),
            "conditions": [{"type": "Initialized"}, {"type": "Ready", "status": ready}],
            "containerStatuses": [
                {"name": "sidecar", "restartCount": 99},
                {"name": "model", "restartCount": changes.get("restarts", 0)},
            ],
        },
    }
