"""Keeps every rollout's message true: looks at the cluster, edits what differs.

One thread, started by `bot.app`. It has no memory that matters: which messages there are stands in
the requests' annotations, so after a restart it goes on where it was. It is slow to speak (Slack
allows about one edit a second) and never gives up on a message that can still be edited.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot import audit, live, metrics
from bot.blocks import answers, events
from bot.blocks import live as blocks
from bot.notes import message_of
from bot.slack import SlackError
from rollouts.jsontypes import JsonObject, dig_text, name_of
from rollouts.kube import ClusterError

if TYPE_CHECKING:
    from bot.blocks.events import Event
    from bot.blocks.parts import Block
    from bot.cluster import Clusters, Snapshot
    from bot.desk import Answer
    from bot.live import LiveView
    from bot.places import Target
    from bot.settings import Settings
    from bot.slack import Slack

LOOK_S = 0.5  # between two looks at the cluster
AFTER_ERROR_S = 3.0
EDIT_GAP_S = 1.0  # between two edits of one message
FIGURES_GAP_S = 3.0  # when only figures grew
TRY_AGAIN_S = 5.0  # after an edit that failed without saying when to come again
OLD = timedelta(hours=24)  # a rollout that ended this long before is not looked at again
MOST_WAITING = 1000
Place = tuple[str, str]  # environment, namespace


@dataclass
class _Message:
    """What we know of one message of ours."""

    shown: list[Block] | None = None
    essence: tuple[object, ...] = ()
    view: LiveView | None = None
    edited: float = float("-inf")
    not_before: float = float("-inf")
    given_up: bool = False
    told: set[Event] = field(default_factory=set)
    settled: int = 0  # so many requests, all over, and the message says so


class Watcher:
    """Start it once; `wake` it after a change of one's own; `stop` it at the end."""

    def __init__(
        self,
        slack: Slack,
        requests: Clusters,
        settings: Settings,
        now: Callable[[], datetime],
    ) -> None:
        places, self._humans = settings.places(), settings.humans
        self._slack, self._requests, self._now = slack, requests, now
        self._places = tuple(sorted({(place.environment, place.namespace) for place in places}))
        self._messages: dict[Place, dict[str, _Message]] = defaultdict(dict)
        self._waiting: dict[tuple[Place, str], Callable[[Answer], None]] = {}
        self._lock = threading.Lock()  # guards _waiting, the one thing other threads touch
        self._failing: set[Place] = set()
        self._began = now()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-messages", daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def wake(self) -> None:
        """Looks at once."""
        self._wake.set()

    def stop(self, timeout_s: float) -> None:
        """Ends after the look under way."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout_s)

    def tell_when_decided(
        self, target: Target, request: str, tell: Callable[[Answer], None]
    ) -> None:
        """Calls `tell` once, when the controller has accepted or refused the request."""
        with self._lock:
            if len(self._waiting) >= MOST_WAITING:
                self._waiting.pop(next(iter(self._waiting)))
            self._waiting[((target.environment, target.namespace), request)] = tell

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            well = [self._look(place) for place in self._places]
            pause = LOOK_S if all(well) else AFTER_ERROR_S
            self._wake.wait(pause)

    def _look(self, place: Place) -> bool:
        try:
            snapshot = self._requests.snapshot(*place)
            self._follow(place, snapshot)
        except ClusterError as error:
            if place not in self._failing:
                audit.trouble("the cluster cannot be read", place="/".join(place), why=str(error))
            self._failing.add(place)
            metrics.count("holdpoint_bot_cluster_reads_failed_total")
            return False
        except Exception:  # noqa: BLE001 - one odd object must not silence every other message
            audit.trouble("live messages could not be brought up to date", place="/".join(place))
            return False
        self._failing.discard(place)
        return True

    def _follow(self, place: Place, snapshot: Snapshot) -> None:
        deployments = {name_of(deployment): deployment for deployment in snapshot.deployments}
        groups: dict[str, list[JsonObject]] = defaultdict(list)
        for request in snapshot.requests:
            self._tell(place, request)
            if message_of(request):
                groups[message_of(request)].append(request)
        known = self._messages[place]
        for key in known.keys() - groups.keys():
            del known[key]  # its requests were pruned
        for key, requests in groups.items():
            if key not in known and self._long_over(requests):
                continue
            message = known.setdefault(key, _Message())
            if not message.given_up and message.settled != len(requests):
                around = live.Around(place[0], snapshot.approvals, self._humans, self._now())
                deployment = deployments.get(dig_text(requests[0], "spec", "target"))
                self._show(
                    key, message, live.view(requests, deployment, message.view, around), requests
                )
                self._tell_thread(key, message, requests, deployment)

    def _long_over(self, requests: list[JsonObject]) -> bool:
        """Whether the rollout was over so long before we began that its message can rest."""
        ends = [dig_text(request, "status", "observedAt") for request in requests]
        return _over(requests) and max(ends) < f"{self._now() - OLD:%Y-%m-%dT%H:%M:%SZ}"

    def _show(
        self,
        key: str,
        message: _Message,
        view: LiveView,
        requests: list[JsonObject],
    ) -> None:
        message.view = view
        wanted, essence = blocks.render(message.view), blocks.essence(message.view)
        gap = EDIT_GAP_S if essence != message.essence else FIGURES_GAP_S
        settled = len(requests) if _over(requests) else 0
        if wanted == message.shown:
            message.settled = settled
            return
        if time.monotonic() < max(message.edited + gap, message.not_before):
            return
        channel, _, ts = key.partition("/")
        try:
            self._slack.update(channel, ts, wanted, blocks.summary(message.view))
        except SlackError as error:
            self._failed(key, message, error)
            return
        message.shown, message.essence, message.edited = wanted, essence, time.monotonic()
        message.settled = settled

    def _tell_thread(
        self,
        key: str,
        message: _Message,
        requests: list[JsonObject],
        deployment: JsonObject | None,
    ) -> None:
        """One event a look goes into the message's thread; what happened before this process began
        stays in the message, so that a restart says nothing twice."""
        for event in events.of(requests, deployment, since=self._began):
            if event in message.told or time.monotonic() < message.not_before:
                continue
            channel, _, ts = key.partition("/")
            try:
                self._slack.post(channel, events.render(event), event.words, thread=ts)
            except SlackError as error:
                self._failed(key, message, error)
                return
            message.told.add(event)
            message.not_before = time.monotonic() + EDIT_GAP_S
            return

    def _failed(self, key: str, message: _Message, error: SlackError) -> None:
        message.given_up = error.final
        message.not_before = time.monotonic() + (error.retry_after or TRY_AGAIN_S)
        metrics.count("holdpoint_bot_edits_failed_total", code=error.code or "no answer")
        audit.trouble(
            "a live message could not be edited",
            slack_message=key,
            code=error.code,
            given_up=error.final,
        )

    def _tell(self, place: Place, request: JsonObject) -> None:
        phase = dig_text(request, "status", "phase")
        if not phase or phase == "Pending":
            return
        with self._lock:
            tell = self._waiting.pop((place, name_of(request)), None)
        if tell is not None:
            tell(
                answers.decided(
                    dig_text(request, "spec", "verb"),
                    dig_text(request, "spec", "target"),
                    phase,
                    dig_text(request, "status", "reason"),
                    dig_text(request, "status", "message"),
                )
            )


def _over(requests: list[JsonObject]) -> bool:
    return all(dig_text(r, "status", "phase") in ("Done", "Refused") for r in requests)
