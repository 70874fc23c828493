"""Who may do what: the whole product of roles and verbs, and every kind of account."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.commands import catalogue
from bot.policy import EVERYONE, SATISFIED_BY, Allowed, Denied, Person, Role, Rules, decide
from bot.refusals import Refusal

if TYPE_CHECKING:
    from bot.desk import Verb

ADA = Person("T1", "U1", "Ada")
VERBS = catalogue()
# verb -> the roles that may, spelt out so that a change of policy is a change of this table
TABLE = {
    "canary": {Role.DEPLOYER, Role.ADMIN},
    "promote": {Role.DEPLOYER, Role.ADMIN},
    "rollback": {Role.DEPLOYER, Role.ADMIN},
    "status": set(Role),
    "help": set(Role),
}


def rules(role: Role | None, user: str = "U1") -> Rules:
    return Rules(frozenset({"T1"}), {} if role is None else {role: frozenset({user})})


@pytest.mark.parametrize("verb", VERBS.values(), ids=lambda verb: verb.name)
@pytest.mark.parametrize("role", [None, *Role])
@pytest.mark.parametrize("holder", ["U1", EVERYONE, "U2"])
def test_the_table(verb: Verb, role: Role | None, holder: str) -> None:
    decision = decide(ADA, "T1", verb.role, verb.name, rules(role, holder))
    may = role in TABLE.get(verb.name, set()) and holder != "U2"
    assert isinstance(decision, Allowed) is may
    if isinstance(decision, Denied):
        assert decision.denial.code is Refusal.NOT_ALLOWED
        assert verb.name in decision.denial.rule
        assert decision.denial.then


def test_the_table_is_complete() -> None:
    assert set(TABLE) == set(VERBS), "give the new verb a row in TABLE"
    assert set(SATISFIED_BY) == set(Role)


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
    for need in Role:
        decision = decide(person, "T1", need, "status", rules(role))
        assert isinstance(decision, Denied)
        assert decision.denial.code is code


def test_a_delivery_from_another_team_is_refused_whoever_speaks() -> None:
    decision = decide(ADA, "T2", Role.VIEWER, "status", rules(Role.ADMIN))
    assert isinstance(decision, Denied)
    assert decision.denial.code is Refusal.OTHER_TEAM


def test_the_refusal_names_who_could() -> None:
    holders = {Role.DEPLOYER: frozenset(f"U{n}" for n in range(2, 9)), Role.ADMIN: {"U9"}}
    some = Rules(frozenset({"T1"}), {role: frozenset(users) for role, users in holders.items()})
    decision = decide(ADA, "T1", Role.DEPLOYER, "canary", some)
    assert isinstance(decision, Denied)
    assert "<@U2>" in decision.denial.who
    assert "and 3 more" in decision.denial.who
    nobody = decide(ADA, "T1", Role.APPROVER, "approve", rules(Role.VIEWER))
    assert isinstance(nobody, Denied)
    assert "Nobody holds the role approver" in nobody.denial.who
