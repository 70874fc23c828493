"""What a traffic router is: the Protocol every file of this folder implements, and its data types.

The engine makes a `TrafficIntent`, the controller hands it to `Router.apply` with the object that
it read and writes what comes back, conditional on the resourceVersion; `Router.view` reads it back.
Routers are sans-I/O: objects in, objects out. They deliberately do not decide any weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from rollouts.reasons import Reason

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject
    from rollouts.resources import Resource

SEQUENCE_ANNOTATION = "holdpoint.dev/write-sequence"
TARGET_ANNOTATION = "holdpoint.dev/target"
IN_PROGRESS_LABEL = "holdpoint.dev/in-progress"


class TrafficError(Exception):
    """A route that cannot be read or written as asked: a reason code and a sentence for people."""

    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


class StaleIntent(TrafficError):  # noqa: N818 - the contract of the rooms calls it so
    """The object already shows a newer intent: whoever holds this one is no longer in charge."""

    def __init__(self, held: int, shown: int, where: str) -> None:
        super().__init__(
            Reason.ROUTE_EDITED,
            f"{where} already shows intent {shown}; intent {held} is older and is not written",
        )
        self.held = held
        self.shown = shown


class UnknownRouter(TrafficError):  # noqa: N818 - the contract of the rooms calls it so
    """`spec.traffic.type` names no router; the message lists those there are."""


@dataclass(frozen=True)
class ObjectReference:
    """Where a router's object lives in the API server."""

    group: str
    version: str
    plural: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True)
class TrafficIntent:
    """The weights that somebody decided on, numbered.

    `weights`: (Service name, whole per cent), summing to 100, stable first. `alias` is the stable
    alias Service's name, `owned` every other Service name that belongs to this target (revisions,
    old ones too). `sizes`: ready pods by Service, where they are known; only a router that splits
    by their number reads it. Raises ValueError when the weights are no such thing.
    """

    sequence: int
    weights: tuple[tuple[str, int], ...]
    in_progress: bool
    alias: str
    owned: frozenset[str] = frozenset()
    sizes: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if any(not 0 <= weight <= 100 for _, weight in self.weights):
            raise ValueError(f"weights must lie in 0..100: {self.weights}")
        if sum(weight for _, weight in self.weights) != 100:
            raise ValueError(f"weights must sum to 100: {self.weights}")
        if len(dict(self.weights)) != len(self.weights):
            raise ValueError(f"a Service may be named once: {self.weights}")

    @property
    def services(self) -> frozenset[str]:
        """Every Service name that a route of this target may hold."""
        return self.owned | {self.alias} | {name for name, _ in self.weights}

    @property
    def trial(self) -> str:
        """The Service that shares the traffic with stable; "" where one has all of it."""
        names = [name for name, weight in self.weights if weight]
        return names[-1] if len(names) > 1 else ""


class AcceptanceState(StrEnum):
    """What the gateway says about the route as it is now."""

    ACCEPTED = "accepted"
    PENDING = "pending"  # it has not looked at this generation yet
    REFUSED = "refused"
    UNKNOWN = "unknown"  # there is an answer and it cannot be read


@dataclass(frozen=True)
class Acceptance:
    """The gateway's answer and a sentence that explains every state but ACCEPTED.

    A kind of route that no gateway answers about is ACCEPTED once it is written.
    """

    state: AcceptanceState
    message: str = ""


@dataclass(frozen=True)
class RouteView:
    """What a route shows now.

    `weights`: per cent of the target's traffic by Service, rounded up; where rules disagree, the
    largest share that the Service has in any of them, so that "the candidate has 0" is never
    wrong. `drift` says in a sentence why the route shows no intent exactly (rules that disagree,
    broken per cents), "" when it may. `beside`: where traffic besides the weights leads (requests
    with a header, mirrored ones), by what it is; "" for nowhere. `note` is what a person should
    know about weights that are shown and not quite reached.
    """

    sequence: int | None
    weights: Mapping[str, int]
    accepted: Acceptance
    in_progress: bool = False
    drift: str = ""
    beside: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def matches(self, intent: TrafficIntent) -> bool:
        """True when exactly this intent is shown: number, weights, label. Says nothing about
        whether the gateway accepted it: read `accepted` for that."""
        asked = {name: weight for name, weight in intent.weights if weight}
        return (
            not self.drift
            and self.sequence == intent.sequence
            and self.in_progress == intent.in_progress
            and all(service == intent.trial for service in self.beside.values())
            and {name: weight for name, weight in self.weights.items() if weight} == asked
        )


@dataclass(frozen=True)
class Permission:
    """What the controller's account must be allowed, in the words of an RBAC rule."""

    group: str
    resource: str
    verbs: tuple[str, ...] = ("get", "list", "watch", "update")


class Router(Protocol):
    """One way to split traffic. A file of this folder holds one as `ROUTER`."""

    @property
    def type(self) -> str:
        """The name in `spec.traffic.type`."""

    @property
    def resource(self) -> Resource:
        """The kind of object that it writes."""

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Everything that it needs, and nothing that it does not."""

    @property
    def bypass(self) -> str:
        """Who is not counted by its weights, as a sentence for people."""

    def configured(self, traffic: JsonObject) -> Router:
        """This router with the options of `spec.traffic`. Raises TrafficError (SpecInvalid)."""

    def achieved(self, intent: TrafficIntent) -> int:
        """Whole per cent of the traffic that really reach `intent.trial`, never more than asked."""

    def reference(self, traffic: JsonObject, namespace: str) -> ObjectReference:
        """The object to read and write, from `spec.traffic`. Raises TrafficError (SpecInvalid)."""

    def view(self, obj: JsonObject, services: frozenset[str]) -> RouteView:
        """What the object shows; `services` as in `TrafficIntent.services`.

        Raises TrafficError (RouteMissing) when nothing in it points at the target.
        """

    def apply(self, obj: JsonObject, intent: TrafficIntent) -> JsonObject:
        """A full copy of the object that shows the intent, for a conditional replace.

        Raises StaleIntent when the object carries a higher sequence, and TrafficError
        (RouteMissing) when nothing in it points at the target. Applying twice changes nothing.
        """
