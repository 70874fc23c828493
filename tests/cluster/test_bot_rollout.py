"""From a slash command to a request in a real API server, and back into one live message.

The controller's part is played by writes to the status, so that each state is there to be seen.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from bot.refusals import Refusal
from tests.bot.process import people, the_message
from tests.bot.samples import MODEL_DIGEST, SHA
from tests.cluster.bot_room import REPOSITORY, Room
from tests.cluster.installing import NAME, install
from tests.fakes.github import FakeGitHub
from tests.fakes.slack import FakeSlack
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.testbed.control_plane import ControlPlane
    from tests.testbed.kube import Kube
    from tests.testbed.oci import ImageStore
    from tests.testbed.registry import Registry


@pytest.fixture(scope="module")
def installed(control_plane: ControlPlane) -> ControlPlane:
    install(control_plane.kube())
    return control_plane


@pytest.fixture
def room(
    installed: ControlPlane,
    kube: Kube,
    registry: Registry,
    image_store: ImageStore,
    tmp_path: Path,
) -> Iterator[Room]:
    with people(FakeSlack()) as slack, FakeGitHub() as github:
        github.add_repository(REPOSITORY)
        github.add_commit(REPOSITORY, SHA, branch="main")
        held = {"checks": "read", "contents": "read"}
        github.add_token("ghs_bot", app="holdpoint", permissions=held)
        made = Room(kube, slack, github, image_store, registry, installed, tmp_path)
        made.apply()
        yield made


def analysis(
    verdict: str, candidate: tuple[int, int], stable: tuple[int, int]
) -> dict[str, object]:
    return {
        "verdict": verdict,
        "message": f"{candidate[1]} of {candidate[0]} requests failed at the candidate.",
        "candidate": {"requests": candidate[0], "errors": candidate[1]},
        "stable": {"requests": stable[0], "errors": stable[1]},
        "moreRequests": 800,
    }


def test_a_judged_commit_becomes_one_request_with_its_evidence(room: Room) -> None:
    stable = room.apply()
    room.judge()
    image = room.push()
    with room.bot() as bot:
        told = bot.say("canary 25% lending 1a2b3c4")
        (request,) = room.requests()
        name = request["metadata"]["name"]
        assert f"Recorded as `{name}`" in told.text
        assert re.fullmatch(r"slack-[0-9a-f]{20}", name)
        message = the_message(room.slack)
        annotation = request["metadata"]["annotations"]["holdpoint.dev/slack-message"]
        assert annotation == f"C1/{message.ts}"
        spec = request["spec"]
        assert spec["arguments"] == {
            "image": image,
            "modelDigest": MODEL_DIGEST,
            "commit": SHA,
            "weight": 25,
        }
        assert spec["requestedBy"] == {"id": "slack:T0001/U1", "name": "Ada"}
        assert spec["source"]["channel"] == "C1"
        assert spec["seen"] == {"generation": 1, "stableImage": stable}
        assert spec["evidence"]["imageDigest"] == image.partition("@")[2]
        assert spec["evidence"]["modelDigest"] == MODEL_DIGEST
        assert spec["evidence"]["ready"] is True
        line = bot.audit()[-1]
        assert (line["outcome"], line["request"]) == ("accepted", name)
        assert line["identity"] == "slack:T0001/U1"
        assert "not taken up yet" in room.shown("Recorded")


def test_the_live_message_tells_the_whole_rollout(room: Room) -> None:
    room.judge()
    image = room.push()
    with room.bot() as bot:
        bot.say("canary 25%")
        name = room.requests()[0]["metadata"]["name"]
        candidate = room.revision("new", image)
        room.mark(name, phase="Accepted", reason="CandidateStarted")
        room.say(
            phase="Progressing",
            reason="WeightAsked",
            candidate=candidate,
            request=name,
            weight={"asked": 25, "confirmed": 0},
            message="slack:T0001/U1 asked for 25 %",
        )
        assert "▒▒▒▒▒░" in room.shown("25% of the traffic asked for, 0% confirmed")
        assert "<@U1> asked for 25 %" in room.shown("asked for 25 %")
        room.say(
            phase="Holding",
            reason="NotEnoughEvidence",
            weight={"asked": 25, "confirmed": 25},
            analysis=analysis("undecided", (1204, 3), (3611, 8)),
        )
        text = room.shown("25% of the traffic, confirmed by the gateway")
        assert "█████░" in text
        assert "1,204 requests" in text
        assert "0.25%" in text
        assert "About 800 more requests" in text
        assert "<@U1>" in text
        history = [
            {"at": "2026-03-01T12:00:00Z", "action": "RollingBack", "reason": "CandidateWorse"},
            {"at": "2026-03-01T12:00:02Z", "action": "WeightConfirmed", "reason": "CandidateWorse"},
        ]
        room.say(
            phase="Stable",
            reason="CandidateWorse",
            candidate=None,
            weight={"asked": 0, "confirmed": 0},
            analysis=analysis("worse", (1300, 60), (3700, 8)),
            history=[{**entry, "request": name, "weight": 0, "message": ""} for entry in history],
        )
        outcome = {"phase": "Done", "outcome": "RolledBack", "reason": "CandidateWorse"}
        room.mark(name, **outcome, message="60 of 1300 requests failed.")
        text = room.shown("Rolled back")
        assert "`CandidateWorse`" in text
        assert "60 of 1300 requests failed." in text
        assert "Traffic was back at 0% 2 s after the decision." in text
        assert "1,300 requests" in text
        assert len(room.slack.workspace.posted) == 1


def test_s2_the_same_delivery_again_makes_no_second_request_or_message(room: Room) -> None:
    room.judge()
    room.push()
    with room.bot() as bot:
        bot.say("canary 25%", trigger_id="1.2.dd")
        room.slack.deliver_command(bot.url, "canary 25%", trigger_id="1.2.dd")
        bot.stop()
    with room.bot("restarted") as bot:
        told = bot.say("canary 25%", trigger_id="1.2.dd")
        assert "recorded before" in told.text
    with room.bot("first") as one, room.bot("second") as two:
        for bot in (one, two):
            assert room.slack.deliver_command(bot.url, "canary 30%", trigger_id="9.9.ee").in_time
        wait_until(lambda: len(one.audit()) == len(two.audit()) == 1, 30.0, "both bots to be done")
    assert len(room.requests()) == 2
    assert len(room.slack.workspace.messages("C1")) == 2


def test_a_follow_up_goes_on_in_the_same_message(room: Room) -> None:
    room.judge()
    image = room.push()
    with room.bot() as bot:
        bot.say("canary 25%")
        first = room.requests()[0]["metadata"]["name"]
        room.mark(first, phase="Accepted", reason="CandidateStarted")
        candidate = room.revision("new", image)
        room.say(
            phase="Holding",
            candidate=candidate,
            request=first,
            weight={"asked": 25, "confirmed": 25},
        )
        room.shown("Holding")
        told = bot.say("promote lending", channel="C2")
        (promote,) = [r for r in room.requests() if r["spec"]["verb"] == "Promote"]
        name = promote["metadata"]["name"]
        assert name in told.text
        assert promote["metadata"]["annotations"]["holdpoint.dev/follows"] == first
        assert room.slack.workspace.messages("C2") == []
        room.shown("Promotion asked for by <@U1>: recorded")
        before = len(room.slack.workspace.whispers)
        room.say(phase="Promoting", request=name, reason="Promoting")
        room.mark(name, phase="Accepted", reason="Promoting", message="slack:T0001/U1 promotes it")
        room.shown("Promotion asked for by <@U1>: accepted, `Promoting`")
        whispers = room.slack.workspace.whispers
        wait_until(lambda: len(whispers) > before, 20.0, "the person to be told")
        assert "Promote of lending was taken up. <@U1> promotes it" in whispers[-1].text
        room.say(phase="Baking", candidate=None, stable=candidate, weight={})
        assert "100% of the traffic" in room.shown("still watched")
        for request in (first, name):
            room.mark(request, phase="Done", outcome="Promoted", reason="Promoted")
        room.shown(":white_check_mark: *Promoted*")


def test_raising_the_weight_of_the_same_image_stays_in_the_message(room: Room) -> None:
    room.judge()
    image = room.push()
    with room.bot() as bot:
        bot.say("canary 25%")
        first = room.requests()[0]["metadata"]["name"]
        room.mark(first, phase="Accepted", reason="CandidateStarted")
        room.say(phase="Holding", candidate=room.revision("new", image), request=first)
        bot.say("canary 50%")
        assert len(room.requests()) == 2
        room.shown("lending: Canary 50%")


def test_a_refusal_of_the_controller_is_shown_with_its_code(room: Room) -> None:
    room.judge()
    room.push()
    with room.bot() as bot:
        bot.say("canary 25%")
        name = room.requests()[0]["metadata"]["name"]
        room.mark(name, phase="Refused", reason="RolloutInProgress", message="another one runs")
        text = room.shown("Refused, nothing was changed")
        assert "`RolloutInProgress`" in text
        assert "Another one runs" in text


def test_a_restart_finds_the_message_again(room: Room) -> None:
    room.judge()
    room.push()
    with room.bot() as bot:
        bot.say("canary 25%")
        bot.kill()
    name = room.requests()[0]["metadata"]["name"]
    room.mark(name, phase="Done", outcome="RolledBack", reason="CandidateWorse", message="Worse.")
    with room.bot("again"):
        assert "`CandidateWorse`" in room.shown("Rolled back")
    assert len(room.slack.workspace.posted) == 1


@pytest.mark.parametrize("fault", ["stuck", "failing"])
def test_s8_the_last_message_is_right_in_the_end(room: Room, fault: str) -> None:
    room.judge()
    room.push()
    with room.bot() as bot:
        bot.say("canary 25%")
        room.shown("Recorded")
        faults, seen = room.slack.faults, len(room.slack.requests)
        if fault == "stuck":
            faults.stuck.add("chat.update")
        else:
            faults.failing["chat.update"] = "internal_error"
        name = room.requests()[0]["metadata"]["name"]
        room.mark(name, phase="Accepted", reason="CandidateStarted", message="It begins.")
        room.mark(name, phase="Done", outcome="Promoted", reason="Promoted", message="It is done.")

        def tries() -> int:
            return sum(call.method == "chat.update" for call in room.slack.requests[seen:])

        wait_until(lambda: tries() >= 2, 30.0, "two tries that fail")
        assert "It is done." not in the_message(room.slack).words
        faults.stuck.clear()
        faults.failing.clear()
        room.shown("It is done.")


def test_s8_an_archived_channel_does_not_stop_the_rest(room: Room) -> None:
    room.judge()
    room.push()
    with room.bot() as bot:
        bot.say("canary 25% lending", channel="C2")
        name = room.requests()[0]["metadata"]["name"]
        room.slack.workspace.channels["C2"].archived = True
        room.mark(name, phase="Refused", reason="RequestExpired", message="Too late.")
        wait_until(lambda: '"code": "is_archived"' in bot.log, 20.0, "the bot to give that one up")
        bot.say("canary 30%")
        room.shown("Recorded")


def test_edits_are_a_second_apart(room: Room) -> None:
    room.slack.faults.rate_limited = True
    room.slack.faults.interval_s = 0.9  # our clock and theirs begin at different moments
    room.judge()
    image = room.push()
    with room.bot() as bot:
        bot.say("canary 25%")
        name = room.requests()[0]["metadata"]["name"]
        room.mark(name, phase="Accepted", reason="CandidateStarted")
        seen = len(room.slack.requests)
        for weight in range(1, 26):
            room.say(
                phase="Progressing",
                candidate=room.revision("new", image),
                request=name,
                weight={"asked": weight, "confirmed": weight},
            )
        room.shown("25% of the traffic, confirmed")
        answers = [c.status for c in room.slack.requests[seen:] if c.method == "chat.update"]
        assert answers.count(429) <= 1
        assert len(answers) < 25


# Refusals that need the cluster, GitHub or the registry


def refused(room: Room, text: str, code: Refusal, **who: Any) -> str:
    with room.bot() as bot:
        told = bot.say(text, **who)
        assert code.value in told.text
        assert "*Who could:*" in told.words
        assert "*What next:*" in told.words
        assert bot.audit()[-1]["code"] == code.value
    assert room.requests() == []
    assert room.slack.workspace.posted == [] or not room.slack.workspace.messages("C1")
    return told.words


def test_no_role_is_refused_before_anything_is_looked_up(room: Room) -> None:
    room.judge()
    room.push()
    words = refused(room, "canary 25%", Refusal.NOT_ALLOWED, user="U2")
    assert "<@U1>" in words
    assert room.github.requests == []


def test_an_unjudged_model_is_refused_with_both_digests(room: Room) -> None:
    room.judge()
    room.push(b"another model")
    words = refused(room, "canary 25%", Refusal.MODEL_NOT_JUDGED)
    assert MODEL_DIGEST[:19] in words


def test_another_apps_check_is_refused(room: Room) -> None:
    room.push()
    room.judge(app="github-actions")
    refused(room, "canary 25%", Refusal.CHECK_FROM_OTHER_APP)


def test_not_ready_is_refused(room: Room) -> None:
    room.push()
    room.judge(conclusion="failure")
    refused(room, "canary 25%", Refusal.NOT_READY)


def test_an_unknown_target_is_refused(room: Room) -> None:
    assert "Did you mean `lending`?" in refused(room, "canary 25% lendng", Refusal.UNKNOWN_TARGET)


def test_a_target_that_the_cluster_lacks_is_refused(room: Room) -> None:
    room.kube.delete("holdpoint.dev/v1alpha1/ModelDeployment", NAME)
    room.kube.wait_gone("holdpoint.dev/v1alpha1/ModelDeployment", NAME)
    refused(room, "canary 25%", Refusal.TARGET_NOT_FOUND)


def test_nothing_to_promote_or_roll_back_is_refused(room: Room) -> None:
    refused(room, "promote", Refusal.NOTHING_TO_PROMOTE)
    refused(room, "rollback", Refusal.NOTHING_TO_ROLL_BACK)


def test_a_channel_without_the_bot_is_refused(room: Room) -> None:
    room.judge()
    room.push()
    assert "/invite" in refused(
        room, "canary 25% lending", Refusal.CHANNEL_NOT_USABLE, channel="C3"
    )


def test_a_cluster_that_says_no_leaves_no_message_behind(room: Room) -> None:
    room.judge()
    room.push()
    room.kube.patch(
        "rbac.authorization.k8s.io/v1/ClusterRole",
        "holdpoint-bot",
        {"rules": [{"apiGroups": ["holdpoint.dev"], "resources": ["*"], "verbs": ["get", "list"]}]},
    )
    try:
        assert "lacks a right" in refused(room, "canary 25%", Refusal.REQUEST_NOT_ACCEPTED)
    finally:
        install(room.kube)


def test_status_shows_what_runs(room: Room) -> None:
    image = room.push()
    room.say(
        phase="Holding",
        reason="NotEnoughEvidence",
        candidate={**room.revision("new", image), "commit": SHA},
        weight={"asked": 25, "confirmed": 25},
        analysis=analysis("undecided", (10, 0), (30, 0)),
    )
    with room.bot() as bot:
        words = bot.say("status", user="U2").words
        assert "Holding" in words
        assert "candidate `lending-new` · 25% of the traffic" in words
        assert "`1a2b3c4`" in words
        assert json.loads(bot.log.splitlines()[-1])["outcome"] == "accepted"
