"""A person as Slack shows them at the moment, and what bars an account from everything."""

from __future__ import annotations

from dataclasses import dataclass

from bot.refusals import Refusal


@dataclass(frozen=True)
class Person:
    """A Slack user as `users.info` shows them now.

    `team` is the workspace they belong to; `within` the ids of those user groups and channels of
    bot.yaml that they are a member of; `human` who they are in its identity map, "" when unmapped.
    """

    team: str
    id: str
    name: str
    deleted: bool = False
    is_bot: bool = False
    is_guest: bool = False  # is_restricted or is_ultra_restricted
    is_stranger: bool = False
    within: frozenset[str] = frozenset()
    human: str = ""
    logins: frozenset[str] = frozenset()  # on GitHub, in lower case

    @property
    def identity(self) -> str:
        """`slack:<team>/<user>`, the same in requests and in the audit log."""
        return f"slack:{self.team}/{self.id}"

    @property
    def key(self) -> str:
        """The same for all accounts of one person, as `rollouts.model.key_of`."""
        return f"human:{self.human}" if self.human else self.identity

    def as_written(self) -> dict[str, str]:
        """For an object that says who asked or approved; `person` only where it is known."""
        person = {"person": self.key} if self.human else {}
        return {"id": self.identity, "name": self.name, **person}


def objection_to(person: Person, team: str, teams: frozenset[str]) -> tuple[Refusal, str] | None:
    """What bars this account from every verb, whatever its roles; the first that applies."""
    if team not in teams or person.team not in teams:
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
