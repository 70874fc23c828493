"""Locks, freezes, overrides and stop-all: requests that start nothing, told to the whole channel.

Called by those verbs. A verb for an environment leaves one request for each target of it, because
a ModelDeployment is what the controller guards.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot import audit, objects, recording
from bot.blocks import guards as blocks
from bot.refusals import Refusal, Refused
from bot.slack import SlackError
from rollouts.jsontypes import name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.desk import Answer, Desk, Invocation
    from bot.places import Target
    from rollouts.jsontypes import JsonObject


def guard(invocation: Invocation, desk: Desk, verb: str, **arguments: Any) -> Answer:
    """One request for the target, and a word to the channel. Raises Refused."""
    target = recording.target_of(invocation)
    deployment = desk.requests.deployment(target)
    recording.admit(invocation, desk, deployment)
    asked = recording.asked(invocation, desk)
    body = objects.follow_up(verb, asked, deployment, **said(invocation, desk), **arguments)
    ours = _create(desk, target, body)
    return _tell(invocation, desk, verb, [target], ours=ours)


def guard_all(
    invocation: Invocation, desk: Desk, verb: str, wanted: Sequence[tuple[Target, JsonObject, Any]]
) -> Answer:
    """One request for each (target, its object, more arguments). Raises Refused."""
    ours = False
    for target, deployment, arguments in wanted:
        asked = objects.Asked(
            invocation.delivery, invocation.person, target.name, desk.now(), shared=True
        )
        body = objects.follow_up(verb, asked, deployment, **said(invocation, desk), **arguments)
        ours = _create(desk, target, body) or ours
    return _tell(invocation, desk, verb, [target for target, _, _ in wanted], ours=ours)


def said(invocation: Invocation, desk: Desk) -> dict[str, str]:
    """The reason, and until when, as far as the command says so."""
    command = invocation.command
    found = {"reason": command.reason} if command.reason else {}
    if command.duration_s is not None:
        until = desk.now() + timedelta(seconds=command.duration_s)
        found["until"] = objects.stamp(until)
    return found


def targets_in(invocation: Invocation, desk: Desk) -> list[tuple[Target, JsonObject]]:
    """The targets of the command's environment that exist in the cluster, with their objects."""
    found = []
    for target in desk.settings.places():
        if target.environment != (invocation.command.environment or ""):
            continue
        try:
            found.append((target, desk.requests.deployment(target)))
        except Refused as refused:
            if refused.denial.code is not Refusal.TARGET_NOT_FOUND:
                raise
    return found


def _create(desk: Desk, target: Target, body: JsonObject) -> bool:
    """False where the same delivery came before and made it: then nobody is told twice."""
    if desk.requests.request(target, name_of(body)) is not None:
        return False
    return desk.requests.create(target, body)


def _tell(
    invocation: Invocation, desk: Desk, verb: str, targets: list[Target], *, ours: bool
) -> Answer:
    until = said(invocation, desk).get("until", "")
    notice = blocks.Notice(
        verb, tuple(target.label for target in targets), invocation.person.identity,
        invocation.person.name, invocation.command.reason, until,
    )  # fmt: skip
    if ours:
        try:
            channel = invocation.delivery.channel
            desk.slack.post(channel, blocks.notice(notice), blocks.summary(notice))
        except SlackError as error:  # it is recorded all the same, and `status` shows it
            audit.trouble("a notice could not be posted", verb=verb, code=error.code)
    name = objects.name_for(invocation.delivery)
    return replace(blocks.recorded(notice, again=not ours), request=name)
