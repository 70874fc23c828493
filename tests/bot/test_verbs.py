"""The verbs through the bot's real process: Slack, GitHub, a registry and a cluster that remember.

What a controller does with the requests is in `tests/cluster`; here it is what the bot asks for,
whom it lets ask, and what it says.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from bot.refusals import Refusal
from tests.bot.apiserver import FakeCluster
from tests.bot.process import BotProcess, kubeconfig_for, people, settings_for
from tests.bot.samples import MODEL, SHA, check_run, record
from tests.fakes.github import FakeGitHub
from tests.fakes.slack import FakeSlack
from tests.testbed.oci import ImageStore
from tests.testbed.registry import Registry
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]
NAME = "acme/lending"
STABLE = "registry.example/acme/lending@sha256:" + "5" * 64


@dataclass
class Room:
    """Two environments: staging lets anyone start, prod wants one approval and staging first."""

    bot: BotProcess
    slack: FakeSlack
    github: FakeGitHub
    cluster: FakeCluster
    registry: Registry
    store: ImageStore
    image: str

    def say(self, text: str, user: str = "U1", **more: Any) -> str:
        return self.bot.say(text, user=user, **more).words

    def code(self, text: str, user: str = "U1", **more: Any) -> str:
        """The refusal's code, the same in Slack and in the audit log."""
        told = self.bot.say(text, user=user, **more)
        line = self.bot.audit()[-1]
        assert line["outcome"] == "refused", told.words
        assert line["code"] in told.words
        assert line["identity"].endswith(f"/{user}")
        return str(line["code"])

    def requests(self, namespace: str = "prod") -> list[Json]:
        return self.cluster.all("rolloutrequests", namespace)

    def deployment(self, namespace: str = "prod", **status: Any) -> None:
        stable = {"name": "lending-aaaaaaaa", "image": STABLE, "hash": "aaaaaaaa"}
        self.cluster.put(
            "modeldeployments",
            namespace,
            {
                "metadata": {"name": "lending"},
                "spec": {"strategy": {"type": "Canary", "canary": {"steps": [{"weight": 10}]}}},
                "status": {"phase": "Stable", "stable": stable, **status},
            },
        )

    def forget(self) -> None:
        with self.cluster.lock:
            kept = {k: v for k, v in self.cluster.objects.items() if k[0] == "modeldeployments"}
            self.cluster.objects = kept
        self.deployment("prod")
        self.deployment("staging", previous={"name": "x", "image": self.image})


def settings(slack: FakeSlack, github: FakeGitHub, registry: Registry) -> Json:
    made = settings_for(
        slack,
        namespace="prod",
        github=github.url,
        registry=registry.address,
        app_id=github.app("holdpoint").id,
    )
    del made["targets"]["lending"]["namespace"]
    roles = {
        "viewer": {"users": ["*"]},
        "deployer": {"users": ["U1"], "groups": ["S1"]},
        "approver": {"users": ["U5", "U6", "U7"], "channels": ["C9"]},
        "admin": {"users": ["U9"]},
    }
    made["roles"] = roles
    made["environments"] = {
        "staging": {"namespace": "staging", "channels": ["C2"]},
        "prod": {
            "namespace": "prod",
            "channels": ["C1"],
            "after": "staging",
            "approvals": {"required": 1, "above": 10, "minutes": 30},
            "weakScore": {"below": 0.5, "firstWeight": 5},
        },
    }
    made["identities"] = {
        "ada": {"slack": ["U1", "U7"], "github": ["ada"]},
        "eve": {"slack": ["U5"], "github": ["eve"]},
        "author": {"slack": ["U6"], "github": ["octocat"]},
    }
    return made


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    folder = tmp_path_factory.mktemp("verbs")
    store = ImageStore(folder / "images")
    with (
        people(FakeSlack()) as slack,
        FakeGitHub() as github,
        Registry(store) as registry,
        FakeCluster() as cluster,
    ):
        for user, name in (("U5", "Eve"), ("U6", "Oct"), ("U7", "Ada too"), ("U9", "Root")):
            slack.workspace.add_user(user, name)
        slack.workspace.groups["S1"] = {"U4"}
        slack.workspace.add_user("U4", "Dee")
        slack.workspace.add_channel("C9", "approvers").members = {"U8"}
        slack.workspace.add_user("U8", "Gil")
        image = _evidence(github, store, registry)
        kubeconfig = kubeconfig_for(folder, cluster.url)
        bot = BotProcess(folder / "bot", settings(slack, github, registry), slack, kubeconfig)
        room = Room(bot, slack, github, cluster, registry, store, image)
        room.forget()
        with bot:
            yield room


