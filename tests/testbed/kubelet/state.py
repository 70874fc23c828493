"""What a kubelet knows of one container, and how that reads in a pod's status."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


def waiting(reason: str, message: str = "") -> Json:
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def running(started_at: str) -> Json:
    return {"running": {"startedAt": started_at}}


@dataclass(frozen=True)
class ContainerState:
    """Replaced whole at each change, so that another thread never reads half of one."""

    name: str
    image: str
    now: Json = field(default_factory=lambda: waiting("ContainerCreating"))
    last: Json = field(default_factory=dict)
    image_id: str = ""
    container_id: str = ""
    restarts: int = 0
    started: bool = False
    ready: bool = False
    finished: bool = False

    def as_status(self) -> Json:
        status: Json = {
            "name": self.name,
            "image": self.image,
            "imageID": self.image_id,
            "restartCount": self.restarts,
            "started": self.started,
            "ready": self.ready,
            "state": self.now,
            "lastState": self.last,
        }
        if self.container_id:
            status["containerID"] = f"testbed://{self.container_id}"
        return status
