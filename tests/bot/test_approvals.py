"""Attacks on approvals, by name: each leaves the request where it was, with a reason code.

Two lines of defence are asked: `objection`, before an approval is written, and `count`, which the
controller's side repeats over whatever objects there are, however they came about.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot import consents, live
from bot.desk import Delivery
from bot.places import ApprovalRule, Environment
from bot.policy import Person, Role, Rules
from bot.policy.approvals import objection
from bot.refusals import Refusal
from rollouts.model import ask_of, bound_of, count
from rollouts.resources import ROLLOUT_APPROVALS, ROLLOUT_REQUESTS
from tests.rollouts.test_crds import fields, schema, written

Json = dict[str, Any]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PROD = Environment(
    "prod",
    Rules(frozenset({"T1"}), {Role.APPROVER: frozenset({"U2", "U3", "U4", "U5"})}),
    namespace="prod",
    approvals=ApprovalRule(required=2),
)
HUMANS = {
    "slack:U1": "ada", "slack:U11": "ada", "github:ada-l": "ada",
    "slack:U2": "bob", "slack:U22": "bob", "github:bob": "bob",
    "slack:U3": "cyd", "github:cyd": "cyd",
    "slack:U5": "dan",
}  # fmt: skip
DELIVERY = Delivery("d" * 20, "T1", "U2", "C1", "approve", "")


def person(user: str, name: str = "X") -> Person:
    human = HUMANS.get(f"slack:{user}", "")
    logins = [a.removeprefix("github:") for a, who in HUMANS.items() if human and who == human]
    return Person(
        "T1", user, name, human=human, logins=frozenset(a for a in logins if ":" not in a)
    )


def request(**changes: Any) -> Json:
    """A canary of 25 % that Ada asked for; the commit's author is Cyd."""
    made: Json = {
        "metadata": {"name": "slack-" + "a" * 20, "uid": "uid-1"},
        "spec": {
            "target": "lending",
            "verb": "Canary",
            "arguments": {
                "image": "registry.example/acme/lending@sha256:" + "e" * 64,
                "modelDigest": "sha256:" + "f" * 64,
                "commit": "1a2b3c4" + "0" * 33,
                "weight": 25,
            },
            "requestedBy": {"id": "slack:T1/U1", "name": "Ada"},
            "seen": {"generation": 3},
            "expiresAt": "2026-03-01T13:00:00Z",
            "approvals": {
                "required": 2,
                "weight": 25,
                "authors": ["cyd"],
                "configuration": PROD.fingerprint,
            },
        },
        "status": {},
    }
    for path, value in changes.items():
        *way, last = path.split("__")
        place = made
        for step in way:
            place = place[step]
        place[last] = value
    return made


def said(user: str, about: Json | None = None, **changes: Any) -> Json:
    """An approval as the bot writes it, about `about`, with changes to its spec."""
    bound = bound_of(about or request())
    made = consents.approval(bound, person(user), DELIVERY, NOW + timedelta(hours=1), approve=True)
    made["spec"] = {**made["spec"], **changes}
    return made


def bound_with(**changes: Any) -> Json:
    spec = said("U2")["spec"]
    return {**spec["bound"], **changes}


def refusal(who: str, asked: Json, approvals: list[Json], place: Environment = PROD) -> Refusal:
    """The code with which the approval is refused before it is written."""
    ask = ask_of(asked, HUMANS)
    denial = objection(person(who), ask, consents.read(approvals, HUMANS), place, NOW)
    assert denial is not None, "it would have been written"
    assert denial.rule
    assert denial.who
    assert denial.then
    return denial.code


@dataclass(frozen=True)
class Attack:
    """Either refused when it is tried, or not counted when the object is there."""

    code: Refusal | None
    who: str = "U2"
    asked: Json | None = None
    approvals: tuple[Json, ...] = ()
    place: Environment = PROD


