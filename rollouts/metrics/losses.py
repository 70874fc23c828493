"""Counts as errors what a dead pod cannot count itself: restarts, lost readiness, lost pods.

A request that met a crashed process never reached its metrics. Whoever reads only those sees a
crashing candidate as a quiet one. The controller therefore adds, for each arm and in the same way,
one request that failed for
- every restart of the model's container,
- every pod that was ready and no longer is (without having restarted, and not being taken down),
- every pod that ended as Failed (evicted, out of memory, node gone).

One each is the least that can have been lost; what the gateway answered itself (5xx) would say
more and comes from its own metrics. Pure, like `cursor`, with the same rule for pods seen for the
first time: those created no earlier than `since` are counted from their start, others from now on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from rollouts.analysis.counts import Increment
from rollouts.jsontypes import dig_list, dig_object, dig_text
from rollouts.metrics.cursor import CursorError
from rollouts.metrics.pods import restarts

if TYPE_CHECKING:
    from rollouts.jsontypes import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Health:
    """What was last seen of one pod."""

    restarts: int = 0
    ready: bool = False
    failed: bool = False


@dataclass(frozen=True)
class Losses:
    """What was last seen of every pod of one arm, by uid. `since` as in `Cursor`."""

    since: str
    pods: Mapping[str, Health] = field(default_factory=dict)

    def to_json(self) -> JsonObject:
        """Plain JSON, about 60 bytes a pod."""
        pods = {uid: [h.restarts, int(h.ready), int(h.failed)] for uid, h in self.pods.items()}
        return {"since": self.since, "pods": pods}

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """The reverse of `to_json`. Raises CursorError for anything else."""
        try:
            pods = {
                str(uid): Health(int(entry[0]), bool(entry[1]), bool(entry[2]))
                for uid, entry in data["pods"].items()
            }
            return cls(since=str(data["since"]), pods=pods)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise CursorError("the saved pod losses are not as this version writes them") from error


def count(losses: Losses, pods: Sequence[JsonObject]) -> tuple[Increment, Losses]:
    """The failures since the last call, as requests that all failed.

    `pods`: all pods of the arm as the API server lists them now. Those that are gone are forgotten;
    a pod that was deleted on purpose is no loss.
    """
    lost = 0
    seen: dict[str, Health] = {}
    for pod in pods:
        uid = dig_text(pod, "metadata", "uid")
        now = Health(restarts(pod), _is_ready(pod), dig_text(pod, "status", "phase") == "Failed")
        fresh = dig_text(pod, "metadata", "creationTimestamp") >= losses.since
        before = losses.pods.get(uid, Health() if fresh else now)
        lost += _lost(before, now, leaving="deletionTimestamp" in dig_object(pod, "metadata"))
        seen[uid] = replace(now, restarts=max(now.restarts, before.restarts))
    return Increment(lost, lost), replace(losses, pods=seen)


def _lost(before: Health, now: Health, *, leaving: bool) -> int:
    again = max(0, now.restarts - before.restarts)
    if again:
        return again
    if leaving:
        return 0
    if now.failed and not before.failed:
        return 1
    return int(before.ready and not now.ready and not now.failed)


def _is_ready(pod: JsonObject) -> bool:
    return any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in dig_list(pod, "status", "conditions")
    )
