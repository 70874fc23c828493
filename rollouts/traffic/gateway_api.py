"""The `GatewayAPI` router: weights in the backendRefs of an HTTPRoute.

    traffic:
      type: GatewayAPI
      gatewayAPI: {httpRoute: lending}     # in the ModelDeployment's namespace

Every rule that names the target's alias Service or one of its revisions' Services is the target's,
whatever it matches on (path, header): each gets the same weights. Other rules, matches, filters and
everything else on the object stay as they are, and so do the port, the filters and other fields of
a backendRef; a Service that is new in a rule copies them from the one beside it.

A Service at 0 % is left out instead of kept with weight 0: the gateway then holds no connection, no
sticky session and no unresolved reference to it, so an abort cannot be refused because of the very
revision that it takes away. Going from 0 to n % needs ready endpoints first, which is the engine's
part.

A rule that somebody shares with a Service of their own keeps the proportion of theirs and ours.
Annotations: the intent's number, and whose route it is, so that two targets do not fight over one.

Source: https://gateway-api.sigs.k8s.io/reference/spec/ (HTTPRoute v1). Found by the catalogue; it
deliberately reads and writes nothing itself.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from rollouts.jsontypes import dig, dig_list, dig_object, dig_text
from rollouts.reasons import Reason
from rollouts.traffic.gateway_status import acceptance
from rollouts.traffic.interface import (
    IN_PROGRESS_LABEL,
    SEQUENCE_ANNOTATION,
    TARGET_ANNOTATION,
    ObjectReference,
    RouteView,
    StaleIntent,
    TrafficError,
    TrafficIntent,
)

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject

MOST_WEIGHT = 1_000_000  # of one backendRef
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


class GatewayApi:
    """See the module."""

    type = "GatewayAPI"

    def reference(self, traffic: JsonObject, namespace: str) -> ObjectReference:
        """The HTTPRoute of `spec.traffic`. Raises TrafficError (SpecInvalid)."""
        name = dig(traffic, "gatewayAPI", "httpRoute")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise TrafficError(
                Reason.SPEC_INVALID,
                f"spec.traffic.gatewayAPI.httpRoute must name an HTTPRoute, this is {name!r:.80}",
            )
        return ObjectReference(
            group="gateway.networking.k8s.io",
            version="v1",
            plural="httproutes",
            kind="HTTPRoute",
            namespace=namespace,
            name=name,
        )

    def view(self, obj: JsonObject, services: frozenset[str]) -> RouteView:
        """What the route shows. Raises TrafficError: no rule for us, or another's route."""
        _refuse_if_anothers(obj, services)
        shares = [_shares(rule, services, obj) for rule in _rules_of(obj, services)]
        names = {name for share in shares for name in share}
        most = {name: max(share.get(name, Fraction(0)) for share in shares) for name in names}
        sequence, drift = _sequence(obj)
        return RouteView(
            sequence=sequence,
            weights={name: math.ceil(share * 100) for name, share in sorted(most.items())},
            accepted=acceptance(obj),
            in_progress=dig_object(obj, "metadata", "labels").get(IN_PROGRESS_LABEL) == "true",
            drift=drift or _disagreement(shares),
        )

    def apply(self, obj: JsonObject, intent: TrafficIntent) -> JsonObject:
        """The route with the intent in it. Raises StaleIntent and TrafficError."""
        _refuse_if_newer(obj, intent)
        _refuse_if_anothers(obj, frozenset({intent.alias}))
        changed = copy.deepcopy(obj)
        for rule in _rules_of(changed, intent.services):
            rule["backendRefs"] = _rewritten(rule, intent, changed)
        metadata = changed.setdefault("metadata", {})
        annotations = metadata.get("annotations") or {}
        annotations[SEQUENCE_ANNOTATION] = str(intent.sequence)
        annotations[TARGET_ANNOTATION] = intent.alias
        metadata["annotations"] = annotations
        labels = metadata.get("labels") or {}
        labels.pop(IN_PROGRESS_LABEL, None)
        if intent.in_progress:
            labels[IN_PROGRESS_LABEL] = "true"
        if labels or "labels" in metadata:
            metadata["labels"] = labels
        return changed


ROUTER = GatewayApi()


def _where(obj: JsonObject) -> str:
    metadata = dig_object(obj, "metadata")
    return f"HTTPRoute {metadata.get('namespace', '')}/{metadata.get('name', '')}"


def _rules_of(obj: JsonObject, services: frozenset[str]) -> list[JsonObject]:
    rules = [rule for rule in dig_list(obj, "spec", "rules") if _weights(rule, services, obj)]
    rules = [rule for rule in rules if not _is_drained(rule, services, obj)]
    if not rules:
        raise TrafficError(
            Reason.ROUTE_MISSING,
            f"{_where(obj)} has no rule with a backendRef to any of {', '.join(sorted(services))}; "
            "add the alias Service to the rule whose traffic is to be split",
        )
    return rules


