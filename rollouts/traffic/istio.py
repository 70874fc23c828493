"""The `Istio` router: weights in the HTTP routes of a VirtualService.

    traffic:
      type: Istio
      istio: {virtualService: lending}     # in the ModelDeployment's namespace

Every `spec.http` route with a destination whose host is the target's alias Service or one of its
revisions' Services (short, or as `name.namespace[.svc...]`) is the target's; matches, retries,
faults, mirrors, ports and headers stay as they are, and so do `tcp` and `tls` routes.

Each revision has a Service of its own, so a destination names that host and no subset; a subset
would have to be declared in a DestinationRule first, in a second write that may come too late. A
destination with a subset is refused, with what to do. A DestinationRule for the alias host does not
reach the revisions' hosts: write its traffic policy for the namespace, or for their hosts.

A weight that is left out counts 0 beside others, and everything where it is alone. The mesh gives
no answer about a VirtualService unless its analysis is switched on; where it has complained about
exactly this generation, that is a refusal. Pure.

Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rollouts.jsontypes import dig, dig_list, dig_object, dig_text
from rollouts.reasons import Reason
from rollouts.resources import VIRTUAL_SERVICES
from rollouts.traffic import marks
from rollouts.traffic.interface import (
    Acceptance,
    AcceptanceState,
    ObjectReference,
    Permission,
    RouteView,
    TrafficError,
    TrafficIntent,
)
from rollouts.traffic.splitting import Backends, disagreement, most

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject

KIND = VIRTUAL_SERVICES.kind


class Istio:
    """See the module."""

    type = "Istio"
    resource = VIRTUAL_SERVICES
    permissions = (Permission(VIRTUAL_SERVICES.group, VIRTUAL_SERVICES.plural),)
    bypass = "clients outside the mesh that call the alias Service reach stable only"

    def configured(self, traffic: JsonObject) -> Istio:  # noqa: ARG002 - it has no options
        """Itself."""
        return self

    def achieved(self, intent: TrafficIntent) -> int:
        """What is asked."""
        return dict(intent.weights).get(intent.trial, 0)

    def reference(self, traffic: JsonObject, namespace: str) -> ObjectReference:
        """The VirtualService of `spec.traffic`. Raises TrafficError (SpecInvalid)."""
        return marks.named(traffic, ("istio", "virtualService"), VIRTUAL_SERVICES, namespace)

    def view(self, obj: JsonObject, services: frozenset[str]) -> RouteView:
        """What the VirtualService shows. Raises TrafficError: no route for us, or another's."""
        marks.refuse_if_anothers(obj, services, KIND)
        shares = [DESTINATIONS.shares(route, services, obj) for route in _routes(obj, services)]
        sequence, drift = marks.sequence(obj)
        return RouteView(
            sequence=sequence,
            weights=most(shares),
            accepted=_acceptance(obj),
            in_progress=marks.is_in_progress(obj),
            drift=drift or disagreement(shares),
        )

    def apply(self, obj: JsonObject, intent: TrafficIntent) -> JsonObject:
        """The VirtualService with the intent in it. Raises StaleIntent and TrafficError."""
        marks.refuse_if_newer(obj, intent, KIND)
        marks.refuse_if_anothers(obj, frozenset({intent.alias}), KIND)
        changed = copy.deepcopy(obj)
        for route in _routes(changed, intent.services):
            DESTINATIONS.rewrite(route, intent, changed)
        marks.stamp(changed, intent)
        return changed


def _routes(obj: JsonObject, services: frozenset[str]) -> list[JsonObject]:
    routes = DESTINATIONS.rules(dig_list(obj, "spec", "http"), services, obj)
    for route in routes:
        for destination in dig_list(route, "route"):
            subset = dig_text(destination, "destination", "subset")
            if subset and _service(destination, obj) in services:
                raise TrafficError(
                    Reason.SPEC_INVALID,
                    f"{marks.where(obj, KIND)} leads to the subset {subset!r:.80}; remove it from "
                    "the destination: every revision has a Service of its own",
                )
    return routes


def _acceptance(obj: JsonObject) -> Acceptance:
    generation = dig(obj, "metadata", "generation")
    if dig(obj, "status", "observedGeneration") in {generation, str(generation)}:
        for message in dig_list(obj, "status", "validationMessages"):
            if dig_text(message, "level").upper() == "ERROR":
                said = dig_text(message, "type", "name") or dig_text(message, "type", "code")
                return Acceptance(AcceptanceState.REFUSED, f"the mesh refuses it: {said:.200}")
    return Acceptance(AcceptanceState.ACCEPTED)


def _service(destination: object, obj: JsonObject) -> str | None:
    """The Service in the VirtualService's namespace that a destination's host names."""
    host = dig_text(destination, "destination", "host")
    name, _, rest = host.partition(".")
    namespace = dig_text(obj, "metadata", "namespace")
    here = rest in {"", namespace} or f"{rest}.".startswith(f"{namespace}.svc.")
    return name if name and here else None


def _weight(destination: JsonObject, all_of_it: Sequence[JsonObject]) -> int:
    weight = destination.get("weight")
    if isinstance(weight, int) and (weight or len(all_of_it) > 1):
        return weight
    return int(len(all_of_it) == 1)


def _like(destination: JsonObject, name: str) -> JsonObject:
    inner = dig_object(destination, "destination")
    _, dot, rest = dig_text(inner, "host").partition(".")
    return {**destination, "destination": {**inner, "host": f"{name}{dot}{rest}"}}


DESTINATIONS = Backends(KIND, "route", _service, _weight, _like)
ROUTER = Istio()
