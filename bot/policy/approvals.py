"""Whose consent counts for what: N of M people, bound to exactly what was asked for. Pure.

Called by `bot.consenting` when somebody approves or rejects and when a message shows how far it
is. The controller counts again from the same objects. Consent is bound to a request by name and
uid, to the image, model, commit, target, verb, weight and generation in it, and to a hash of the
settings that were in force; it expires, is given once a person, and counts for one request only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING

from bot.escape import code, escaped
from bot.policy.roles import Role
from bot.refusals import Denial, Refusal

if TYPE_CHECKING:
    from bot.places import Environment
    from bot.policy.people import Person


@dataclass(frozen=True)
class Bound:
    """What a consent is about, to the last detail. `weight` is the most that may be given."""

    request: str
    uid: str
    target: str
    verb: str
    image: str
    model_digest: str
    commit: str
    weight: int
    generation: int
    configuration: str

    def difference(self, other: Bound) -> str:
        """The first detail in which the two differ, or ""."""
        for field in fields(self):
            if getattr(self, field.name) != getattr(other, field.name):
                return field.name.replace("_", " ")
        return ""


@dataclass(frozen=True)
class Ask:
    """A request that waits for consent. `requester` is a person's key; `authors` are GitHub
    logins that may not approve, in lower case."""

    bound: Bound
    requester: str
    required: int
    expires: datetime
    open: bool = True
    authors: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Consent:
    """Somebody's yes or no as it stands in the cluster. `by` is a person's key."""

    by: str
    name: str
    bound: Bound
    approve: bool
    expires: datetime


@dataclass(frozen=True)
class Standing:
    """How far a request is. `rejected_by` is the name of whoever said no, or ""."""

    given: tuple[str, ...]
    required: int
    rejected_by: str = ""

    @property
    def enough(self) -> bool:
        """Whether it may go on."""
        return not self.rejected_by and len(self.given) >= self.required


def key_of(identity: str, humans: Mapping[str, str]) -> str:
    """One key for all accounts of one person: their name in the identity map, or the identity.

    `humans` maps `slack:<user>` and `github:<login>` to names.
    """
    account = f"slack:{identity.rpartition('/')[2]}" if identity.startswith("slack:") else identity
    human = humans.get(account, "")
    return f"human:{human}" if human else identity


def count(ask: Ask, consents: Iterable[Consent], now: datetime) -> Standing:
    """Only consent to exactly this, not expired, one a person, never the requester's own."""
    valid = [
        consent
        for consent in consents
        if consent.bound == ask.bound and consent.expires > now and consent.by != ask.requester
    ]
    against = [consent.name or consent.by for consent in valid if not consent.approve]
    given = {consent.by: consent.name or consent.by for consent in valid if consent.approve}
    return Standing(tuple(sorted(given.values())), ask.required, against[0] if against else "")


def objection(
    person: Person, ask: Ask, consents: Iterable[Consent], place: Environment, now: datetime
) -> Denial | None:
    """Why `person`, who holds the role, may not consent to this request; None when they may."""
    who = place.rules.who_could(Role.APPROVER)
    found = (
        _about_the_request(ask, place.fingerprint, now)
        or _about_the_person(person, ask)
        or _about_earlier(person, ask, consents, now)
    )
    if found is None:
        return None
    refusal, rule, then = found
    return Denial(refusal, rule, f"Other approvers: {who}", then)


UNKNOWN_LOGIN = "?"
_Found = tuple[Refusal, str, str]
_AGAIN = "Whoever asked for it asks again."


def _about_the_request(ask: Ask, configuration: str, now: datetime) -> _Found | None:
    name = code(ask.bound.request, 80)
    if not ask.open:
        return Refusal.APPROVAL_CLOSED, f"{name} waits for nobody any more.", "Look with `status`."
    if ask.expires <= now:
        rule = f"{name} expired at {ask.expires:%H:%M} UTC."
        return Refusal.APPROVAL_EXPIRED, rule, _AGAIN
    if ask.bound.configuration != configuration:
        rule = f"The bot's settings have changed since {name} was asked for."
        return Refusal.CONFIGURATION_CHANGED, rule, _AGAIN
    return None


def _about_the_person(person: Person, ask: Ask) -> _Found | None:
    own = person.identity if not person.human else f"human:{person.human}"
    if own == ask.requester:
        rule = "Nobody approves what they asked for themselves, from any of their accounts."
        return Refusal.SELF_APPROVAL, rule, "Ask somebody else to approve it."
    if not ask.authors:
        return None
    if UNKNOWN_LOGIN in ask.authors:
        rule = (
            "The commit's author may not approve it, and GitHub knows no account for the address "
            "in the commit, so nobody can tell who that is."
        )
        return Refusal.AUTHOR_UNKNOWN, rule, "Have it committed from an address GitHub knows."
    if ask.authors & person.logins:
        rule = "The author of a commit does not approve it."
        return Refusal.AUTHOR_APPROVAL, rule, "Ask somebody else to approve it."
    if not person.logins:
        rule = (
            "The commit's author may not approve it, and bot.yaml does not say which GitHub "
            "account is yours."
        )
        then = "Have yourself added to `identities` in bot.yaml, or ask somebody who is there."
        return Refusal.AUTHOR_UNKNOWN, rule, then
    return None


def _about_earlier(
    person: Person, ask: Ask, consents: Iterable[Consent], now: datetime
) -> _Found | None:
    own = person.identity if not person.human else f"human:{person.human}"
    known = list(consents)
    standing = count(ask, known, now)
    if standing.rejected_by:
        rule = f"{escaped(standing.rejected_by, 80)} rejected it; one no is enough."
        return Refusal.REJECTED, rule, _AGAIN
    mine = [c for c in known if c.by == own and c.bound.uid == ask.bound.uid]
    return _ANSWERED if mine else None


def answered(place: Environment) -> Denial:
    """The refusal of a second answer by the same person."""
    refusal, rule, then = _ANSWERED
    return Denial(refusal, rule, f"Other approvers: {place.rules.who_could(Role.APPROVER)}", then)


_ANSWERED: _Found = (
    Refusal.APPROVED_ALREADY,
    "You have answered this request before.",
    "If more approvals are needed, ask other approvers.",
)
