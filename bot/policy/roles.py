"""Roles, what satisfies a need for one, and who holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.policy.people import Person

EVERYONE = "*"
NAMED_AT_MOST = 5


class Role(StrEnum):
    """What a person may be, per environment in bot.yaml."""

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
class Rules:
    """The workspaces that are served, and who holds which role in one environment.

    A holder is the id of a user (U, W), a user group (S) or a channel (C, G), or `*`: Slack's ids
    tell by their first letter what they name.
    """

    teams: frozenset[str]
    holders: Mapping[Role, frozenset[str]]

    def roles_of(self, person: Person) -> frozenset[Role]:
        """Every role that names the person, a group or channel they are in, or everyone."""
        own = {person.id, EVERYONE} | person.within
        return frozenset(role for role, holders in self.holders.items() if holders & own)

    def why(self, person: Person, role: Role) -> tuple[str, ...]:
        """What gives the person that role: mentions, in a fixed order."""
        own = {person.id, EVERYONE} | person.within
        return tuple(
            mention(holder) for holder in sorted(self.holders.get(role, frozenset()) & own)
        )

    @property
    def collective(self) -> frozenset[str]:
        """The ids of groups and channels whose members have to be looked up."""
        every = frozenset[str]().union(*self.holders.values())
        return frozenset(holder for holder in every if holder[0] in "SCG")

    def who_could(self, need: Role) -> str:
        """Names the holders of `need`."""
        holders = frozenset[str]().union(*(self.holders.get(r, ()) for r in SATISFIED_BY[need]))
        if EVERYONE in holders:
            return "Every full member of this workspace."
        if not holders:
            return f"Nobody holds the role {need} yet."
        named = [mention(holder) for holder in sorted(holders)]
        rest = len(named) - NAMED_AT_MOST
        shown = ", ".join(named[:NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")
        return f"{shown}."


def mention(holder: str) -> str:
    """A holder in mrkdwn."""
    if holder == EVERYONE:
        return "every full member"
    if holder[0] == "S":
        return f"members of <!subteam^{holder}>"
    if holder[0] in "CG":
        return f"members of <#{holder}>"
    return f"<@{holder}>"
