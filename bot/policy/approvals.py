"""Who may consent to what: asked before an approval is written. Pure.

Called by `bot.consenting` when somebody approves or rejects. Which approvals then count is one rule
for the bot and the controller, `rollouts.model.approval`; here is what the controller cannot know:
roles, the commit's authors, and whether the settings are still those of the request.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bot.escape import code, escaped
from bot.policy.roles import Role
from bot.refusals import Denial, Refusal
from rollouts.model import Ask, Consent, count

if TYPE_CHECKING:
    from datetime import datetime

    from bot.places import Environment
    from bot.policy.people import Person


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
    if person.key == ask.requester:
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
    known = list(consents)
    standing = count(ask, known, now)
    if standing.rejected_by:
        rule = f"{escaped(standing.rejected_by, 80)} rejected it; one no is enough."
        return Refusal.REJECTED, rule, _AGAIN
    mine = [c for c in known if c.by == person.key and c.bound.uid == ask.bound.uid]
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
