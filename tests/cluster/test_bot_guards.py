"""What the real API server takes of the bot's other requests, under the bot's own account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.refusals import Refusal
from tests.bot.process import people
from tests.bot.samples import SHA
from tests.cluster.bot_room import REPOSITORY, Room, prod
from tests.cluster.installing import install
from tests.fakes.github import FakeGitHub
from tests.fakes.slack import FakeSlack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.testbed.control_plane import ControlPlane
    from tests.testbed.kube import Kube
    from tests.testbed.oci import ImageStore
    from tests.testbed.registry import Registry


@pytest.fixture
def room(
    control_plane: ControlPlane,
    kube: Kube,
    registry: Registry,
    image_store: ImageStore,
    tmp_path: Path,
) -> Iterator[Room]:
    install(control_plane.kube())
    with people(FakeSlack()) as slack, FakeGitHub() as github:
        github.add_repository(REPOSITORY)
        github.add_commit(REPOSITORY, SHA, branch="main", author="octocat")
        held = {"checks": "read", "contents": "read"}
        github.add_token("ghs_bot", app="holdpoint", permissions=held)
        made = Room(kube, slack, github, image_store, registry, control_plane, tmp_path)
        made.apply()
        yield made


def test_locks_freezes_and_overrides_are_objects_that_the_cluster_takes(room: Room) -> None:
    room.judge()
    room.push()
    with prod(room) as bot:
        assert "locked until" in bot.say("lock for 2h Checking the data", user="U2").words
        assert Refusal.LOCKED.value in bot.say("canary 25%").text
        assert "Recorded" in bot.say("override for 30m the pager", user="U2").words
        assert "Recorded" in bot.say("canary 25%").words
        assert "unlocked" in bot.say("unlock", user="U2").words
        assert "frozen" in bot.say("freeze year's end", user="U2").words
        verbs = sorted(request["spec"]["verb"] for request in room.requests())
        assert verbs == ["Canary", "Freeze", "Lock", "Override", "Unlock"]
        canary = next(r for r in room.requests() if r["spec"]["verb"] == "Canary")
        assert canary["spec"]["arguments"]["override"].startswith("slack-")
        assert "Checking the data" not in bot.say("status").words
