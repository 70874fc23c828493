"""A canary that needs a second person: the bot, the controller and the gateway are real.

Attacks are objects that somebody with more rights than the bot writes past it; the controller
counts none of them, and says why.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from bot.refusals import Refusal
from rollouts import kube as api
from rollouts.model import DETAILS, bound_of
from tests.bot.process import people
from tests.bot.samples import MODEL, SHA
from tests.cluster.bot_room import REPOSITORY, Room, prod
from tests.cluster.installing import NAME, ROOT, RR
from tests.cluster.rollout_bed import Bed, Images, start
from tests.fakes.github import FakeGitHub
from tests.fakes.slack import FakeSlack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.testbed.oci import ImageStore
    from tests.testbed.registry import Registry

Json = dict[str, Any]
RA = "holdpoint.dev/v1alpha1/RolloutApproval"
OTHER = "sha256:" + "0" * 64


@pytest.fixture
def room(bed: Bed, registry: Registry, image_store: ImageStore, tmp_path: Path) -> Iterator[Room]:
    with people(FakeSlack()) as slack, FakeGitHub() as github:
        github.add_repository(REPOSITORY)
        github.add_commit(REPOSITORY, SHA, branch="main", author="octocat")
        held = {"checks": "read", "contents": "read"}
        github.add_token("ghs_bot", app="holdpoint", permissions=held)
        yield Room(bed.kube, slack, github, image_store, registry, bed.control_plane, tmp_path)


def judged_service(room: Room) -> None:
    """The commit's image: the service, with the judged model in it."""
    room.judge()
    digest = room.store.build(
        {
            "/app/service.py": (ROOT / "tests/rollouts/service.py").read_bytes(),
            "/model/model.joblib": MODEL,
        },
        command=("python3", "-S", "/app/service.py"),
    )
    room.registry.tag(REPOSITORY, SHA, digest)


def approval(request: Json, name: str, /, **changes: Any) -> Json:
    """An approval of exactly this request by a stranger to the bot, with changes."""
    bound = bound_of(request)
    spec: Json = {
        "request": {"name": bound.request, "uid": bound.uid},
        "decision": "Approve",
        "approvedBy": {"id": f"kubectl:{name}", "name": name},
        "bound": {key: getattr(bound, field) for key, field in DETAILS.items()},
        "expiresAt": "2099-01-01T00:00:00Z",
    }
    spec["bound"] |= changes.pop("bound", {})
    group, kind = RA.rpartition("/")[::2]
    return {
        "apiVersion": group,
        "kind": kind,
        "metadata": {"name": name},
        "spec": copy.deepcopy({**spec, **changes}),
    }


ATTACKS: dict[str, tuple[Json, str]] = {
    "self": ({"approvedBy": {"id": "slack:T0001/U1", "name": "self"}}, "asked for themselves"),
    "expired": ({"expiresAt": "2020-01-01T00:00:00Z"}, "it has expired"),
    "digest": ({"bound": {"image": f"x@{OTHER}"}}, "about another image"),
    "commit": ({"bound": {"commit": "9" * 40}}, "about another commit"),
    "weight": ({"bound": {"weight": 10}}, "about another weight"),
    "configuration": ({"bound": {"configuration": OTHER}}, "about another configuration"),
    "namesake": ({"request": {"uid": "another"}}, "about another uid"),
}


def test_a_second_person_and_nothing_less_starts_it(bed: Bed, room: Room, images: Images) -> None:
    first = start(bed, images.build("1"), gates={"request": "Required"})
    judged_service(room)
    with prod(room, required=1) as bot:
        assert "Recorded" in bot.say("canary 25%").words
        (request,) = room.requests()
        name = request["metadata"]["name"]
        bed.wait(lambda s: s.get("reason") == "AwaitingApproval", "wait for approval")
        assert "Waits for approval" in room.shown("0 of 1 approvals")
        for who, (changes, why) in ATTACKS.items():
            forged = approval(request, who, **changes)
            forged["spec"]["request"] |= {"name": name}
            bed.kube.create(forged)
            bed.kube.wait_until(RR, name, says(f"{who}'s does not count"), f"not count {who}")
            assert why in told(bed.kube.get(RR, name))
            bed.kube.delete(RA, who)
        assert (bed.weights(), phase(bed, name)) == ({first: 100}, "Pending")
        assert bot.say("approve").text.count(Refusal.NOT_ALLOWED.value)
        assert "1 of 1 approvals" in bot.say("approve", user="U2").words
        bed.wait(lambda s: s.get("weight") == {"asked": 25, "confirmed": 25}, "have 25 %")
        assert sorted(bed.weights().values()) == [25, 75]
        assert "confirmed by the gateway" in room.shown("25% of the traffic")
        assert bed.wait_request(name, "Accepted")["message"].endswith("approved by Vic")
        bed.wait_event("AwaitingApproval")
        consumed(bed, room, name, first)


