"""Who may do what: a person, what a verb needs and the roles in force give Allowed or Denied.

Called for every command and every click, with what Slack says about the person at that moment.
Pure: it looks nobody up and logs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.refusals import Denial, Refusal

EVERYONE = "*"
NAMED_AT_MOST = 5


class Role(StrEnum):
    """What a person may be, per bot.yaml."""

    VIEWER = "viewer"
    DEPLOYER = "deployer"
    APPROVER = "approver"
    ADMIN = "admin"


# Which roles satisfy a need for the key. An approver does not deploy, a deployer does not approve:
# the two are held apart on purpose, and only an admin is both.
SATISFIED_BY: Mapping[Role, frozenset[Role]] = {
    Role.VIEWER: frozenset(Role),
    Role.DEPLOYER: frozenset({Role.DEPLOYER, Role.ADMIN}),
    Role.APPROVER: frozenset({Role.APPROVER, Role.ADMIN}),
    Role.ADMIN: frozenset({Role.ADMIN}),
}


@dataclass(frozen=True)
class Person:
    """A Slack user as `users.info` shows them now. `team` is the workspace they belong to."""

    team: str
    id: str
    name: str
    deleted: bool = False
    is_bot: bool = False
    is_guest: bool = False  # is_restricted or is_ultra_restricted
    is_stranger: bool = False

    @property
    def identity(self) -> str:
        """`slack:<team>/<user>`, the same in requests and in the audit log."""
        return f"slack:{self.team}/{self.id}"


@dataclass(frozen=True)
class Rules:
    """The workspaces that are served, and who holds which role (user ids, or `*` for everyone)."""

    teams: frozenset[str]
    holders: Mapping[Role, frozenset[str]]

    def roles_of(self, person: Person) -> frozenset[Role]:
        """Every role that names the person or everyone."""
        return frozenset(
            role for role, users in self.holders.items() if users & {person.id, EVERYONE}
        )

    def who_could(self, need: Role) -> str:
        """Names the holders of `need`."""
        users = frozenset[str]().union(*(self.holders.get(r, ()) for r in SATISFIED_BY[need]))
        if EVERYONE in users:
            return "Every full member of this workspace."
        if not users:
            return f"Nobody holds the role {need} yet."
        named = [f"<@{user}>" for user in sorted(users)]
        rest = len(named) - NAMED_AT_MOST
        shown = ", ".join(named[:NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")
        return f"{shown}."


@dataclass(frozen=True)
class Allowed:
    """The person may, by virtue of these roles."""

    roles: frozenset[Role]


def decide(person: Person, team: str, need: Role, verb: str, rules: Rules) -> Allowed | Denied:
    """May `person`, speaking in workspace `team`, use a verb that needs the role `need`?"""
    objection = _objection_to(person, team, rules)
    if objection is not None:
        code, rule = objection
        then = "Ask one of them to run the command, or to have your account changed."
        return Denied(Denial(code, rule, rules.who_could(need), then))
    held = rules.roles_of(person)
    if held & SATISFIED_BY[need]:
        return Allowed(held)
    have = ", ".join(sorted(held)) or "none"
    rule = f"`{verb}` needs the role *{need}*; your roles here: {have}."
    then = f"Ask one of them to run it, or to give you the role *{need}* in bot.yaml."
    return Denied(Denial(Refusal.NOT_ALLOWED, rule, rules.who_could(need), then))


@dataclass(frozen=True)
class Denied:
    """The person may not."""

    denial: Denial


def _objection_to(person: Person, team: str, rules: Rules) -> tuple[Refusal, str] | None:
    """What bars this account from every verb, whatever its roles; the first that applies."""
    if team not in rules.teams or person.team not in rules.teams:
        return Refusal.OTHER_TEAM, "Holdpoint serves only the workspaces named in bot.yaml."
    barred = (
        (person.deleted, Refusal.DELETED_USER, "Deactivated accounts are not served."),
        (person.is_bot, Refusal.BOT_USER, "Bots and apps are not served, only people are."),
        (person.is_stranger, Refusal.STRANGER, "People of other organisations are not served."),
        (person.is_guest, Refusal.GUEST, "Guests of the workspace are not served."),
    )
    for applies, code, rule in barred:
        if applies:
            return code, rule
    return None