OTHER = request(metadata__uid="uid-2")
TRIED = {
    "self-approval": Attack(Refusal.SELF_APPROVAL, "U1"),
    "second account of the requester": Attack(Refusal.SELF_APPROVAL, "U11"),
    "author of the commit": Attack(Refusal.AUTHOR_APPROVAL, "U3"),
    "author in another case": Attack(
        Refusal.AUTHOR_APPROVAL, "U3", request(spec__approvals__authors=["CYD"])
    ),
    "nobody knows the approver's GitHub account": Attack(Refusal.AUTHOR_UNKNOWN, "U4"),
    "a mapped person without a GitHub account": Attack(Refusal.AUTHOR_UNKNOWN, "U5"),
    "an author whom GitHub does not know": Attack(
        Refusal.AUTHOR_UNKNOWN, asked=request(spec__approvals__authors=["?"])
    ),
    "request expired": Attack(
        Refusal.APPROVAL_EXPIRED, asked=request(spec__expiresAt="2026-03-01T12:00:00Z")
    ),
    "request without an expiry": Attack(
        Refusal.APPROVAL_EXPIRED, asked=request(spec__expiresAt="never")
    ),
    "request taken up already": Attack(
        Refusal.APPROVAL_CLOSED, asked=request(status={"phase": "Accepted"})
    ),
    "request refused already": Attack(
        Refusal.APPROVAL_CLOSED, asked=request(status={"phase": "Refused"})
    ),
    "request done (consumed)": Attack(
        Refusal.APPROVAL_CLOSED, asked=request(status={"phase": "Done"})
    ),
    "configuration edited after the request": Attack(
        Refusal.CONFIGURATION_CHANGED, place=replace(PROD, approvals=ApprovalRule(required=1))
    ),
    "approver's group added after the request": Attack(
        Refusal.CONFIGURATION_CHANGED,
        place=replace(PROD, rules=Rules(PROD.rules.teams, {Role.APPROVER: frozenset({"*"})})),
    ),
    "twice by the same person": Attack(Refusal.APPROVED_ALREADY, approvals=(said("U2"),)),
    "twice by two accounts of one person": Attack(
        Refusal.APPROVED_ALREADY, "U22", approvals=(said("U2"),)
    ),
    "after a rejection": Attack(Refusal.REJECTED, approvals=(said("U3", decision="Reject"),)),
    "against one's own rejection": Attack(
        Refusal.REJECTED, approvals=(said("U2", decision="Reject"),)
    ),
}


@pytest.mark.parametrize("name", TRIED)
def test_an_attack_is_refused_before_anything_is_written(name: str) -> None:
    attack = TRIED[name]
    asked = attack.asked or request()
    assert refusal(attack.who, asked, list(attack.approvals), attack.place) is attack.code


