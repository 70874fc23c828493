"""The answer to `whoami`: the identity, and a section for each environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.blocks.parts import context, section
from bot.desk import Answer, Verb
from bot.escape import code, cut, name
from bot.policy import SATISFIED_BY, Person, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.places import Environment

MOST_PLACES = 10
SHARE = 1000  # characters of one environment


def answer(person: Person, places: Sequence[Environment], verbs: Sequence[Verb]) -> Answer:
    """Who the person is and what they may, where."""
    blocks = [section(_identity(person))]
    blocks += [section(cut(_place(person, place, verbs), SHARE)) for place in places[:MOST_PLACES]]
    left = len(places) - MOST_PLACES
    if left > 0:
        blocks.append(context(f"{left} more environments are left out."))
    return Answer(tuple(blocks), "Who you are here")


def _identity(person: Person) -> str:
    logins = ", ".join(code(login) for login in sorted(person.logins)) or "no GitHub account"
    human = f"as *{name(person.human)}* with {logins}" if person.human else "in no identity map"
    return f"You are *{name(person.name)}*, {code(person.identity)}, known {human}."


def _place(person: Person, place: Environment, verbs: Sequence[Verb]) -> str:
    held = place.rules.roles_of(person)
    lines = [f"*{name(place.name)}*" if place.name else "*Everywhere*"]
    for role in Role:
        if role in held:
            lines.append(f"• *{role}*, by {', '.join(place.rules.why(person, role)[:5])}")
    if not held:
        lines.append(f"• no role. {place.rules.who_could(Role.ADMIN)}")
    may = [f"`{verb.name}`" for verb in verbs if held & SATISFIED_BY[verb.role]]
    lines.append(f"You may: {', '.join(may) or 'nothing'}.")
    rule = place.approvals
    if rule.required:
        above = f" above {rule.above}%" if rule.above else ""
        author = "" if rule.author else ", not from the commit's author"
        lines.append(f"What starts or promotes{above} needs {rule.required} approval(s){author}.")
    if place.after:
        lines.append(f"An image is promoted in {code(place.after)} first.")
    return "\n".join(lines)
