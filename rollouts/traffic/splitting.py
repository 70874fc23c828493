"""Weights over several backends of a rule, for kinds of routes that hold them in a list.

Used by the `GatewayAPI` and `Istio` routers, which say how one backend is written. A rule that
somebody shares with a Service of their own keeps the proportion of theirs and ours; a Service at
0 % is left out; a Service that is new in a rule is written like the one beside it. It deliberately
knows no annotations and no matches.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from rollouts.jsontypes import dig_list
from rollouts.reasons import Reason
from rollouts.traffic.interface import TrafficError, TrafficIntent
from rollouts.traffic.marks import where

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject

MOST_WEIGHT = 1_000_000  # of one backend
Shares = Mapping[str, Fraction]


@dataclass(frozen=True)
class Backends:
    """How a kind of route writes the backends of a rule.

    `kind` is the route's, `field` the list's name. `service(backend, route)`: the Service's name
    if the backend is one in the route's own namespace. `weight(backend, all of the rule)`: as the
    gateway counts it. `like(backend, name)`: a copy that leads to another Service.
    """

    kind: str
    field: str
    service: Callable[[object, JsonObject], str | None]
    weight: Callable[[JsonObject, Sequence[JsonObject]], int]
    like: Callable[[JsonObject, str], JsonObject]

    def rules(
        self, rules: Iterable[JsonObject], services: frozenset[str], obj: JsonObject
    ) -> list[JsonObject]:
        """The target's rules. Raises TrafficError (RouteMissing) where there is none."""
        found = [rule for rule in rules if self._is_targets(rule, services, obj)]
        if not found:
            raise TrafficError(
                Reason.ROUTE_MISSING,
                f"{where(obj, self.kind)} has no rule that leads to any of "
                f"{', '.join(sorted(services))}; add the alias Service to the rule "
                "whose traffic is to be split",
            )
        return found

    def shares(self, rule: JsonObject, services: frozenset[str], obj: JsonObject) -> Shares:
        """Each Service's part of what a rule sends to the target; empty where it sends nothing."""
        weights = self._weights(rule, services, obj)
        total = sum(weight for _, weight in weights)
        shares: dict[str, Fraction] = {}
        for name, weight in weights:
            if total and weight:
                shares[name] = shares.get(name, Fraction(0)) + Fraction(weight, total)
        return shares

    def rewrite(self, rule: JsonObject, intent: TrafficIntent, obj: JsonObject) -> None:
        """Puts the intent's weights into a rule of the target, in place."""
        refs = dig_list(rule, self.field)
        ours = [ref for ref in refs if self._is_ours(ref, intent.services, obj)]
        theirs = [ref for ref in refs if not self._is_ours(ref, intent.services, obj)]
        unit, times = self._units(ours, theirs, refs)
        new = [
            {**self._like(name, ours, obj), "weight": weight * unit}
            for name, weight in intent.weights
            if weight
        ]
        kept = [
            ref if times == 1 else {**ref, "weight": self.weight(ref, refs) * times}
            for ref in theirs
        ]
        before = sum(1 for ref in refs[: refs.index(ours[0])] if ref in theirs)
        rule[self.field] = [*kept[:before], *new, *kept[before:]]

    def first_of(self, rule: JsonObject, services: frozenset[str], obj: JsonObject) -> JsonObject:
        """The first backend of the target in one of its rules."""
        refs = dig_list(rule, self.field)
        return next(dict(ref) for ref in refs if self._is_ours(ref, services, obj))

    def _is_targets(self, rule: JsonObject, services: frozenset[str], obj: JsonObject) -> bool:
        """A shared rule whose traffic somebody sends wholly to a Service of theirs is not ours."""
        ours = self._weights(rule, services, obj)
        shared = len(ours) < len(dig_list(rule, self.field))
        return bool(ours) and not (shared and not any(weight for _, weight in ours))

    def _is_ours(self, ref: object, services: frozenset[str], obj: JsonObject) -> bool:
        return self.service(ref, obj) in services

    def _weights(
        self, rule: JsonObject, services: frozenset[str], obj: JsonObject
    ) -> list[tuple[str, int]]:
        refs = dig_list(rule, self.field)
        named = [(self.service(ref, obj), ref) for ref in refs]
        return [(name, self.weight(ref, refs)) for name, ref in named if name in services and name]

    def _units(
        self, ours: list[JsonObject], theirs: list[JsonObject], refs: list[JsonObject]
    ) -> tuple[int, int]:
        """What one per cent of ours weighs, and what to multiply theirs by to keep proportion."""
        if not theirs:
            return 1, 1
        total = sum(self.weight(ref, refs) for ref in ours)
        times = 100 // math.gcd(100, total)
        if times * max(total, *(self.weight(ref, refs) for ref in theirs)) <= MOST_WEIGHT:
            return total * times // 100, times
        return max(1, round(total / 100)), 1  # so finely weighted that rounding is below 1 %

    def _like(self, name: str, ours: list[JsonObject], obj: JsonObject) -> JsonObject:
        same = [ref for ref in ours if self.service(ref, obj) == name]
        return self.like(copy.deepcopy((same or ours)[0]), name)


def most(shares: Sequence[Shares]) -> dict[str, int]:
    """Per cent by Service, rounded up; the largest share that each has in any rule."""
    names = {name for share in shares for name in share}
    return {
        name: math.ceil(max(share.get(name, Fraction(0)) for share in shares) * 100)
        for name in sorted(names)
    }


def disagreement(shares: Sequence[Shares]) -> str:
    """Why the rules together show no intent; "" where they may."""
    if any(share != shares[0] for share in shares):
        return "the route's rules split the target's traffic differently"
    if not shares[0]:
        return "every weight in the route is 0"
    if any((part * 100).denominator != 1 for part in shares[0].values()):
        return "the route's weights are no whole per cents"
    return ""
