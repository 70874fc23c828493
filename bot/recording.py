"""Turns a request into an object in the cluster, with its live message, once.

Called by the verbs that act. The message is posted first and the request points at it: a restart
finds its messages in the requests, and no message needs a memory of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot import audit, holds, live, objects, policy
from bot.blocks import answers
from bot.blocks import live as blocks
from bot.escape import code
from bot.notes import message_of
from bot.refusals import Refusal, Refused, refuse
from bot.slack import SlackError
from rollouts.jsontypes import JsonObject, dig_object, dig_text, name_of

if TYPE_CHECKING:
    from bot.desk import Answer, Desk, Invocation
    from bot.live import LiveView
    from bot.places import Target


def target_of(invocation: Invocation) -> Target:
    """The target; a verb whose shape requires one has it."""
    if invocation.target is None:
        raise TypeError("this verb's shape must require a target")
    return invocation.target


def already(invocation: Invocation, desk: Desk) -> Answer | None:
    """The answer for a delivery whose request exists, from before a restart perhaps."""
    name = objects.name_for(invocation.delivery)
    if desk.requests.request(target_of(invocation), name) is None:
        return None
    return answers.recorded(name, again=True)


def asked(invocation: Invocation, desk: Desk) -> objects.Asked:
    """Who asks for what, now."""
    name = target_of(invocation).name
    return objects.Asked(invocation.delivery, invocation.person, name, desk.now())


def admit(invocation: Invocation, desk: Desk, deployment: JsonObject, behind: str = "") -> str:
    """Raises Refused where a lock, freeze, window or the order of environments says no.

    Returns the name of the override that made way, or "".
    """
    target, verb = target_of(invocation), desk.verbs[invocation.command.verb]
    place = desk.place(target)
    found = holds.situation(desk.requests.requests(target), deployment, place, desk.now(), behind)
    team = invocation.delivery.team
    decision = policy.decide(invocation.person, team, verb.need, place.rules, found)
    if isinstance(decision, policy.Denied):
        raise Refused(decision.denial)
    return decision.in_spite_of.request if decision.in_spite_of else ""


def follow(
    invocation: Invocation,
    desk: Desk,
    verb: str,
    check: Callable[[JsonObject], None],
    held: Callable[[JsonObject, JsonObject], JsonObject] = lambda body, _: body,
    **arguments: Any,
) -> Answer:
    """Records a verb for what runs now, once `check` has had nothing against it. `held` may hold
    the request, made for that ModelDeployment, until people consent. Raises Refused."""
    known = already(invocation, desk)
    if known is not None:
        return known
    deployment = desk.requests.deployment(target_of(invocation))
    check(deployment)
    override = admit(invocation, desk, deployment)
    more = {"override": override} if override else {}
    body = objects.follow_up(verb, asked(invocation, desk), deployment, **arguments, **more)
    return record(invocation, desk, held(body, deployment))


def record(invocation: Invocation, desk: Desk, body: JsonObject) -> Answer:
    """Posts or finds the live message, creates the request, and answers. Raises Refused."""
    name, target = name_of(body), target_of(invocation)
    message, follows = _running_message(body, target, desk)
    posted = not message
    if posted:
        message = _post(invocation, desk, body)
    else:
        desk.watcher.tell_when_decided(target, name, invocation.tell)
    body = objects.with_message(body, message, follows)
    try:
        ours = desk.requests.create(target, body)
    except Refused as refused:
        if posted:
            _withdraw(desk, message, body, refused)
        raise
    if not ours and posted:
        _remove(desk, message)
    desk.watcher.wake()
    return answers.recorded(name, again=not ours)


def _running_message(body: JsonObject, target: Target, desk: Desk) -> tuple[str, str]:
    """(message, request) of the rollout that this one goes on with; empty for a new rollout."""
    status = dig_object(desk.requests.deployment(target), "status")
    image = dig_text(body, "spec", "arguments", "image")
    if (
        dig_text(body, "spec", "verb") == "Canary"
        and dig_text(status, "candidate", "image") != image
    ):
        return "", ""
    running = dig_text(status, "request")
    request = desk.requests.request(target, running) if running else None
    message = message_of(request) if request else ""
    return message, running if message else ""


def _post(invocation: Invocation, desk: Desk, body: JsonObject) -> str:
    channel = invocation.delivery.channel
    try:
        view = _first_view(invocation, desk, body)
        where, ts = desk.slack.post(channel, blocks.render(view), blocks.summary(view))
    except SlackError as error:
        if error.final:
            raise refuse(
                Refusal.CHANNEL_NOT_USABLE,
                "The rollout is shown where it was asked for, and the bot cannot post in this "
                f"channel ({code(error.code)}).",
                who="Any member of the channel.",
                then="Invite the bot with `/invite`, or ask in the target's own channel.",
            ) from error
        raise refuse(
            Refusal.SLACK_UNAVAILABLE,
            f"The rollout's message could not be posted ({code(error.code or 'no answer')}).",
            who="Nobody needs to: nothing was recorded.",
            then="Ask again in a minute.",
        ) from error
    return f"{where}/{ts}"


def _first_view(invocation: Invocation, desk: Desk, body: JsonObject) -> LiveView:
    around = live.Around(target_of(invocation).environment, (), desk.settings.humans, desk.now())
    return live.view((body,), None, None, around)


def _withdraw(desk: Desk, message: str, body: JsonObject, refused: Refused) -> None:
    """Takes the message back, unless the request may exist all the same and need it."""
    if refused.denial.code is not Refusal.CLUSTER_UNAVAILABLE:
        _remove(desk, message)
        return
    view = live.unknown(live.view((body,), None))
    channel, _, ts = message.partition("/")
    try:
        desk.slack.update(channel, ts, blocks.render(view), blocks.summary(view))
    except SlackError as error:
        audit.trouble("a message could not be edited", slack_message=message, code=error.code)


def _remove(desk: Desk, message: str) -> None:
    channel, _, ts = message.partition("/")
    try:
        desk.slack.remove(channel, ts)
    except SlackError as error:
        audit.trouble("a message could not be removed", slack_message=message, code=error.code)