def _evidence(github: FakeGitHub, store: ImageStore, registry: Registry) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    github.add_repository(NAME)
    github.add_commit(NAME, SHA, branch="main", author="Octocat")
    github.add_token("ghs_bot", app="holdpoint", permissions={"checks": "read", "contents": "read"})
    text = check_run(record(timestamp=now)).text
    github.add_check_run(NAME, SHA, app="holdpoint", external_id=record().report_digest, text=text)
    digest = store.build({"/app/x": b"x", "/model/model.joblib": MODEL})
    registry.tag(NAME, SHA, digest)
    return registry.reference(NAME, digest)


@pytest.fixture
def room(started: Room) -> Room:
    started.forget()
    return started


def test_a_small_canary_needs_nobody_and_a_larger_one_waits(room: Room) -> None:
    assert "Recorded" in room.say("canary 10%")
    (small,) = room.requests()
    assert "approvals" not in small["spec"]
    room.forget()
    assert "Recorded" in room.say("canary 25%")
    (large,) = room.requests()
    assert large["spec"]["approvals"]["required"] == 1
    assert large["spec"]["approvals"]["weight"] == 25
    assert large["spec"]["arguments"]["image"] == room.image


def test_the_channel_says_which_environment(room: Room) -> None:
    room.say("canary 25% lending", channel="C2")
    (request,) = room.requests("staging")
    assert "approvals" not in request["spec"]
    assert room.requests("prod") == []
    assert room.code("canary 25% lending", channel="C9") == Refusal.MISSING_ENVIRONMENT
    assert room.code("canary 25% lending prd", channel="C9") == Refusal.UNKNOWN_TARGET


def test_prod_comes_after_staging(room: Room) -> None:
    room.deployment("staging")
    assert room.code("canary 5%") == Refusal.OUT_OF_ORDER
    assert room.requests() == []
    assert "Recorded" in room.say("override for 30m the pager is on fire", user="U5")
    assert "Recorded" in room.say("canary 5%")
    notice = room.slack.workspace.messages("C1")[-2].words
    assert "BREAK-GLASS" in notice
    assert "the pager is on fire" in notice
    assert room.requests()[-1]["spec"]["arguments"]["override"].startswith("slack-")


def test_a_lock_bars_others_and_nothing_else(room: Room) -> None:
    assert "locked until" in room.say("lock for 2h Checking the data", user="U4")
    assert room.code("canary 5%") == Refusal.LOCKED
    assert room.code("lock me too") == Refusal.ALREADY_LOCKED
    assert room.code("unlock") == Refusal.NOT_YOUR_LOCK
    assert "Checking the data" in room.say("status")
    assert "Checking the data" in room.say("plan")
    room.deployment("prod", candidate={"name": "lending-bbbbbbbb", "image": room.image})
    assert "Recorded" in room.say("abort")
    assert room.code("promote") == Refusal.LOCKED
    assert "Recorded" in room.say("override the pager", user="U5")
    assert "Recorded" in room.say("promote step")
    promote = room.requests()[-1]["spec"]
    assert promote["arguments"]["override"].startswith("slack-")
    assert promote["approvals"]["weight"] == 100
    room.forget()
    room.say("lock again", user="U4")
    assert "unlocked" in room.say("unlock", user="U9")
    room.deployment("prod")
    assert "Recorded" in room.say("canary 5%")


def test_a_freeze_is_an_admins_and_covers_the_environment(room: Room) -> None:
    assert room.code("freeze year's end") == Refusal.NOT_ALLOWED
    assert "frozen" in room.say("freeze year's end", user="U9")
    assert room.code("auto") == Refusal.FROZEN
    assert room.code("unfreeze", channel="C2", user="U9") == Refusal.NOT_FROZEN
    assert "open again" in room.say("unfreeze", user="U9")
    assert "Recorded" in room.say("canary 5%")


