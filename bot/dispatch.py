"""From a delivery to an answer: receipt, person, policy, verb, and the one place that says no.

Called by the listeners on Bolt's thread, which only ever files the work; everything that asks an
outside system happens on a worker. Each command ends in exactly one audit line.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bot import audit, buttons, metrics, policy
from bot.blocks import answers
from bot.desk import Answer, Delivery, Desk, Invocation
from bot.escape import code
from bot.grammar import Command, Misread, Vocabulary, parse
from bot.policy import Kind, Need, Person, Role
from bot.refusals import Denial, Refusal, Refused, refuse
from bot.slack import SlackError

if TYPE_CHECKING:
    from bot.places import Target
    from bot.workers import Workers

READING = Need("help", Role.VIEWER, Kind.READ)
REMEMBERED = 10_000  # deliveries; the cluster remembers the rest
Ack = Callable[[str], None]


def delivery_id(team: str, trigger: str) -> str:
    """Names a delivery for ever: equal for every repetition, and nobody's to choose."""
    return hashlib.sha256(f"{team}/{trigger}".encode()).hexdigest()[:20]


class Dispatcher:
    """Takes deliveries, each once."""

    def __init__(self, desk: Desk, workers: Workers) -> None:
        self._desk, self._workers = desk, workers
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()
        self._shapes = {name: verb.shape for name, verb in desk.verbs.items()}

    def take(self, delivery: Delivery, ack: Ack) -> None:
        """Files the work and acknowledges, with a receipt where something is to be recorded."""
        if not self._first_time(delivery.id):
            ack("")
            audit.event("a delivery came again", delivery=delivery.id)
            metrics.count("holdpoint_bot_deliveries_repeated_total")
            return
        read = self._read(delivery)
        if not self._workers.submit(partial(self._handle, delivery, read)):
            self._forget(delivery.id)
            denial = self._too_much()
            person = Person(delivery.team, delivery.user, delivery.user)  # as claimed, not verified
            audit.refused(_entry(delivery, person, read), denial.code)
            ack(f"{answers.refusal(denial).text} {denial.then}")
            return
        acts = isinstance(read, Command) and self._desk.verbs[read.verb].acts
        ack(answers.received(delivery.text) if acts else "")

    def _read(self, delivery: Delivery) -> Command | Misread:
        settings = self._desk.settings
        vocabulary = Vocabulary(
            self._shapes,
            settings.targets,
            settings.default_target(delivery.channel),
            [name for name in settings.environments if name],
            settings.default_environment(delivery.channel),
        )
        return parse(delivery.text, vocabulary)

    def _handle(self, delivery: Delivery, read: Command | Misread) -> None:
        person = Person(delivery.team, delivery.user, delivery.user)
        try:
            person = self._person(delivery, read)
            answer = self._carry_out(delivery, person, read)
        except Refused as refused:
            audit.refused(_entry(delivery, person, read), refused.denial.code)
            self._tell(delivery, answers.refusal(refused.denial))
        except Exception:  # noqa: BLE001 - the boundary: the log gets the cause, the person a sentence
            audit.trouble("a command failed", delivery=delivery.id)
            audit.refused(_entry(delivery, person, read), Refusal.INTERNAL_ERROR)
            self._tell(delivery, answers.refusal(_internal(delivery)))
        else:
            audit.accepted(_entry(delivery, person, read), answer.request)
            self._tell(delivery, answer)

    def _carry_out(self, delivery: Delivery, person: Person, read: Command | Misread) -> Answer:
        if isinstance(read, Misread):
            self._require(delivery, person, READING, None)
            raise Refused(read.denial)
        verb = self._desk.verbs[read.verb]
        self._require(delivery, person, _role_only(verb.need), read.environment)
        target = self._target(read)
        if delivery.button:
            buttons.check(delivery, read, target, self._desk.requests)
        tell = partial(self._tell, delivery)
        return verb.run(Invocation(delivery, person, read, target, tell), self._desk)

    def _target(self, command: Command) -> Target | None:
        settings, name, where = self._desk.settings, command.target, command.environment
        if name is None or where is None:
            return None
        allowed = settings.targets[name].environments
        if allowed and where not in allowed:
            raise refuse(
                Refusal.UNKNOWN_TARGET,
                f"{code(name)} is not in {code(where)}; it is in "
                f"{', '.join(code(each) for each in sorted(allowed))}.",
                who="Anyone who may use the verb, once it reads well.",
                then="Name another environment, or add this one to the target in bot.yaml.",
            )
        return settings.place(name, where)

    def _require(
        self, delivery: Delivery, person: Person, need: Need, environment: str | None
    ) -> None:
        rules = self._desk.settings.rules_in(environment)
        decision = policy.decide(person, delivery.team, need, rules)
        if isinstance(decision, policy.Denied):
            raise Refused(decision.denial)

    def _person(self, delivery: Delivery, read: Command | Misread) -> Person:
        """Looked up at this moment, never remembered: people leave."""
        settings = self._desk.settings
        environment = read.environment if isinstance(read, Command) else None
        collective = (
            settings.rules_in(environment).collective
            if environment is not None
            else settings.collective
        )
        try:
            return self._desk.people.person(delivery.user, collective)
        except SlackError as error:
            raise refuse(
                Refusal.PERSON_NOT_VERIFIED,
                f"Slack did not say who you are ({code(error.code or 'no answer')}).",
                who="Anyone whom Slack knows.",
                then="Ask again in a minute.",
            ) from error

    def _tell(self, delivery: Delivery, answer: Answer) -> None:
        """By the response URL, or as an ephemeral message once that has run out."""
        slack = self._desk.slack
        try:
            slack.respond(delivery.response_url, answer.blocks, answer.text)
        except SlackError:
            try:
                slack.whisper(delivery.channel, delivery.user, answer.blocks, answer.text)
            except SlackError as error:
                audit.trouble("an answer was lost", delivery=delivery.id, code=error.code)
                metrics.count("holdpoint_bot_answers_lost_total")

    def _too_much(self) -> Denial:
        if self._workers.closed:
            rule, refusal = "The bot is being restarted.", Refusal.STOPPING
        else:
            rule, refusal = "The bot has too many commands at once.", Refusal.BUSY
        return Denial(
            refusal,
            f"{rule} Nothing was recorded.",
            "Nobody needs to: it passes.",
            "Send the command again in a minute.",
        )

    def _first_time(self, delivery: str) -> bool:
        with self._lock:
            if delivery in self._seen:
                return False
            self._seen[delivery] = None
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
            return True

    def _forget(self, delivery: str) -> None:
        with self._lock:
            self._seen.pop(delivery, None)


def _entry(delivery: Delivery, person: Person, read: Command | Misread) -> audit.Entry:
    via = "button" if delivery.button else "command"
    entry = audit.Entry(person, delivery.channel, delivery.id, via)
    if isinstance(read, Misread):
        return entry
    return replace(entry, verb=read.verb, target=read.target, environment=read.environment or None)


def _role_only(need: Need) -> Need:
    """The situation of a target is looked at by the verb, which knows what it is about."""
    return Need(need.verb, need.role, Kind.READ)


def _internal(delivery: Delivery) -> Denial:
    return Denial(
        Refusal.INTERNAL_ERROR,
        f"Something in the bot itself went wrong (delivery {code(delivery.id)}).",
        "The bot's operator, who finds the cause in the log under that delivery.",
        "Look with `status` before you ask again: part of it may have been done.",
    )
