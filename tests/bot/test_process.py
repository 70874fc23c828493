"""The bot's process against a Slack that remembers and a cluster that hangs."""

from __future__ import annotations

import http.client
import json
import signal
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest

from bot.refusals import Refusal
from tests.bot.process import (
    BotProcess,
    SilentServer,
    kubeconfig_for,
    people,
    settings_for,
)
from tests.fakes.slack import FakeSlack, sign
from tests.fakes.slack.delivery import send_raw
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MARK = "a-text-that-no-log-may-hold"


@pytest.fixture(scope="module")
def slack() -> Iterator[FakeSlack]:
    with people(FakeSlack()) as started:
        yield started


@pytest.fixture(scope="module")
def silent() -> Iterator[SilentServer]:
    with SilentServer() as started:
        yield started


def settings(slack: FakeSlack) -> dict[str, Any]:
    return settings_for(
        slack, namespace="prod", github="http://127.0.0.1:9", registry="127.0.0.1:9", app_id=1
    )


@pytest.fixture(scope="module")
def kubeconfig(silent: SilentServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kubeconfig_for(tmp_path_factory.mktemp("kube"), silent.url)


@pytest.fixture(scope="module")
def bot(
    slack: FakeSlack, kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BotProcess]:
    with BotProcess(tmp_path_factory.mktemp("bot"), settings(slack), slack, kubeconfig) as started:
        yield started


def form(text: str = MARK) -> bytes:
    fields = {"command": "/deploy", "text": text, "team_id": "T0001", "user_id": "U1"}
    return urlencode({**fields, "channel_id": "C1", "trigger_id": "1.2.3"}).encode()


def signed(secret: str, stamp: str, body: bytes) -> dict[str, str]:
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": sign(secret, stamp, body),
    }


def s1_headers() -> dict[str, dict[str, str]]:
    body, now = form(), str(int(time.time()))
    good = signed(FakeSlack.secret, now, body)
    return {
        "forged": signed("another secret", now, body),
        "stale": signed(FakeSlack.secret, str(int(time.time()) - 301), body),
        "future": signed(FakeSlack.secret, str(int(time.time()) + 400), body),
        "no signature": {k: v for k, v in good.items() if k != "X-Slack-Signature"},
        "no time stamp": {k: v for k, v in good.items() if k != "X-Slack-Request-Timestamp"},
        "word as time stamp": {**good, "X-Slack-Request-Timestamp": "yesterday"},
        "float as time stamp": {**good, "X-Slack-Request-Timestamp": f"{now}.5"},
        "huge time stamp": {**good, "X-Slack-Request-Timestamp": "9" * 400},
        "empty time stamp": {**good, "X-Slack-Request-Timestamp": ""},
        "short signature": {**good, "X-Slack-Signature": "v0=abc"},
        "other version": {**good, "X-Slack-Signature": "v1" + good["X-Slack-Signature"][2:]},
        "upper case": {**good, "X-Slack-Signature": good["X-Slack-Signature"].upper()},
        "signature not ASCII": {**good, "X-Slack-Signature": "v0=\u00e9" + "a" * 63},
        "empty signature": {**good, "X-Slack-Signature": ""},
    }


@pytest.mark.parametrize("case", s1_headers())
def test_s1_bad_headers_are_401_and_leave_no_body_in_the_log(
    bot: BotProcess, slack: FakeSlack, case: str
) -> None:
    before = len(slack.workspace.whispers)
    assert send_raw(bot.url, form(), s1_headers()[case]).status == 401
    assert MARK not in bot.log
    assert "another secret" not in bot.log
    assert len(slack.workspace.whispers) == before


def test_s1_another_body_under_a_good_signature_is_401(bot: BotProcess) -> None:
    headers = signed(FakeSlack.secret, str(int(time.time())), form())
    assert send_raw(bot.url, form("canary 99%"), headers).status == 401


def test_s1_an_ssl_check_needs_a_signature_too(bot: BotProcess) -> None:
    assert send_raw(bot.url, b"ssl_check=1&token=x", {}).status == 401