@pytest.mark.parametrize(
    ("text", "verb", "arguments"),
    [
        ("pause", "Pause", {}),
        ("resume", "Resume", {}),
        ("abort", "Abort", {}),
        ("promote full", "Promote", {"to": "Full"}),
        ("promote step", "Promote", {"to": "NextStep"}),
        ("rollback", "RollBack", {}),
        ("rollback to lending-cccccccc", "RollBack", {"revision": "lending-cccccccc"}),
        ("rollback to cccccccc", "RollBack", {"revision": "lending-cccccccc"}),
        ("stop-all the site is down", "Abort", {"reason": "the site is down"}),
    ],
)
def test_what_a_verb_asks_for(room: Room, text: str, verb: str, arguments: Json) -> None:
    room.deployment(
        "prod",
        candidate={"name": "lending-bbbbbbbb", "image": room.image, "commit": SHA},
        history=[{"revision": "lending-cccccccc"}],
    )
    assert "Recorded" in room.say(text)
    (request,) = room.requests()
    assert request["spec"]["verb"] == verb
    assert request["spec"].get("arguments", {}) == arguments


@pytest.mark.parametrize(
    ("text", "strategy"), [("blue-green", "BlueGreen"), ("rolling", "Rolling")]
)
def test_another_strategy_for_one_rollout(room: Room, text: str, strategy: str) -> None:
    room.say(f"{text} lending", channel="C2")
    arguments = room.requests("staging")[0]["spec"]["arguments"]
    assert arguments["strategy"] == strategy
    assert "weight" not in arguments


def test_the_targets_own_strategy_needs_no_word(room: Room) -> None:
    deployment = room.cluster.all("modeldeployments", "staging")[0]
    strategy = {"type": "BlueGreen"}
    room.cluster.put("modeldeployments", "staging", {**deployment, "spec": {"strategy": strategy}})
    room.say("blue-green lending", channel="C2")
    assert "strategy" not in room.requests("staging")[0]["spec"]["arguments"]


def test_nothing_is_gone_back_to_on_a_guess(room: Room) -> None:
    assert room.code("rollback to dddddddd") == Refusal.UNKNOWN_REVISION
    assert room.code("pause") == Refusal.NOTHING_TO_STOP
    assert room.code("stop-all now") == Refusal.NOTHING_TO_STOP


def test_roles_by_group_and_channel_are_looked_up_now(room: Room) -> None:
    assert "*deployer*, by members of <!subteam^S1>" in room.say("whoami", user="U4")
    assert "Recorded" in room.say("canary 5%", user="U4")
    room.slack.workspace.groups["S1"].clear()
    try:
        wait_until(
            lambda: "*deployer*" not in room.say("whoami", user="U4"),
            5.0,
            "the removal",
            every_s=0.3,
        )
        assert room.code("canary 6%", user="U4") == Refusal.NOT_ALLOWED
    finally:
        room.slack.workspace.groups["S1"].add("U4")
    assert "<#C9>" in room.say("whoami", user="U8")


def test_an_approval_by_somebody_else(room: Room) -> None:
    room.say("canary 25%")
    assert room.code("approve") == Refusal.NOT_ALLOWED
    assert room.code("approve", user="U7") == Refusal.SELF_APPROVAL
    assert room.code("approve", user="U6") == Refusal.AUTHOR_APPROVAL
    assert room.code("approve", user="U9") == Refusal.AUTHOR_UNKNOWN
    assert room.cluster.all("rolloutapprovals") == []
    assert "1 of 1 approvals" in room.say("approve", user="U5")
    (approval,) = room.cluster.all("rolloutapprovals")
    (request,) = room.requests()
    assert approval["spec"]["request"]["uid"] == request["metadata"]["uid"]
    assert approval["spec"]["bound"]["image"] == room.image
    assert approval["spec"]["bound"]["weight"] == 25
    assert room.code("approve", user="U5") == Refusal.APPROVED_ALREADY


def test_a_hold_is_resumed_with_consent_and_a_pause_without(room: Room) -> None:
    """Out of a hold the steps lead on to all of the traffic, whatever was consented to before."""
    candidate = {"name": "lending-bbbbbbbb", "image": room.image}
    room.deployment("prod", candidate=candidate, aim="Weight")
    assert "Recorded" in room.say("resume")
    (held,) = room.requests()
    assert held["spec"]["approvals"]["weight"] == 100
    room.forget()
    room.deployment("prod", candidate=candidate, aim="Weight", paused=True)
    assert "Recorded" in room.say("resume")
    assert "approvals" not in room.requests()[0]["spec"]


