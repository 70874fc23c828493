"""Kubernetes Events: one for each line of a ModelDeployment's history, and for each refusal.

Called when nothing more urgent is to be done. An Event's name is derived from what it reports, so
that one that was lost in a crash is made up for and none is doubled. It deliberately holds nothing
that is not in a status already.
"""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from datetime import timedelta
from typing import TYPE_CHECKING

from rollouts import kube
from rollouts.jsontypes import dig_text, name_of
from rollouts.model import Action, moment, rfc3339, rfc3339_seconds
from rollouts.reasons import Reason

if TYPE_CHECKING:
    from datetime import datetime

    from rollouts.controller.writing import Writer
    from rollouts.jsontypes import JsonObject
    from rollouts.model import Entry, Status

LOG = logging.getLogger(__name__)
RECENT = timedelta(
    minutes=30
)  # Events live for an hour by default; older ones are not brought back
REMEMBERED = 10_000
LONGEST_MESSAGE = 1000
WARNINGS = frozenset({Action.ROLLING_BACK, Action.ROLLED_BACK, Action.WARNED, Action.REASSERTED})


class Events:
    """Safe to share between workers: a key is worked on by one of them at a time."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._made: OrderedDict[str, None] = OrderedDict()

    def report_history(self, raw: JsonObject, status: Status, now: datetime) -> None:
        """An Event for each recent line of history that has none yet. Raises ClusterError."""
        for entry in status.history:
            name = _name(raw, entry)
            if now - entry.at < RECENT and not self._is_made(raw, name):
                self._make(_event(raw, name, entry))

    def report_request(self, request: JsonObject, now: datetime) -> None:
        """An Event on a request that was refused, or told what consent it lacks, a moment ago.
        Raises ClusterError."""
        phase, reason = (dig_text(request, "status", key) for key in ("phase", "reason"))
        at = moment(dig_text(request, "status", "observedAt"))
        if at is None or now - at >= RECENT:
            return
        said = {"reason": reason, "message": dig_text(request, "status", "message")}
        said["message"] = said["message"][:LONGEST_MESSAGE]
        if phase == "Refused":
            body = _body(request, f"{name_of(request)}.refused", at)
            self._make({**body, **said, "type": "Warning", "action": "Refused"})
        elif reason == Reason.AWAITING_APPROVAL:
            digest = hashlib.sha256(said["message"].encode()).hexdigest()[:12]
            body = _body(request, f"{name_of(request)}.{digest}", at)
            self._make({**body, **said, "type": "Normal", "action": "Waiting"})

    def report_problem(self, raw: JsonObject, reason: str, message: str, now: datetime) -> None:
        """An Event for something that no status can tell, once for each message."""
        digest = hashlib.sha256(f"{reason}{message}".encode()).hexdigest()[:12]
        body = _body(raw, f"{name_of(raw)}.{digest}", now)
        self._make(
            {**body, "reason": reason, "message": message[:LONGEST_MESSAGE], "type": "Warning"}
        )

    def _is_made(self, about: JsonObject, name: str) -> bool:
        return f"{dig_text(about, 'metadata', 'namespace')}/{name}" in self._made

    def _make(self, event: JsonObject) -> None:
        name = f"{dig_text(event, 'metadata', 'namespace')}/{name_of(event)}"
        if name in self._made:
            return
        try:
            self._writer.create(kube.EVENTS, event, keep=False)
        except kube.AlreadyExists:
            LOG.debug("this Event was made before", extra={"event": name})
        except (kube.Invalid, kube.Forbidden) as error:
            LOG.warning("an Event is not wanted: %s", error)  # it will not be wanted later either
        self._made[name] = None
        while len(self._made) > REMEMBERED:
            self._made.popitem(last=False)


def _name(raw: JsonObject, entry: Entry) -> str:
    said = f"{dig_text(raw, 'metadata', 'uid')}{entry.to_json()}"
    return f"{name_of(raw)}.{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def _event(raw: JsonObject, name: str, entry: Entry) -> JsonObject:
    return {
        **_body(raw, name, entry.at),
        "reason": str(entry.reason),
        "message": _sentence(entry)[:LONGEST_MESSAGE],
        "type": "Warning" if entry.action in WARNINGS else "Normal",
        "action": str(entry.action),
    }


def _sentence(entry: Entry) -> str:
    about = f"{entry.revision} at {entry.weight} %" if entry.weight else entry.revision
    return (
        f"{entry.action} {about}: {entry.message}" if entry.message else f"{entry.action} {about}"
    )


def _body(about: JsonObject, name: str, at: datetime) -> JsonObject:
    namespace = dig_text(about, "metadata", "namespace")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": {
            "apiVersion": about.get("apiVersion") or kube.MODEL_DEPLOYMENTS.api_version,
            "kind": about.get("kind") or kube.MODEL_DEPLOYMENTS.kind,
            "namespace": namespace,
            "name": name_of(about),
            "uid": dig_text(about, "metadata", "uid"),
            "resourceVersion": dig_text(about, "metadata", "resourceVersion"),
        },
        "eventTime": rfc3339(at),
        "firstTimestamp": rfc3339_seconds(at),
        "lastTimestamp": rfc3339_seconds(at),
        "count": 1,
        "source": {"component": "holdpoint"},
        "reportingComponent": "holdpoint.dev/controller",
        "reportingInstance": "holdpoint",
    }