def ask(bot: BotProcess, method: str, path: str, body: bytes | None = None, **headers: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(bot.address).netloc, timeout=10)
    try:
        connection.request(method, path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_bodies_are_bounded_and_paths_are_few(bot: BotProcess) -> None:
    large = b"x" * (257 << 10)
    headers = signed(FakeSlack.secret, str(int(time.time())), large)
    assert ask(bot, "POST", "/slack/events", large, **headers) == 413
    assert ask(bot, "GET", "/slack/events") == 405
    assert ask(bot, "GET", "/healthz") == 200
    assert ask(bot, "GET", "/readyz") == 200
    assert ask(bot, "GET", "/metrics/../etc/passwd") == 404
    odd = b"command=%2Fdeploy&text=\xff\xfe"
    headers = signed(FakeSlack.secret, str(int(time.time())), odd)
    assert ask(bot, "POST", "/slack/events", odd, **headers) == 400


@pytest.mark.parametrize(
    ("user", "code"),
    [
        ("U2", Refusal.NOT_ALLOWED),
        ("UGUEST", Refusal.GUEST),
        ("UBOT2", Refusal.BOT_USER),
        ("UGONE", Refusal.DELETED_USER),
        ("USTRANGE", Refusal.STRANGER),
        ("UOTHER", Refusal.OTHER_TEAM),
        ("UNOBODY", Refusal.PERSON_NOT_VERIFIED),
    ],
)
def test_s4_who_may_not_is_refused_and_audited(bot: BotProcess, user: str, code: Refusal) -> None:
    told = bot.say("canary 25%", user=user)
    assert code.value in told.text
    assert "Who could:" in told.words
    assert "What next:" in told.words
    assert told.user == user
    line = bot.audit()[-1]
    assert (line["outcome"], line["code"], line["verb"]) == ("refused", code.value, "canary")
    assert line["identity"].endswith(f"/{user}")


def test_s4_another_team_is_refused(bot: BotProcess) -> None:
    assert Refusal.OTHER_TEAM.value in bot.say("status", team="T9999").text


def test_s4_what_a_person_is_counts_at_the_moment_of_the_command(
    bot: BotProcess, slack: FakeSlack
) -> None:
    assert "canary" in bot.say("help", user="U2").words
    slack.workspace.users["U2"].deleted = True
    try:
        assert Refusal.DELETED_USER.value in bot.say("help", user="U2").text
    finally:
        slack.workspace.users["U2"].deleted = False


def test_s7_hostile_text_is_refused_and_inert(bot: BotProcess) -> None:
    told = bot.say("canary 25% <!channel>")
    assert Refusal.UNKNOWN_TARGET.value in told.text
    assert "<!channel>" not in told.words
    assert Refusal.TEXT_UNREADABLE.value in bot.say("x" * 10_000).text


def test_help_names_every_verb(bot: BotProcess) -> None:
    words = bot.say("help", user="U2").words
    for verb in ("canary", "promote", "rollback", "status", "help"):
        assert f"`/deploy {verb}" in words


def test_s2_the_same_delivery_again_is_answered_once(bot: BotProcess, slack: FakeSlack) -> None:
    told = bot.say("help canary", trigger_id="11.22.aa")
    again = slack.deliver_command(bot.url, "help canary", trigger_id="11.22.aa")
    assert (again.status, again.body) == (200, "")
    other = bot.say("help promote")  # everything before it has been answered by now
    answers = [w for w in slack.workspace.whispers if w.words == told.words]
    assert len(answers) == 1
    assert other.words != told.words


def test_s3_the_ack_does_not_wait_for_a_cluster_that_hangs(
    bot: BotProcess, slack: FakeSlack
) -> None:
    whispers = slack.workspace.whispers
    before = len(whispers)
    sent = slack.deliver_command(bot.url, "canary 25%")
    assert sent.in_time
    assert "Received" in whispers[before].text
    wait_until(lambda: len(whispers) >= before + 2, 30.0, "the second message")
    assert Refusal.CLUSTER_UNAVAILABLE.value in whispers[before + 1].text
    assert slack.workspace.messages("C1") == []


def test_the_ack_does_not_wait_for_slack_either(bot: BotProcess, slack: FakeSlack) -> None:
    """Bolt by itself asks `auth.test` before it hands a command on."""
    slack.faults.failing = {"auth.test": "internal_error", "users.info": "internal_error"}
    try:
        assert Refusal.PERSON_NOT_VERIFIED.value in bot.say("status").text
    finally:
        slack.faults.failing = {}
    asked = [call.method for call in slack.requests if call.answer.get("error") == "internal_error"]
    assert asked == ["users.info"]


def test_a_command_that_was_received_is_finished_before_the_bot_stops(
    slack: FakeSlack, kubeconfig: Path, tmp_path: Path
) -> None:
    with BotProcess(tmp_path, settings(slack), slack, kubeconfig) as bot:
        before = len(slack.workspace.whispers)
        assert slack.deliver_command(bot.url, "promote").in_time
        assert bot.stop(signal.SIGTERM) == 0
        answers = [w for w in slack.workspace.whispers[before:] if w.via != "ack"]
        assert [Refusal.CLUSTER_UNAVAILABLE.value in answer.text for answer in answers] == [True]
        assert bot.audit()[-1]["code"] == Refusal.CLUSTER_UNAVAILABLE.value


def test_the_answer_comes_as_an_ephemeral_message_when_the_response_url_is_spent(
    bot: BotProcess, slack: FakeSlack
) -> None:
    whispers = slack.workspace.whispers
    before = len(whispers)
    fields = {"command": "/deploy", "text": "help", "team_id": "T0001", "user_id": "U1"}
    dead = slack.api_url.replace("/api/", "/response/none")
    fields |= {"channel_id": "C1", "trigger_id": "7.7.7", "response_url": dead}
    body = urlencode(fields).encode()
    assert send_raw(bot.url, body, signed(slack.secret, str(int(time.time())), body)).status == 200
    wait_until(lambda: len(whispers) > before, 30.0, "the answer")
    assert whispers[-1].via == "chat.postEphemeral"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"environ": {"SLACK_BOT_TOKEN": "xoxb-wrong"}},
            "does not take SLACK_BOT_TOKEN (invalid_auth)",
        ),
        ({"environ": {"SLACK_SIGNING_SECRET": ""}}, "SLACK_SIGNING_SECRET is empty"),
        ({"slack": {"teams": ["T7777"]}}, "belongs to the workspace T0001"),
        ({"slack": {"apiUrl": "http://127.0.0.1:9/api/"}}, "Slack cannot be reached at"),
        ({"slack": {"team": ["T1"]}}, "did you mean 'teams'?"),
        ({"environ": {"KUBECONFIG": "/nonexistent"}}, "cannot find a cluster in /nonexistent"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_sentence(
    slack: FakeSlack,
    kubeconfig: Path,
    tmp_path: Path,
    change: dict[str, dict[str, Any]],
    sentence: str,
) -> None:
    chosen = settings(slack)
    environ = change.get("environ", {})
    chosen["slack"] |= change.get("slack", {})
    bot = BotProcess(tmp_path, chosen, slack, kubeconfig, **environ)
    assert bot.run_to_end() == 2
    (line,) = [line for line in bot.log.splitlines() if not line.startswith("{")]
    assert line.startswith("holdpoint bot: ")
    assert sentence in line
    assert "xoxb-wrong" not in bot.log


def test_no_log_line_holds_a_secret(bot: BotProcess, slack: FakeSlack) -> None:
    for secret in (slack.secret, slack.token, "ghs_bot"):
        assert secret not in bot.log
    for line in bot.log.splitlines():
        json.loads(line)


def test_too_many_commands_at_once_are_told_so_in_time(
    slack: FakeSlack, kubeconfig: Path, tmp_path: Path
) -> None:
    with BotProcess(tmp_path, settings(slack), slack, kubeconfig) as bot:
        sent = [slack.deliver_command(bot.url, "canary 25%") for _ in range(90)]
        assert all(each.in_time for each in sent)
        assert Refusal.BUSY.value in sent[-1].body
        assert "again in a minute" in sent[-1].body
        assert Refusal.BUSY.value in [line.get("code") for line in bot.audit()]