def test_removed_from_the_approvers_a_second_ago(room: Room) -> None:
    room.say("canary 25%")
    room.slack.workspace.channels["C9"].members.clear()
    try:
        wait_until(
            lambda: "*approver*" not in room.say("whoami", user="U8"), 5.0, "it", every_s=0.3
        )
        assert room.code("approve", user="U8") == Refusal.NOT_ALLOWED
    finally:
        room.slack.workspace.channels["C9"].members.add("U8")


def test_an_image_that_changed_after_the_request_is_not_what_is_approved(room: Room) -> None:
    room.say("canary 25%")
    other = room.store.build({"/app/x": b"another program", "/model/model.joblib": MODEL})
    before = room.image.rpartition("@")[2]
    room.registry.tag(NAME, SHA, other)
    try:
        assert room.code("approve", user="U5") == Refusal.APPROVAL_OF_OTHER
    finally:
        room.registry.tag(NAME, SHA, before)
    assert room.cluster.all("rolloutapprovals") == []


def test_a_rejection_and_a_request_that_is_not_there(room: Room) -> None:
    assert room.code("approve", user="U5") == Refusal.NOTHING_TO_APPROVE
    room.say("canary 25%")
    name = room.requests()[0]["metadata"]["name"]
    assert "is rejected" in room.say(f"reject {name}", user="U5")
    assert room.code(f"approve {name}", user="U9") != ""
    wrong = "slack-" + hashlib.sha256(b"x").hexdigest()[:20]
    assert room.code(f"approve {wrong}", user="U5") == Refusal.NOTHING_TO_APPROVE


def test_a_cluster_that_cannot_hold_a_request_back_is_not_asked(room: Room) -> None:
    """Its schema would drop `approvals`, and its controller would start at once."""
    room.cluster.refused_fields = {"approvals"}
    try:
        assert room.code("canary 25%") == Refusal.REQUEST_NOT_ACCEPTED
        assert room.requests() == []
    finally:
        room.cluster.refused_fields = set()


def test_history_and_help_say_what_there_is(room: Room) -> None:
    room.say("canary 5%")
    assert "Canary 5%" in room.say("history")
    assert "Needs the role *approver*" in room.say("help approve")
    assert "judged ready (0.93)" in room.say("plan")


def live_message(room: Room, request: Json) -> tuple[str, dict[str, str]]:
    """The message's ts and its buttons' values by verb."""
    channel, _, ts = request["metadata"]["annotations"]["holdpoint.dev/slack-message"].partition(
        "/"
    )
    message = next(m for m in room.slack.workspace.messages(channel) if m.ts == ts)
    elements = [e for b in message.blocks if b["type"] == "actions" for e in b["elements"]]
    return ts, {e["action_id"].partition(":")[2]: e["value"] for e in elements}


def press(room: Room, verb: str, value: str, ts: str, user: str) -> None:
    before = len(room.bot.audit())
    sent = room.slack.deliver_action(
        room.bot.url, f"holdpoint:{verb}", value, user=user, message_ts=ts
    )
    assert sent.in_time
    wait_until(lambda: len(room.bot.audit()) > before, 30.0, "the button's audit line")


def test_s6_a_button_works_in_its_own_message_only(room: Room) -> None:
    room.say("canary 25%")
    ts, values = live_message(room, room.requests()[0])
    assert set(values) == {"approve", "reject"}
    press(room, "approve", values["approve"], "1.000001", "U5")
    assert room.bot.audit()[-1]["code"] == Refusal.BUTTON_STALE
    other = values["approve"].rpartition("|")[0] + "|slack-" + "0" * 20
    press(room, "approve", other, ts, "U5")
    assert room.bot.audit()[-1]["code"] == Refusal.BUTTON_STALE
    press(room, "approve", values["approve"], ts, "U1")
    assert room.bot.audit()[-1]["code"] == Refusal.NOT_ALLOWED
    assert room.cluster.all("rolloutapprovals") == []
    press(room, "approve", values["approve"], ts, "U5")
    assert room.bot.audit()[-1]["outcome"] == "accepted"
    assert len(room.cluster.all("rolloutapprovals")) == 1


