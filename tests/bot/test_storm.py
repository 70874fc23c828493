"""Many deliveries with duplicates, out of order, while the bot is killed and started again.

Held afterwards: what a person was told is recorded is in the cluster, once; whatever is there was
asked for; no delivery was answered with an error of the server.
"""

from __future__ import annotations

import random
import re
import threading
import urllib.error
from collections import Counter
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

from bot.dispatch import delivery_id
from tests.bot.apiserver import FakeCluster
from tests.bot.process import BotProcess, kubeconfig_for, people, settings_for
from tests.fakes.slack import FakeSlack
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS, COPIES, SENDERS, KILLS, SEED = 150, 2, 4, 2, 20260301
MESSAGE = "C1/1.000001"


def running(cluster: FakeCluster) -> None:
    """A rollout whose message exists, so that every command goes on with it."""
    request = {
        "metadata": {"name": "first", "annotations": {"holdpoint.dev/slack-message": MESSAGE}},
        "spec": {"target": "lending", "verb": "Canary"},
        "status": {"phase": "Accepted"},
    }
    status = {"candidate": {"name": "lending-bbbbbbbb"}, "request": "first"}
    cluster.put("rolloutrequests", "prod", request)
    deployment = {"metadata": {"name": "lending"}, "spec": {}, "status": status}
    cluster.put("modeldeployments", "prod", deployment)


class Storm:
    """Sends what is in the queue; what finds nobody is sent again, as Slack and people do."""

    def __init__(self, slack: FakeSlack, bot: BotProcess) -> None:
        self._slack, self._bot = slack, bot
        self.queue: Queue[str] = Queue()
        self.answers: Counter[int] = Counter()

    def send(self) -> None:
        while True:
            try:
                trigger = self.queue.get_nowait()
            except Empty:
                return
            try:
                sent = self._slack.deliver_command(self._bot.url, "pause", trigger_id=trigger)
                self.answers[sent.status] += 1
            except (OSError, urllib.error.URLError, ValueError):  # killed, or not up yet
                self.queue.put(trigger)


def test_s2_s9_a_storm_with_kills_doubles_and_loses_nothing(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    triggers = [f"{n}.{n}.storm" for n in range(COMMANDS)]
    copies = triggers * COPIES
    chance.shuffle(copies)
    with people(FakeSlack()) as slack, FakeCluster() as cluster:
        running(cluster)
        settings: dict[str, Any] = settings_for(
            slack, namespace="prod", github="http://127.0.0.1:9", registry="127.0.0.1:9", app_id=1
        )
        with BotProcess(
            tmp_path / "bot", settings, slack, kubeconfig_for(tmp_path, cluster.url)
        ) as bot:
            storm = Storm(slack, bot)
            for trigger in copies:
                storm.queue.put(trigger)
            senders = [threading.Thread(target=storm.send) for _ in range(SENDERS)]
            for sender in senders:
                sender.start()
            for kill in range(1, KILLS + 1):
                share = len(copies) * kill // (KILLS + 1)
                wait_until(lambda s=share: storm.answers.total() >= s, 120.0, "some answers")  # type: ignore[misc] # mypy sees no type for a default
                bot.kill()
                bot.start()
            for sender in senders:
                sender.join()
            assert bot.stop() == 0
        assert set(storm.answers) == {200}
        told = [
            name
            for whisper in slack.workspace.whispers
            for name in re.findall(r"Recorded as `(slack-[0-9a-f]{20})`", whisper.text)
        ]
        there = {each["metadata"]["name"] for each in cluster.all("rolloutrequests")} - {"first"}
        asked = {f"slack-{delivery_id(slack.workspace.team, trigger)}" for trigger in triggers}
        assert len(told) > COMMANDS // 2
        assert set(told) <= there, "told as recorded, and not there"
        assert there <= asked
        assert max(Counter(told).values()) == 1, "recorded twice for the same delivery"
        assert slack.workspace.messages("C1") == []
