"""What the gateways say about an HTTPRoute: `status.parents`, read with suspicion.

Called by the `GatewayAPI` router. A route is accepted when every parent that its spec names has
answered for exactly this generation that it accepts the route and resolved its references. Answers
for parents that the spec no longer names are old news. It deliberately believes no condition that
does not say which generation it looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollouts.jsontypes import dig, dig_list, dig_object, dig_text
from rollouts.traffic.interface import Acceptance, AcceptanceState

if TYPE_CHECKING:
    from rollouts.jsontypes import Json, JsonObject

GATEWAY_GROUP = "gateway.networking.k8s.io"
CONDITIONS = ("Accepted", "ResolvedRefs")
# The worst answer counts: one gateway that refuses is one that serves the old weights.
WORST_FIRST = (AcceptanceState.REFUSED, AcceptanceState.UNKNOWN, AcceptanceState.PENDING)


def acceptance(route: JsonObject) -> Acceptance:
    """The answer of all parents together."""
    parents = dig_list(route, "spec", "parentRefs")
    if not parents:
        return Acceptance(AcceptanceState.REFUSED, "the route names no parent gateway")
    return _worst([_of_parent(parent, route) for parent in parents])


def _worst(answers: list[Acceptance]) -> Acceptance:
    for state in WORST_FIRST:
        for answer in answers:
            if answer.state is state:
                return answer
    return Acceptance(AcceptanceState.ACCEPTED)


def _of_parent(parent: Json, route: JsonObject) -> Acceptance:
    name = dig_text(parent, "name")
    entries = [
        entry
        for entry in dig_list(route, "status", "parents")
        if _key(dig_object(entry, "parentRef"), route) == _key(parent, route)
    ]
    # A controller may say "not mine" about another controller's gateway, beside that one's answer.
    entries = [entry for entry in entries if not _is_not_mine(entry)] or entries
    if not entries:
        return Acceptance(AcceptanceState.PENDING, f"gateway {name} has not answered yet")
    return _worst(
        [_of_condition(kind, entry, name, route) for entry in entries for kind in CONDITIONS]
    )


def _of_condition(kind: str, entry: Json, gateway: str, route: JsonObject) -> Acceptance:
    condition = _condition(kind, entry)
    generation = dig(route, "metadata", "generation")
    if not condition:
        return Acceptance(AcceptanceState.PENDING, f"gateway {gateway} says nothing about {kind}")
    if generation is None or condition.get("observedGeneration") != generation:
        return Acceptance(
            AcceptanceState.PENDING,
            f"gateway {gateway} has answered for generation "
            f"{condition.get('observedGeneration')}, not yet for {generation}",
        )
    if condition.get("status") == "True":
        return Acceptance(AcceptanceState.ACCEPTED)
    words = f"{condition.get('reason', '')}: {condition.get('message', '')}".strip(": ")
    if condition.get("status") == "False":
        return Acceptance(AcceptanceState.REFUSED, f"gateway {gateway}: not {kind} ({words:.300})")
    return Acceptance(
        AcceptanceState.UNKNOWN, f"gateway {gateway}: {kind} is unknown ({words:.300})"
    )


def _condition(kind: str, entry: Json) -> JsonObject:
    found = [c for c in dig_list(entry, "conditions") if dig_text(c, "type") == kind]
    return dig_object(found, 0)


def _is_not_mine(entry: Json) -> bool:
    accepted = _condition("Accepted", entry)
    return accepted.get("status") == "False" and accepted.get("reason") == "NoMatchingParent"


def _key(parent: Json, route: JsonObject) -> tuple[Json, ...]:
    """What a parent reference means, with the API's defaults filled in."""
    return (
        dig(parent, "group") or GATEWAY_GROUP,
        dig(parent, "kind") or "Gateway",
        dig(parent, "namespace") or dig_text(route, "metadata", "namespace"),
        dig(parent, "name"),
        dig(parent, "sectionName"),
        dig(parent, "port"),
    )