def _is_drained(rule: JsonObject, services: frozenset[str], obj: JsonObject) -> bool:
    """True where somebody sends all of a shared rule's traffic to a Service of their own."""
    ours = _weights(rule, services, obj)
    return len(ours) < len(dig_list(rule, "backendRefs")) and not any(w for _, w in ours)


def _is_ours(ref: object, services: frozenset[str], obj: JsonObject) -> bool:
    namespace = dig_text(obj, "metadata", "namespace")
    return (
        isinstance(ref, dict)
        and ref.get("name") in services
        and ref.get("kind", "Service") == "Service"
        and not ref.get("group")
        and ref.get("namespace", namespace) == namespace
    )


def _weights(rule: JsonObject, services: frozenset[str], obj: JsonObject) -> list[tuple[str, int]]:
    """(Service, weight) of the target's backendRefs in one rule."""
    refs = dig_list(rule, "backendRefs")
    return [(ref["name"], _weight(ref)) for ref in refs if _is_ours(ref, services, obj)]


def _weight(ref: JsonObject) -> int:
    weight = ref.get("weight")
    return weight if isinstance(weight, int) else 1  # the API's default


def _shares(rule: JsonObject, services: frozenset[str], obj: JsonObject) -> Mapping[str, Fraction]:
    """Each Service's part of what the rule sends to the target; empty where it sends nothing."""
    weights = _weights(rule, services, obj)
    total = sum(weight for _, weight in weights)
    shares: dict[str, Fraction] = {}
    for name, weight in weights:
        if total and weight:
            shares[name] = shares.get(name, Fraction(0)) + Fraction(weight, total)
    return shares


def _disagreement(shares: list[Mapping[str, Fraction]]) -> str:
    if any(share != shares[0] for share in shares):
        return "the route's rules split the target's traffic differently"
    if not shares[0]:
        return "every weight in the route is 0"
    if any((part * 100).denominator != 1 for part in shares[0].values()):
        return "the route's weights are no whole per cents"
    return ""


def _sequence(obj: JsonObject) -> tuple[int | None, str]:
    text = dig_object(obj, "metadata", "annotations").get(SEQUENCE_ANNOTATION)
    if text is None:
        return None, ""
    if isinstance(text, str) and re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
        return int(text), ""
    return None, f"the annotation {SEQUENCE_ANNOTATION} holds {text!r:.40}, which is no number"


def _refuse_if_newer(obj: JsonObject, intent: TrafficIntent) -> None:
    shown, _ = _sequence(obj)
    if shown is not None and shown > intent.sequence:
        raise StaleIntent(intent.sequence, shown, _where(obj))


def _refuse_if_anothers(obj: JsonObject, ours: frozenset[str]) -> None:
    owner = dig_object(obj, "metadata", "annotations").get(TARGET_ANNOTATION)
    if owner is not None and owner not in ours:
        raise TrafficError(
            Reason.SPEC_INVALID,
            f"{_where(obj)} is the route of ModelDeployment {owner!r:.80}; give each its own "
            f"HTTPRoute, or remove the annotation {TARGET_ANNOTATION} to hand this one over",
        )


def _rewritten(rule: JsonObject, intent: TrafficIntent, obj: JsonObject) -> list[JsonObject]:
    refs = dig_list(rule, "backendRefs")
    ours = [ref for ref in refs if _is_ours(ref, intent.services, obj)]
    theirs = [ref for ref in refs if not _is_ours(ref, intent.services, obj)]
    unit, times = _units(ours, theirs)
    first = refs.index(ours[0])
    new = [
        {**_like(name, ours), "weight": weight * unit} for name, weight in intent.weights if weight
    ]
    kept = [ref if times == 1 else {**ref, "weight": _weight(ref) * times} for ref in theirs]
    before = sum(1 for ref in refs[:first] if ref in theirs)
    return [*kept[:before], *new, *kept[before:]]


def _units(ours: list[JsonObject], theirs: list[JsonObject]) -> tuple[int, int]:
    """What one per cent of ours weighs, and what to multiply theirs by to keep the proportion."""
    if not theirs:
        return 1, 1
    total = sum(_weight(ref) for ref in ours)
    times = 100 // math.gcd(100, total)
    if times * max(total, *(_weight(ref) for ref in theirs)) <= MOST_WEIGHT:
        return total * times // 100, times
    return max(1, round(total / 100)), 1  # so finely weighted that the rounding is below 1 %


def _like(name: str, ours: list[JsonObject]) -> JsonObject:
    named = [ref for ref in ours if ref["name"] == name]
    return {**copy.deepcopy((named or ours)[0]), "name": name}