def test_the_message_shows_consent_and_its_thread_the_events(room: Room) -> None:
    room.say("canary 25%")
    (request,) = room.requests()
    name = request["metadata"]["name"]
    ts, _ = live_message(room, request)
    message = next(m for m in room.slack.workspace.messages("C1") if m.ts == ts)
    assert "Waits for approval by somebody else" in message.words
    assert "0 of 1 approvals" in message.words
    room.say("approve", user="U5")
    wait_until(lambda: "1 of 1 approvals, by *Eve*" in message.words, 20.0, "the approval")
    room.cluster.status("rolloutrequests", "prod", name, phase="Accepted")
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    entry = {"at": at, "action": "WeightConfirmed", "weight": 25, "request": name}
    room.deployment("prod", phase="Progressing", request=name, history=[entry])
    wait_until(lambda: room.slack.workspace.replies("C1", ts), 20.0, "an event in the thread")
    assert "*`WeightConfirmed`* 25%" in room.slack.workspace.replies("C1", ts)[0].words


def tool(room: Room, *arguments: str) -> tuple[int, str, str]:
    """`holdpoint bot ...`, with no secret in its environment."""
    done = subprocess.run(
        [sys.executable, "-I", "-m", "holdpoint", "bot", *arguments],
        env={"PATH": os.environ["PATH"], "KUBECONFIG": str(room.bot.kubeconfig)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_record_and_the_report_come_out_of_the_cluster(room: Room) -> None:
    room.say("canary 25%")
    room.say("approve", user="U5")
    (request,) = room.requests()
    config = str(room.bot.config)
    code, out, _ = tool(room, "export", "--config", config, "--environment", "prod")
    assert code == 0
    assert [json.loads(line)["verb"] for line in out.splitlines()] == ["Canary", "Approve"]
    code, out, _ = tool(room, "export", "--config", config, "--format", "csv")
    assert len(out.splitlines()) == 3
    code, out, _ = tool(room, "incident", "--config", config, request["metadata"]["name"])
    assert out.startswith("# lending in prod: not over yet")
    code, _, err = tool(room, "incident", "--config", config, "slack-none")
    assert (code, err.count("\n")) == (2, 1)
    code, _, err = tool(room, "export", "--config", config, "--environment", "prd")
    assert code == 2
    assert "known are staging, prod" in err


def test_the_audit_line_says_who_where_and_how(room: Room) -> None:
    room.say("canary 5%")
    line = room.bot.audit()[-1]
    assert line["environment"] == "prod"
    assert line["via"] == "command"
    assert line["human"] == "ada"
    assert line["request"] == room.requests()[0]["metadata"]["name"]
    assert line["delivery"] == line["request"].removeprefix("slack-")


def test_s5_two_clicks_at_once_are_one_approval(room: Room) -> None:
    room.say("canary 25%")
    ts, values = live_message(room, room.requests()[0])
    before = len(room.bot.audit())
    clicks = [
        threading.Thread(
            target=room.slack.deliver_action,
            args=(room.bot.url, "holdpoint:approve", values["approve"]),
            kwargs={"user": "U5", "message_ts": ts},
        )
        for _ in range(6)
    ]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    wait_until(lambda: len(room.bot.audit()) == before + 6, 60.0, "six audit lines")
    outcomes = sorted(line["outcome"] for line in room.bot.audit()[before:])
    assert outcomes == ["accepted"] + ["refused"] * 5
    codes = {line["code"] for line in room.bot.audit()[before:] if "code" in line}
    assert codes == {Refusal.APPROVED_ALREADY}
    assert len(room.cluster.all("rolloutapprovals")) == 1


def test_a_role_of_a_group_that_cannot_be_read_stops_the_start(room: Room, tmp_path: Path) -> None:
    chosen = settings(room.slack, room.github, room.registry)
    chosen["roles"]["deployer"]["groups"] = ["S404"]
    bot = BotProcess(tmp_path, chosen, room.slack, kubeconfig_for(tmp_path, room.cluster.url))
    assert bot.run_to_end() == 2
    assert "the roles name S404" in bot.log
    assert "no_such_subteam" in bot.log
