"""The whole product in one run, all real processes: a pull request is judged, commented and
checked; a deploy from chat moves real traffic; it fails; it is taken back and everyone is told."""

from __future__ import annotations

import csv
import json
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.action.acting import REPO, Job
from tests.bot.process import BotProcess, people, settings_for, the_message
from tests.cluster.installing import BOT, CONTROLLER, NAME, SYSTEM, install
from tests.e2e import images
from tests.e2e.programs import Load, controller
from tests.e2e.target import Target, confirmed, is_over
from tests.fakes.github import FakeGitHub
from tests.fakes.slack import FakeSlack
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.load import Answer
    from tests.testbed.control_plane import ControlPlane
    from tests.testbed.gateway import Gateway
    from tests.testbed.kube import Kube
    from tests.testbed.kubelet.kubelet import Kubelet
    from tests.testbed.oci import ImageStore
    from tests.testbed.registry import Registry

RATE = 40.0  # requests a second; each is a real prediction
COUNTED = 600  # requests over which the share is counted
NUMERIC = {"pirat", "hirat", "lvrat", "chist", "mhist", "unemp"}


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        fake.add_token(
            "ghs_bot", app="holdpoint-bot", permissions={"checks": "read", "contents": "read"}
        )
        yield fake


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as fake:
        yield people(fake)


def an_application() -> str:
    """A request body with the first row of the example's evaluation data."""
    with (images.EXAMPLE / "data/evaluation.csv").open() as file:
        row = next(csv.DictReader(file))
    rows = [{k: float(v) if k in NUMERIC else v for k, v in row.items()}]
    return json.dumps({"rows": rows})


def test_judged_commented_deployed_and_taken_back(  # noqa: PLR0915 - one story, told in order
    control_plane: ControlPlane,
    kubelet: Kubelet,
    gateway: Gateway,
    registry: Registry,
    image_store: ImageStore,
    kube: Kube,
    github: FakeGitHub,
    slack: FakeSlack,
    tmp_path: Path,
) -> None:
    # The pull request is judged: one comment, one check, on its head and nowhere else.
    job = Job(github, tmp_path / "job")
    base = job.start(example=True)
    head = job.push({"CHANGES.md": "Trained again.\n"})
    result = job.run()
    assert result.code == 0, result.err
    assert len(github.comments(REPO, 7)) == 1
    assert [run.conclusion for run in github.check_runs(REPO, head)] == ["success"]
    assert github.check_runs(REPO, base) == []

    # A stable revision serves, under load, before anyone deploys.
    install(kube)
    stable_image = registry.reference(REPO, images.lending(image_store, build="stable"))
    target = Target(kube, gateway)
    target.create(stable_image, gates={"request": "Required"})
    account = control_plane.service_account_kubeconfig(SYSTEM, CONTROLLER)
    server = controller(account, kube.namespace, tmp_path / "controller.log")
    settings = settings_for(
        slack,
        namespace=kube.namespace,
        github=github.url,
        registry=registry.address,
        app_id=github.app("github-actions").id,
    )
    bot_account = control_plane.service_account_kubeconfig(SYSTEM, BOT)
    load_file = tmp_path / "answers"
    try:
        stable = target.wait_stable()["stable"]["name"]
        with (
            BotProcess(tmp_path / "bot", settings, slack, bot_account) as bot,
            Load(f"{gateway.url}/predict", target.host, load_file, RATE, an_application()) as load,
        ):
            # Somebody without the role is refused, with the rule and who could.
            refusal = bot.say(f"canary 25% {NAME} {head}", user="U2", channel="C1").words
            assert "NotAllowed" in refusal
            assert "Ada" in refusal or "U1" in refusal

            # An image of the judged commit that holds another model is refused.
            other = images.lending(image_store, build="other", model=b"not what was judged")
            registry.tag(REPO, head, other)
            refusal = bot.say(f"canary 25% {NAME} {head}", user="U1", channel="C1").words
            assert "ModelNotJudged" in refusal
            assert kube.list("holdpoint.dev/v1alpha1/RolloutRequest") == []

            # The judged bytes get a quarter of the real traffic.
            registry.tag(REPO, head, images.lending(image_store, build=head))
            bot.say(f"canary 25% {NAME} {head}", user="U1", channel="C1")
            status = target.wait(confirmed(25), "have 25 % confirmed", 90)
            candidate = status["candidate"]["name"]
            assert status["candidate"]["commit"] == head
            counted = share_from(load, time.monotonic(), COUNTED)
            assert within_binomial_error(counted, candidate, 0.25)

            # It starts failing, and is taken back by itself.
            target.set_fault(candidate, 0.5)
            zero = target.wait(confirmed(0), "be back at 0 %", 60)
            done = target.wait(is_over, "be over", 60)
            served = target.requests_served(candidate)
            after = share_from(load, time.monotonic(), 200)
            assert {a.revision for a in after} == {stable}
            assert target.requests_served(candidate) in {0, served}  # 0: its pods are gone
            assert zero["stable"]["name"] == done["stable"]["name"] == stable

            # Everyone is told the same reason.
            request = kube.list("holdpoint.dev/v1alpha1/RolloutRequest")[0]
            told = the_message(slack)
            wait_until(lambda: "CandidateWorse" in told.words, 30, "the message to say why")
            assert done["reason"] == "CandidateWorse"
            assert request["status"]["reason"] == "CandidateWorse"
            assert request["status"]["outcome"] == "RolledBack"
            assert "CandidateWorse" in {event["reason"] for event in target.events()}
            assert len(told.edits) > 1, "one message, edited in place"
            answers = load.stop()
    finally:
        server.stop()
    lost = [a for a in answers if a.status != 200 and not a.injected]
    assert lost == [], f"{len(lost)} of {len(answers)} requests failed by the moves themselves"
    assert any(a.injected for a in answers)


def share_from(load: Load, since: float, count: int) -> list[Answer]:
    """The next `count` answers to requests sent after `since`."""

    def answers() -> list[Answer]:
        return [a for a in load.answers if a.sent > since]

    wait_until(lambda: len(answers()) >= count, 120, f"{count} answers")
    return answers()


def within_binomial_error(answers: list[Answer], revision: str, share: float) -> bool:
    """Four standard deviations: a right router fails this once in 16,000 runs."""
    n = len(answers)
    hits = sum(a.revision == revision for a in answers)
    return abs(hits - n * share) <= 4 * math.sqrt(n * share * (1 - share))
