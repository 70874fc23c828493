"""Who may do what, when: the product of roles, verbs and states, and every kind of account."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bot.commands import catalogue
from bot.policy import (
    EVERYONE,
    OPEN,
    SATISFIED_BY,
    Allowed,
    Closed,
    Denied,
    Hold,
    Kind,
    Need,
    Person,
    Role,
    Rules,
    Situation,
    decide,
)
from bot.refusals import Refusal

if TYPE_CHECKING:
    from bot.desk import Verb

ADA = Person("T1", "U1", "Ada")
VERBS = catalogue()
DEPLOYERS, APPROVERS, ADMINS = (
    {Role.DEPLOYER, Role.ADMIN},
    {Role.APPROVER, Role.ADMIN},
    {Role.ADMIN},
)
# verb -> the roles that may, spelt out so that a change of policy is a change of this table
TABLE = {
    "abort": DEPLOYERS,
    "approve": APPROVERS,
    "auto": DEPLOYERS,
    "blue-green": DEPLOYERS,
    "canary": DEPLOYERS,
    "freeze": ADMINS,
    "help": set(Role),
    "history": set(Role),
    "lock": DEPLOYERS,
    "override": APPROVERS,
    "pause": DEPLOYERS,
    "plan": set(Role),
    "promote": DEPLOYERS,
    "reject": APPROVERS,
    "resume": DEPLOYERS,
    "rollback": DEPLOYERS,
    "rolling": DEPLOYERS,
    "status": set(Role),
    "stop-all": DEPLOYERS,
    "unfreeze": ADMINS,
    "unlock": DEPLOYERS,
    "whoami": set(Role),
}
LATER = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)
MINE = Hold("slack:T1/U1", "Ada", "mine", "r1", LATER)
THEIRS = Hold("slack:T1/U9", "Bob", "theirs", "r2")
STATES = {
    "open": OPEN,
    "my lock": Situation(lock=MINE),
    "their lock": Situation(lock=THEIRS),
    "frozen": Situation(freeze=THEIRS),
    "window": Situation(closed=Closed("weekend", LATER)),
    "behind": Situation(behind="staging"),
    "all but overridden": Situation(
        THEIRS,
        THEIRS,
        Closed("weekend", LATER),
        Hold("slack:T1/U8", "Eve", "fire", "r3"),
        "staging",
    ),
}
STARTS = {"canary", "auto", "blue-green", "rolling"}
BARRED = STARTS | {"promote", "resume"}
# (state, verbs) -> the code that bars them; every pair that is missing is open
BARS = {
    "their lock": {
        **dict.fromkeys(BARRED, Refusal.LOCKED),
        "lock": Refusal.ALREADY_LOCKED,
        "unlock": Refusal.NOT_YOUR_LOCK,
    },
    "frozen": {**dict.fromkeys(BARRED, Refusal.FROZEN), "unlock": Refusal.NOT_LOCKED},
    "window": {**dict.fromkeys(BARRED, Refusal.WINDOW_CLOSED), "unlock": Refusal.NOT_LOCKED},
    "behind": {**dict.fromkeys(STARTS, Refusal.OUT_OF_ORDER), "unlock": Refusal.NOT_LOCKED},
    "open": {"unlock": Refusal.NOT_LOCKED},
    "my lock": {},
    "all but overridden": {
        "lock": Refusal.ALREADY_LOCKED,
        "unlock": Refusal.NOT_YOUR_LOCK,
    },
}


def rules(role: Role | None, user: str = "U1") -> Rules:
    return Rules(frozenset({"T1"}), {} if role is None else {role: frozenset({user})})


@pytest.mark.parametrize("verb", VERBS.values(), ids=lambda verb: verb.name)
@pytest.mark.parametrize("role", [None, *Role])
@pytest.mark.parametrize("state", STATES)
def test_the_table(verb: Verb, role: Role | None, state: str) -> None:
    decision = decide(ADA, "T1", verb.need, rules(role), STATES[state])
    expected: Refusal | None = Refusal.NOT_ALLOWED
    if role in TABLE[verb.name]:
        expected = BARS[state].get(verb.name)
        if expected is Refusal.NOT_YOUR_LOCK and role is Role.ADMIN:
            expected = None
    if expected is None:
        assert isinstance(decision, Allowed)
        overridden = state == "all but overridden" and verb.name in BARRED
        assert (decision.in_spite_of is not None) is overridden
        return
    assert isinstance(decision, Denied)
    assert decision.denial.code is expected
    assert decision.denial.rule
    assert decision.denial.who
    assert decision.denial.then


def test_the_tables_are_complete() -> None:
    assert set(TABLE) == set(VERBS), "give the new verb a row in TABLE"
    assert set(SATISFIED_BY) == set(Role)
    assert set(BARS) == set(STATES)
    assert {verb.name for verb in VERBS.values() if verb.kind is Kind.START} == STARTS


@pytest.mark.parametrize("holder", [EVERYONE, "S1", "C1", "U1"])
def test_a_role_is_held_by_a_user_a_group_a_channel_or_everyone(holder: str) -> None:
    person = replace(ADA, within=frozenset({"S1", "C1"}))
    need = Need("canary", Role.DEPLOYER, Kind.START)
    assert isinstance(decide(person, "T1", need, rules(Role.DEPLOYER, holder)), Allowed)
    assert rules(Role.DEPLOYER, holder).why(person, Role.DEPLOYER)
    outside = replace(ADA, id="U7", within=frozenset({"S2"}))
    denied = decide(outside, "T1", need, rules(Role.DEPLOYER, holder))
    assert isinstance(denied, Denied) is (holder != EVERYONE)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"is_guest": True}, Refusal.GUEST),
        ({"is_stranger": True}, Refusal.STRANGER),
        ({"is_bot": True}, Refusal.BOT_USER),
        ({"deleted": True}, Refusal.DELETED_USER),
        ({"team": "T2"}, Refusal.OTHER_TEAM),
    ],
)
def test_no_role_helps_such_an_account(
    role: Role, change: dict[str, object], code: Refusal
) -> None:
    person = replace(ADA, **change)  # type: ignore[arg-type] # the table's values fit their fields
    for verb in VERBS.values():
        for state in STATES.values():
            decision = decide(person, "T1", verb.need, rules(role), state)
            assert isinstance(decision, Denied)
            assert decision.denial.code is code


def test_a_delivery_from_another_team_is_refused_whoever_speaks() -> None:
    decision = decide(ADA, "T2", VERBS["status"].need, rules(Role.ADMIN))
    assert isinstance(decision, Denied)
    assert decision.denial.code is Refusal.OTHER_TEAM


def test_the_refusal_names_who_could() -> None:
    holders = {Role.DEPLOYER: frozenset(f"U{n}" for n in range(2, 9)), Role.ADMIN: {"U9"}}
    some = Rules(frozenset({"T1"}), {role: frozenset(users) for role, users in holders.items()})
    decision = decide(ADA, "T1", VERBS["canary"].need, some)
    assert isinstance(decision, Denied)
    assert "<@U2>" in decision.denial.who
    assert "and 3 more" in decision.denial.who
    nobody = decide(ADA, "T1", VERBS["approve"].need, rules(Role.VIEWER))
    assert isinstance(nobody, Denied)
    assert "Nobody holds the role approver" in nobody.denial.who


def test_a_lock_names_its_holder_its_reason_and_the_way_out() -> None:
    decision = decide(ADA, "T1", VERBS["canary"].need, rules(Role.DEPLOYER), STATES["their lock"])
    assert isinstance(decision, Denied)
    assert "<@U9>" in decision.denial.rule
    assert "theirs" in decision.denial.rule
    assert "until it is lifted" in decision.denial.rule
    assert "override" in decision.denial.then
