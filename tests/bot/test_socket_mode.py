"""Socket Mode: the real process against a WebSocket server that refreshes, breaks and repeats."""

from __future__ import annotations

import http.client
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bot.refusals import Refusal
from tests.bot.apiserver import FakeCluster
from tests.bot.process import BotProcess, kubeconfig_for, people, settings_for
from tests.fakes.slack import FakeSlack, Whisper
from tests.testbed.wait import wait_until


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with people(FakeSlack()) as started:
        yield started


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with FakeCluster() as started:
        yield started


def made(slack: FakeSlack, cluster: FakeCluster, folder: Path, **environ: str) -> BotProcess:
    settings: dict[str, Any] = settings_for(
        slack, namespace="prod", github="http://127.0.0.1:9", registry="127.0.0.1:9", app_id=1
    )
    settings["slack"]["mode"] = "socket"
    kubeconfig = kubeconfig_for(folder, cluster.url)
    environ = {"SLACK_SIGNING_SECRET": "", **environ}
    return BotProcess(folder / "bot", settings, slack, kubeconfig, **environ)


def ask(bot: BotProcess, path: str, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(bot.address).netloc, timeout=10)
    try:
        connection.request(method, path, b"" if method == "POST" else None)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def answers(slack: FakeSlack) -> list[Whisper]:
    return [whisper for whisper in slack.workspace.whispers if whisper.via != "ack"]


def test_s9_a_command_over_the_socket_and_over_the_next_one(
    slack: FakeSlack, cluster: FakeCluster, tmp_path: Path
) -> None:
    with made(slack, cluster, tmp_path) as bot:
        assert slack.deliver_by_socket("help").in_time
        wait_until(lambda: len(answers(slack)) == 1, 20.0, "the answer")
        assert "`/deploy canary" in answers(slack)[0].words
        sockets = slack.sockets
        for number, fault in enumerate((sockets.refresh, sockets.cut), 2):
            opened = sockets.opened
            fault()
            wait_until(lambda n=opened: sockets.opened > n, 60.0, "a new socket")  # type: ignore[misc] # mypy sees no type for a default
            wait_until(lambda: ask(bot, "/readyz")[0] == 200, 20.0, "readiness")
            assert slack.deliver_by_socket("whoami", timeout_s=60.0).status == 200
            wait_until(lambda n=number: len(answers(slack)) == n, 20.0, "the answer")  # type: ignore[misc] # as above


def test_s2_the_same_command_on_two_sockets_is_one(
    slack: FakeSlack, cluster: FakeCluster, tmp_path: Path
) -> None:
    with made(slack, cluster, tmp_path) as bot:
        for _ in range(3):
            assert slack.deliver_by_socket("help", trigger_id="5.5.5").status == 200
        slack.deliver_by_socket("whoami")
        wait_until(lambda: len(answers(slack)) == 2, 20.0, "the answers")
        assert len(bot.audit()) == 2
        status, text = ask(bot, "/metrics")
        assert status == 200
        assert "holdpoint_bot_deliveries_repeated_total 2" in text
        assert 'holdpoint_bot_commands_total{code="",outcome="accepted",verb="help"} 1' in text
        assert "U1" not in text


def test_nothing_is_taken_over_http_in_socket_mode(
    slack: FakeSlack, cluster: FakeCluster, tmp_path: Path
) -> None:
    with made(slack, cluster, tmp_path) as bot:
        assert ask(bot, "/slack/events", "POST")[0] == 404
        assert ask(bot, "/healthz")[0] == 200


def test_what_was_received_is_finished_before_the_stop(
    slack: FakeSlack, cluster: FakeCluster, tmp_path: Path
) -> None:
    with made(slack, cluster, tmp_path) as bot:
        cluster.broken = True
        assert slack.deliver_by_socket("promote").in_time
        assert bot.stop(signal.SIGTERM) == 0
        assert Refusal.CLUSTER_UNAVAILABLE.value in answers(slack)[-1].text
        assert slack.sockets.connections == []


def test_an_app_token_that_slack_does_not_take_stops_the_start(
    slack: FakeSlack, cluster: FakeCluster, tmp_path: Path
) -> None:
    bot = made(slack, cluster, tmp_path, SLACK_APP_TOKEN="xapp-wrong")
    assert bot.run_to_end() == 2
    (line,) = [line for line in bot.log.splitlines() if not line.startswith("{")]
    assert "SLACK_APP_TOKEN" in line
    assert "xapp-wrong" not in bot.log
