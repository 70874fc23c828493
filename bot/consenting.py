"""Asks for consent and takes it: the edge around `bot.policy.approvals`.

Called by the verbs that start or advance, and by `approve` and `reject`. What was cleared when it
was asked for is cleared again when somebody approves: a commit that was pushed, a tag that was
moved or a verdict that expired in between ends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import consents, objects, recording
from bot.blocks import answers
from bot.escape import code, short
from bot.policy import Role, approvals
from bot.refusals import Refusal, Refused, refuse
from rollouts.jsontypes import JsonObject, dig_text, name_of
from rollouts.model import ask_of, count, gated

if TYPE_CHECKING:
    from bot.desk import Answer, Desk, Invocation
    from bot.places import Target
    from rollouts.model import Ask


def gate(body: JsonObject, invocation: Invocation, desk: Desk, share: int) -> JsonObject:
    """The request, held until enough people consent, where the environment asks for that.

    `share` is the most traffic that it may lead to. Raises Refused.
    """
    target = recording.target_of(invocation)
    place = desk.place(target)
    rule = place.approvals
    if not rule.required or share <= rule.above:
        return body
    commit = dig_text(body, "spec", "arguments", "commit") or _candidates(target, desk)
    authors = () if rule.author or not commit else desk.clearances.authors(target, commit)
    held: JsonObject = {
        "required": rule.required,
        "weight": share,
        "commit": commit,
        "authors": sorted(authors),
        "configuration": place.fingerprint,
    }
    return objects.gated(body, held, desk.now() + rule.lifetime)


def answer(invocation: Invocation, desk: Desk, *, approve: bool) -> Answer:
    """Records one person's yes or no. Raises Refused."""
    target = recording.target_of(invocation)
    place, now = desk.place(target), desk.now()
    request = _request(invocation, desk, target)
    ask = ask_of(request, desk.settings.humans)
    known = consents.read(desk.requests.approvals(target), desk.settings.humans)
    person = invocation.person
    denial = approvals.objection(person, ask, known, place, now)
    if denial is not None:
        raise Refused(denial)
    if approve:
        _check_again(ask, target, desk)
    expires = min(ask.expires, now + place.approvals.lifetime)
    body = consents.approval(ask.bound, person, invocation.delivery, expires, approve=approve)
    ours = desk.requests.approve(target, body)
    desk.watcher.wake()
    after = consents.read(desk.requests.approvals(target), desk.settings.humans)
    if not ours:  # another click of the same person was faster
        denial = approvals.objection(person, ask, after, place, now)
        raise Refused(denial or approvals.answered(place))
    return answers.consented(name_of(request), name_of(body), count(ask, after, now))


def _request(invocation: Invocation, desk: Desk, target: Target) -> JsonObject:
    """The one that is meant: by name, or the only one that waits."""
    named = invocation.command.request
    requests = desk.requests.requests(target)
    if named is not None:
        found = [
            r
            for r in requests
            if name_of(r) == named and gated(r) and dig_text(r, "spec", "target") == target.name
        ]
    else:
        found = consents.waiting(requests, target.name)
    if len(found) == 1:
        return found[0]
    names = ", ".join(code(name_of(request)) for request in found[:5])
    raise refuse(
        Refusal.NOTHING_TO_APPROVE,
        f"Several requests wait for consent: {names}."
        if found
        else f"No such request of {code(target.name)} waits for consent.",
        who=desk.place(target).rules.who_could(Role.APPROVER),
        then="Name it: `approve REQUEST`." if found else "Look with `status`.",
    )


def _check_again(ask: Ask, target: Target, desk: Desk) -> None:
    """The evidence as it is now must clear exactly what was asked for. Raises Refused."""
    bound = ask.bound
    if bound.verb != "Canary":
        return
    clearance = desk.clearances.obtain(target, bound.commit, desk.now())
    found = (clearance.image.reference, clearance.model_digest, clearance.commit)
    if found != (bound.image, bound.model_digest, bound.commit):
        raise refuse(
            Refusal.APPROVAL_OF_OTHER,
            f"What would run now is image {code(short(clearance.image.digest))}, and "
            f"{code(short(bound.image.rpartition('@')[2]))} was asked for.",
            who="Nobody: consent is to one image, model and commit.",
            then="Whoever asked for it asks again.",
        )


def _candidates(target: Target, desk: Desk) -> str:
    return dig_text(desk.requests.deployment(target), "status", "candidate", "commit")
