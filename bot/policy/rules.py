"""The decision: a person, what a verb needs and the situation give Allowed or Denied.

The order is fixed: the account, the role, the lock, the freeze, the window, the order of the
environments. Who may not at all is not told what else would stand in the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.escape import code, escaped
from bot.policy.people import objection_to
from bot.policy.roles import SATISFIED_BY, Role
from bot.policy.situation import BARRED, OPEN, Kind
from bot.refusals import Denial, Refusal

if TYPE_CHECKING:
    from datetime import datetime

    from bot.policy.people import Person
    from bot.policy.roles import Rules
    from bot.policy.situation import Hold, Situation


@dataclass(frozen=True)
class Need:
    """What a verb asks for."""

    verb: str
    role: Role
    kind: Kind


@dataclass(frozen=True)
class Allowed:
    """The person may, by virtue of these roles; `in_spite_of` is the override that made way."""

    roles: frozenset[Role]
    in_spite_of: Hold | None = None


@dataclass(frozen=True)
class Denied:
    """The person may not."""

    denial: Denial


def decide(
    person: Person, team: str, need: Need, rules: Rules, situation: Situation = OPEN
) -> Allowed | Denied:
    """May `person`, speaking in workspace `team`, use the verb in this situation?"""
    objection = objection_to(person, team, rules.teams)
    if objection is not None:
        refusal, rule = objection
        then = "Ask one of them to run the command, or to have your account changed."
        return Denied(Denial(refusal, rule, rules.who_could(need.role), then))
    held = rules.roles_of(person)
    if not held & SATISFIED_BY[need.role]:
        return Denied(_lacks(need, held, rules))
    obstacle = _obstacle(person, need, held, rules, situation)
    if obstacle is None:
        return Allowed(held)
    if need.kind in BARRED and situation.override is not None:
        return Allowed(held, situation.override)
    return Denied(obstacle)


def _lacks(need: Need, held: frozenset[Role], rules: Rules) -> Denial:
    have = ", ".join(sorted(held)) or "none"
    rule = f"`{need.verb}` needs the role *{need.role}*; your roles here: {have}."
    then = f"Ask one of them to run it, or to give you the role *{need.role}* in bot.yaml."
    return Denial(Refusal.NOT_ALLOWED, rule, rules.who_could(need.role), then)


def _obstacle(
    person: Person, need: Need, held: frozenset[Role], rules: Rules, now: Situation
) -> Denial | None:
    others = now.lock if now.lock is not None and now.lock.by != person.identity else None
    if need.kind is Kind.LOCK and others is not None:
        return _held(Refusal.ALREADY_LOCKED, "It is locked already", others, rules)
    if need.kind is Kind.UNLOCK:
        return _unlocking(person, held, rules, now)
    if need.kind not in BARRED:
        return None
    if others is not None:
        return _held(Refusal.LOCKED, "The target is locked", others, rules)
    if now.freeze is not None:
        return _held(Refusal.FROZEN, "The environment is frozen", now.freeze, rules)
    return _by_calendar_or_order(need, rules, now)


def _by_calendar_or_order(need: Need, rules: Rules, now: Situation) -> Denial | None:
    if now.closed is not None:
        rule = f"The window {code(now.closed.window, 60)} is closed {_until(now.closed.until)}."
        return Denial(Refusal.WINDOW_CLOSED, rule, _approvers(rules), _WAIT)
    if now.behind and need.kind is Kind.START:
        rule = f"This image has to be promoted in {code(now.behind, 60)} first, and is not."
        then = f"Roll it out in {code(now.behind, 60)} and promote it there, then ask again."
        return Denial(Refusal.OUT_OF_ORDER, rule, _approvers(rules), then)
    return None


def _unlocking(
    person: Person, held: frozenset[Role], rules: Rules, now: Situation
) -> Denial | None:
    if now.lock is None:
        return Denial(
            Refusal.NOT_LOCKED,
            "There is no lock to take away.",
            "Nobody needs to.",
            "Look with `status`.",
        )
    if now.lock.by == person.identity or Role.ADMIN in held:
        return None
    return _held(Refusal.NOT_YOUR_LOCK, "Somebody else's lock", now.lock, rules)


_WAIT = "Wait until then, or ask an approver for `override REASON`; stopping is always possible."


def _held(refusal: Refusal, what: str, hold: Hold, rules: Rules) -> Denial:
    by = f"<@{hold.by.rpartition('/')[2]}>" if hold.by.startswith("slack:") else escaped(hold.name)
    rule = f"{what} by {by} {_until(hold.until)}: {escaped(hold.reason, 200) or 'no reason given'}."
    if refusal in (Refusal.ALREADY_LOCKED, Refusal.NOT_YOUR_LOCK):
        who = f"{by}, and of the admins: {rules.who_could(Role.ADMIN)}"
        return Denial(refusal, rule, who, "Ask them to `unlock` it.")
    lifts = Role.ADMIN if refusal is Refusal.FROZEN else None
    who = rules.who_could(lifts) if lifts else f"{by}. {_approvers(rules)}"
    return Denial(refusal, rule, who, _WAIT)


def _approvers(rules: Rules) -> str:
    return f"With `override`: {rules.who_could(Role.APPROVER)}"


def _until(moment: datetime | None) -> str:
    return "until it is lifted" if moment is None else f"until {moment:%Y-%m-%d %H:%M} UTC"
