"""Every message is one that Slack takes, for the longest and the most hostile names."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot import live
from bot.blocks import answers, status
from bot.blocks import help as help_blocks
from bot.blocks import live as live_blocks
from bot.commands import catalogue
from bot.escape import code, escaped, name, plain, short
from bot.live import Around, Counts, Figures, FollowUp, LiveView, Stage
from bot.progress import Progress
from bot.refusals import Denial, Refusal
from rollouts.model import Standing
from tests.bot.samples import SETTINGS, TARGET
from tests.fakes.slack.blockkit import BlockError, check_message
from tests.fakes.slack.workspace import words

HOSTILE = "<!channel> @here & *bold* `x` \u202eevil\x00\n> quote " + "W" * 5000
LONG = "n" * 10_000
FIGURES = Figures(Counts(1204, 3), Counts(3611, 8), "undecided", "Too few requests yet.", 800)


def view(**changes: Any) -> LiveView:
    base = LiveView(
        target="lending",
        verb="Canary",
        stage=Stage.RUNNING,
        request="slack-0123456789abcdef0123",
        by="slack:T1/U1",
        name="Ada",
        reason="Soaking",
        message="Step 1 of 2: 25% for 60 s.",
        wanted=25,
        asked=25,
        confirmed=25,
        step=1,
        image="registry.example/acme/lending@sha256:" + "e" * 64,
        model_digest="sha256:" + "f" * 64,
        commit="1a2b3c4" + "0" * 33,
        score="0.9300",
        report="https://github.example/runs/1",
        figures=FIGURES,
    )
    return replace(base, **changes)


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("text", ["", HOSTILE, LONG])
def test_a_live_message_holds_the_limits(stage: Stage, text: str) -> None:
    follow_up = FollowUp("slack-2", text, text, text, text, text, text)
    shown = view(
        stage=stage, message=text, reason=text, name=text, by=text, verb=text, commit=text,
        image=text, model_digest=text, score=text, report=text, request=text, target=text,
        follow_ups=(follow_up,) * 30, lasted_s=1e6, decided_s=0.2, environment=text,
        override=text, standing=Standing((text,) * 9, 10),
        progress=Progress((1,) * 20, 3, datetime(2026, 3, 1, tzinfo=UTC), 1e9),
        figures=replace(FIGURES, message=text, verdict=text, candidate=Counts(10**9, 10**9, text)),
    )  # fmt: skip
    blocks = live_blocks.render(shown)
    check_message(live_blocks.summary(shown), blocks)
    assert "<!channel>" not in words(blocks)
    assert "@here" not in words(blocks)
    assert "\u202e" not in words(blocks)


@pytest.mark.parametrize("text", [HOSTILE, LONG])
def test_answers_hold_the_limits(text: str) -> None:
    objects = {
        "metadata": {"name": text},
        "status": {
            "phase": text,
            "reason": text,
            "message": text,
            "stable": {"name": text, "image": text, "commit": text},
            "candidate": {"name": text, "image": text, "commit": text},
            "weight": {"asked": text, "confirmed": text},
            "analysis": {"message": text},
        },
    }
    denial = Denial(Refusal.NOT_ALLOWED, escaped(text), escaped(text), escaped(text))
    lines = [status.target(objects)] * 9 + [status.unknown(text, denial)]
    many = {f"{n:03d}" + "x" * 60: TARGET for n in range(200)}
    for answer in (
        answers.refusal(denial),
        answers.recorded(text, again=False),
        answers.decided(text, text, "Refused", text, text),
        status.answer(lines, left_out=3),
        help_blocks.answer(list(catalogue().values()), replace(SETTINGS, targets=many), "lending"),
    ):
        check_message(answer.text, list(answer.blocks))
        assert "<!channel>" not in words(list(answer.blocks))
    assert len(answers.received(text)) < 400


def test_the_bar_shows_what_is_confirmed_and_what_is_asked() -> None:
    blocks = words(live_blocks.render(view(asked=50, confirmed=25)))
    assert "█████▒▒▒▒▒░░░░░░░░░░  25%" in blocks
    assert "50% of the traffic asked for, 25% confirmed" in blocks
    assert "█░" in words(live_blocks.render(view(asked=1, confirmed=1)))


def test_a_rollback_says_why_and_how_long_it_took() -> None:
    shown = view(
        stage=Stage.ROLLED_BACK, reason="CandidateWorse", asked=0, confirmed=0,
        message="31 of 212 requests failed.", lasted_s=74.0, decided_s=0.4,
    )  # fmt: skip
    text = words(live_blocks.render(shown))
    assert "Rolled back" in text
    assert "`CandidateWorse`" in text
    assert "31 of 212 requests failed." in text
    assert (
        "Traffic was back at 0% within a second of the decision. The rollout lasted 1 min 14 s."
        in text
    )


def test_undecided_says_how_many_more() -> None:
    assert "About 800 more requests" in words(live_blocks.render(view()))


def test_no_traffic_is_no_rate() -> None:
    figures = replace(FIGURES, candidate=Counts(0, 0))
    assert "0 requests         0 errors        -" in words(
        live_blocks.render(view(figures=figures))
    )


def test_escapes() -> None:
    assert escaped("<!channel> & <@U1>") == "&lt;!channel&gt; &amp; &lt;@\u2060U1&gt;"
    assert "`" not in code("a`b")[1:-1]
    assert "*" not in name("*x*")
    assert plain("a\u202eb\x07c\nd") == "abc d"
    assert escaped("&" * 400, 300).endswith("…")
    assert short("sha256:" + "a" * 64) == "sha256:aaaaaaaaaaaa…"


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}],
        [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}],
        [{"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": True}}],
        [{"type": "section", "txt": "x"}],
        [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
        [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
        [{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}],
        [{"type": "actions", "elements": []}],
        [{"type": "divider"}] * 51,
        [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2900}}] * 5,
        [{"type": "surprise"}],
    ],
)
def test_the_fake_refuses_what_slack_refuses(blocks: list[dict[str, Any]]) -> None:
    with pytest.raises(BlockError):
        check_message("text", blocks)


# The objects behind the view


def request(verb: str, at: str, status_: dict[str, Any], suffix: str = "") -> dict[str, Any]:
    return {
        "metadata": {"name": f"slack-{verb}{suffix}".lower(), "creationTimestamp": at},
        "spec": {
            "target": "lending",
            "verb": verb,
            "arguments": {"weight": 25} if verb == "Canary" else {},
            "requestedBy": {"id": "slack:T1/U1", "name": "Ada"},
        },
        "status": status_,
    }


RUNNING = {
    "status": {
        "request": "slack-canary",
        "phase": "Holding",
        "reason": "NotEnoughEvidence",
        "message": "Undecided.",
        "weight": {"asked": 25, "confirmed": 20},
        "analysis": {"verdict": "undecided", "candidate": {"requests": 9, "errors": 1}},
        "history": [
            {"at": "2026-03-01T12:00:59Z", "action": "RollingBack", "request": "slack-canary"}
        ],
    }
}


def test_a_view_follows_the_request_and_the_deployment() -> None:
    pending = request("Canary", "2026-03-01T12:00:00Z", {})
    assert live.view([pending], RUNNING).stage is Stage.WAITING
    accepted = request("Canary", "2026-03-01T12:00:00Z", {"phase": "Accepted"})
    shown = live.view([accepted], RUNNING)
    assert (shown.stage, shown.asked, shown.confirmed) == (Stage.HOLDING, 25, 20)
    assert shown.figures is not None
    assert shown.figures.candidate == Counts(9, 1)
    other = {"status": {**RUNNING["status"], "request": "somebody-elses"}}
    assert live.view([accepted], other).stage is Stage.RUNNING
    assert live.view([accepted], other).figures is None


def test_the_end_keeps_the_figures_and_tells_the_time() -> None:
    accepted = request("Canary", "2026-03-01T12:00:00Z", {"phase": "Accepted"})
    before = live.view([accepted], RUNNING)
    ended = {
        "phase": "Done",
        "outcome": "RolledBack",
        "reason": "CandidateWorse",
        "observedAt": "2026-03-01T12:01:00Z",
    }
    done = request("Canary", "2026-03-01T12:00:00Z", ended)
    over = {"status": {**RUNNING["status"], "request": "", "analysis": {}}}
    shown = live.view([done], over, before)
    assert (shown.stage, shown.reason) == (Stage.ROLLED_BACK, "CandidateWorse")
    assert (shown.asked, shown.confirmed, shown.lasted_s, shown.decided_s) == (0, 0, 60.0, 1.0)
    assert shown.figures == before.figures


def test_a_follow_up_is_part_of_the_same_message() -> None:
    first = request("Canary", "2026-03-01T12:00:00Z", {"phase": "Done", "outcome": "Superseded"})
    promoted = {"phase": "Done", "outcome": "Promoted", "reason": "Promoted"}
    later = request("Promote", "2026-03-01T12:00:00Z", promoted)
    later["metadata"] |= {"name": "a", "annotations": {"holdpoint.dev/follows": "slack-canary"}}
    shown = live.view([later, first], None)
    assert (shown.verb, shown.stage) == ("Canary", Stage.PROMOTED)
    assert [follow_up.verb for follow_up in shown.follow_ups] == ["Promote"]


def test_a_rollback_after_the_promotion_goes_on_in_the_message() -> None:
    promoted = {"phase": "Done", "outcome": "Promoted", "reason": "Promoted"}
    first = request("Canary", "2026-03-01T12:00:00Z", promoted)
    back = request("RollBack", "2026-03-01T15:00:00Z", {"phase": "Accepted"})
    back["metadata"]["annotations"] = {"holdpoint.dev/follows": "slack-canary"}
    going = {"status": {"request": "slack-rollback", "phase": "RollingBack"}}
    assert live.view([first], None).stage is Stage.PROMOTED
    assert live.view([first, back], going).stage is Stage.ROLLING_BACK
    back["status"] = {"phase": "Done", "outcome": "RolledBack", "reason": "RollbackRequested"}
    over = live.view([first, back], going)
    assert (over.stage, over.reason) == (Stage.ROLLED_BACK, "RollbackRequested")


def test_the_steps_the_time_and_the_verdict_in_words() -> None:
    deployment = {
        "spec": {"strategy": {"canary": {"steps": [
            {"weight": 10}, {"weight": 25, "soakSeconds": 60}, {"weight": 50},
        ]}}},
        "status": {
            "request": "slack-canary", "phase": "Progressing", "reason": "Soaking", "step": 1,
            "aim": "Steps", "startedAt": "2026-03-01T12:00:00Z",
            "weight": {"asked": 25, "confirmed": 25},
            "analysis": {
                "verdict": "undecided", "updatedAt": "2026-03-01T12:01:40Z", "moreRequests": 800,
                "candidate": {"requests": 1000, "errors": 20, "latencySeconds": "0.120"},
                "stable": {"requests": 3000, "errors": 30},
            },
            "history": [{"at": "2026-03-01T12:01:00Z", "action": "WeightConfirmed"}],
        },
    }  # fmt: skip
    accepted = request("Canary", "2026-03-01T12:00:00Z", {"phase": "Accepted"})
    shown = live.view([accepted], deployment, None, Around("prod"))
    text = words(live_blocks.render(shown))
    assert "lending in prod: Canary 25%" in text
    assert "10% ✓ → *25%* → 50% → 100%" in text
    assert f"not before <!date^{int(datetime(2026, 3, 1, 12, 2, tzinfo=UTC).timestamp())}^" in text
    assert "About 800 more requests to the candidate will tell, about 1 min 20 s" in text
    assert "2.00% ▮▮▮▮▮▮▮▮ 0.120 s" in text
    assert "1.00% ▮▮▮▮" in text


def pressed(shown: LiveView) -> list[str]:
    blocks = live_blocks.render(shown)
    buttons = [e for b in blocks if b["type"] == "actions" for e in b["elements"]]
    assert all(len(button["value"]) < 2000 for button in buttons)
    return [button["action_id"].removeprefix("holdpoint:") for button in buttons]


@pytest.mark.parametrize(
    ("changes", "valid"),
    [
        ({"stage": Stage.WAITING}, []),
        ({"stage": Stage.WAITING, "standing": Standing((), 1)}, ["approve", "reject"]),
        ({"stage": Stage.WAITING, "standing": Standing((), 1, "Eve")}, []),
        ({"stage": Stage.RUNNING}, ["promote", "pause", "abort"]),
        ({"stage": Stage.HOLDING, "reason": "Paused"}, ["resume", "abort"]),
        ({"stage": Stage.HOLDING}, ["promote", "pause", "abort"]),
        ({"stage": Stage.PROMOTING}, ["abort"]),
        ({"stage": Stage.BAKING}, ["rollback"]),
        ({"stage": Stage.ROLLING_BACK}, []),
        ({"stage": Stage.PROMOTED}, []),
        ({"stage": Stage.UNKNOWN}, []),
    ],
)
def test_only_buttons_that_are_valid_now(changes: dict[str, Any], valid: list[str]) -> None:
    assert pressed(view(**changes)) == valid