FORGED: dict[str, Callable[[], Json]] = {
    "for another request": lambda: said("U2", OTHER),
    "for a request of the same name, made anew": lambda: said(
        "U2", request={"name": "slack-" + "a" * 20, "uid": "uid-0"}
    ),
    "for another digest": lambda: said("U2", bound=bound_with(image="x@sha256:" + "0" * 64)),
    "for another model": lambda: said("U2", bound=bound_with(modelDigest="sha256:" + "0" * 64)),
    "for another commit": lambda: said("U2", bound=bound_with(commit="9" * 40)),
    "for another target": lambda: said("U2", bound=bound_with(target="fraud")),
    "for another verb": lambda: said("U2", bound=bound_with(verb="Promote")),
    "for less weight": lambda: said("U2", bound=bound_with(weight=5)),
    "for an older generation": lambda: said("U2", bound=bound_with(generation=2)),
    "under other settings": lambda: said("U2", bound=bound_with(configuration="sha256:0")),
    "expired itself": lambda: said("U2", expiresAt="2026-03-01T12:00:00Z"),
    "without an expiry": lambda: said("U2", expiresAt=None),
    "by the requester": lambda: said("U1"),
    "by the requester's second account": lambda: said("U11"),
    "bound to nothing": lambda: said("U2", bound={}),
    "bound to the wrong types": lambda: said("U2", bound=bound_with(weight=True, generation="3")),
    "no decision": lambda: said("U2", decision="approve please"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_approval_is_not_counted(name: str) -> None:
    ask = ask_of(request(), HUMANS)
    found = consents.read([said("U3"), FORGED[name]()], HUMANS)
    standing = count(ask, found, NOW)
    assert not standing.enough
    assert len(standing.given) <= 1


def test_the_weight_is_raised_in_the_request_itself() -> None:
    """Consent to 25 % is none to 50 %, whichever of the two fields was edited."""
    given = consents.read([said("U2"), said("U3")], HUMANS)
    for change in ({"spec__arguments__weight": 50}, {"spec__approvals__weight": 50}):
        ask = ask_of(request(**change), HUMANS)
        assert not count(ask, given, NOW).given


@pytest.mark.parametrize(
    "change",
    [
        {"spec__arguments__image": "x@sha256:" + "1" * 64},
        {"spec__arguments__modelDigest": "sha256:" + "1" * 64},
        {"spec__arguments__commit": "2" * 40},
        {"spec__target": "fraud"},
        {"spec__seen__generation": 4},
        {"metadata__uid": "uid-9"},
    ],
)
def test_nothing_in_the_request_can_change_under_an_approval(change: Json) -> None:
    given = consents.read([said("U2"), said("U3")], HUMANS)
    assert not count(ask_of(request(**change), HUMANS), given, NOW).given


def test_two_people_who_may_are_enough_and_one_is_not() -> None:
    """The positive control of everything above."""
    ask = ask_of(request(spec__approvals__authors=[]), HUMANS)
    one = consents.read([said("U2")], HUMANS)
    assert objection(person("U4"), ask, one, PROD, NOW) is None
    both = consents.read([said("U2"), said("U4")], HUMANS)
    assert not count(ask, one, NOW).enough
    assert count(ask, both, NOW).enough
    again = consents.read([said("U2"), said("U22")], HUMANS)
    assert not count(ask, again, NOW).enough
    no = consents.read([said("U2"), said("U4"), said("U3", decision="Reject")], HUMANS)
    assert not count(ask, no, NOW).enough


def test_the_cluster_has_a_place_for_all_that_is_written() -> None:
    given = written(said("U2")["spec"])
    assert given == fields(schema(ROLLOUT_APPROVALS, "spec"))
    asked = written(request()["spec"]["approvals"]) | {"commit"}
    assert asked == fields(schema(ROLLOUT_REQUESTS, "spec", "approvals"))


def test_what_was_approved_stays_so_in_the_message() -> None:
    """The request is carried out; an hour later its approvals have run out."""
    asked = request(metadata__creationTimestamp="2026-03-01T11:59:00Z")
    given, later = [said("U2"), said("U4")], NOW + timedelta(hours=5)
    around = live.Around("prod", given, HUMANS, later)
    waiting = live.view([asked], None, None, around).standing
    assert waiting is not None
    assert waiting.given == ()
    asked["status"]["phase"] = "Accepted"
    accepted = live.view([asked], None, None, around).standing
    assert accepted is not None
    assert accepted.enough


def test_one_answer_a_person_has_one_name() -> None:
    bound = bound_of(request())
    assert consents.name_for(bound, person("U2")) == consents.name_for(bound, person("U22"))
    assert consents.name_for(bound, person("U2")) != consents.name_for(bound, person("U3"))
    other = bound_of(OTHER)
    assert consents.name_for(bound, person("U2")) != consents.name_for(other, person("U2"))


def test_a_request_that_asks_for_no_number_still_asks_for_one() -> None:
    broken = copy.deepcopy(request())
    broken["spec"]["approvals"] = {"required": -3}
    assert ask_of(broken, HUMANS).required == 1