def consumed(bed: Bed, room: Room, name: str, first: str) -> None:
    """The consent was to that one request: the same again waits again."""
    bed.ask("back", "RollBack")
    bed.wait_stable("RollbackRequested")
    spec = bed.kube.get(RR, name)["spec"]
    spec = {**spec, "seen": {}, "expiresAt": "2099-01-01T00:00:00Z"}
    group, kind = RR.rpartition("/")[::2]
    body = {"apiVersion": group, "kind": kind, "metadata": {"name": "again"}, "spec": spec}
    bed.kube.create(body)
    bed.kube.wait_until(RR, "again", says("0 of 1 approvals"), "wait")
    assert len(bed.kube.list(RA)) == 1
    bed.kube.create(approval(bed.kube.get(RR, "again"), "no", decision="Reject"))
    assert bed.wait_request("again", "Refused")["reason"] == "RequestRejected"
    assert bed.weights() == {first: 100}


def told(request: Json) -> str:
    return str(request.get("status", {}).get("message", ""))


def says(what: str) -> Callable[[Json], bool]:
    return lambda request: what in told(request)


def phase(bed: Bed, name: str) -> str:
    return str(bed.kube.get(RR, name)["status"]["phase"])


def test_the_schema_holds_what_was_asked_for_and_approved(bed: Bed, room: Room) -> None:
    """Under an administrator's rights: what nobody may do, not what the bot may not."""
    cluster = api.Cluster.connect(str(bed.control_plane.kubeconfig))
    space = bed.kube.namespace
    hold = {"required": 1, "weight": 25, "configuration": OTHER}
    spec: Json = {
        "target": NAME,
        "verb": "Canary",
        "arguments": {"image": f"x@{OTHER}", "weight": 25},
        "requestedBy": {"id": "slack:T1/U1"},
        "approvals": hold,
        "expiresAt": "2099-01-01T00:00:00Z",
    }

    def asked(name: str, **changes: Any) -> Json:
        group, kind = RR.rpartition("/")[::2]
        meta = {"name": name}
        return {"apiVersion": group, "kind": kind, "metadata": meta, "spec": {**spec, **changes}}

    kept = cluster.create(api.ROLLOUT_REQUESTS, space, asked("kept"), strict=True)
    for broken in (
        {"arguments": {**spec["arguments"], "weight": 50}},
        {"arguments": {"image": f"x@{OTHER}"}},
        {"verb": "Abort"},
        {"expiresAt": None},
        {"approvals": {**hold, "required": 0}},
    ):
        with pytest.raises(api.Invalid):
            cluster.create(api.ROLLOUT_REQUESTS, space, asked("broken", **broken), strict=True)
    for edit in ({**hold, "required": 2}, {**hold, "weight": 100}, None):
        body = {**kept, "spec": {**kept["spec"], "approvals": edit}}
        with pytest.raises(api.Invalid):
            cluster.replace(api.ROLLOUT_REQUESTS, space, body)
    given = cluster.create(api.ROLLOUT_APPROVALS, space, approval(kept, "bob"), strict=True)
    body = {**given, "spec": {**given["spec"], "decision": "Reject"}}
    with pytest.raises(api.Invalid):
        cluster.replace(api.ROLLOUT_APPROVALS, space, body)
    tagged = approval(kept, "tag", bound={"image": "x:latest"})
    with pytest.raises(api.Invalid):
        cluster.create(api.ROLLOUT_APPROVALS, space, tagged, strict=True)


def test_the_bot_may_create_approvals_and_the_controller_only_read_them(
    bed: Bed, room: Room
) -> None:
    plane, space = bed.control_plane, bed.kube.namespace
    made = approval({"metadata": {"name": "r", "uid": "u"}, "spec": {"target": NAME}}, "bob")
    made["spec"]["bound"] |= {"verb": "Promote", "configuration": OTHER}
    bot = plane.service_account_kubeconfig("holdpoint-system", "holdpoint-bot")
    controller = plane.service_account_kubeconfig("holdpoint-system", "holdpoint-controller")
    reader = api.Cluster.connect(str(controller))
    with pytest.raises(api.Forbidden):
        reader.create(api.ROLLOUT_APPROVALS, space, made)
    writer = api.Cluster.connect(str(bot))
    there = writer.create(api.ROLLOUT_APPROVALS, space, made, strict=True)
    assert len(reader.list(api.ROLLOUT_APPROVALS, space).items) == 1
    for change in (writer.replace, reader.replace):
        with pytest.raises(api.Forbidden):
            change(api.ROLLOUT_APPROVALS, space, there)
    with pytest.raises(api.Forbidden):
        writer.delete(api.ROLLOUT_APPROVALS, space, "bob")
