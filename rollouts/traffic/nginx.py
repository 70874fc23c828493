"""The `NGINX` router: the weight annotation of a canary Ingress beside the main one.

    traffic:
      type: NGINX
      nginx: {canaryIngress: lending-canary}    # in the ModelDeployment's namespace

Two Ingresses with the same host, path and class: the main one leads to the alias Service and is
never written; the canary one has `nginx.ingress.kubernetes.io/canary: "true"`, and is ours. What it
does not take goes to the alias Service, which selects the stable revision:
- stable 75, candidate 25: the canary Ingress leads to the candidate with `canary-weight: "25"`;
- one revision has everything: it leads to that one with `canary-weight: "100"`. So a rollback is
  one write whatever the alias selects, and nothing, no header either, leads to the other one.

`canary-by-header`, `canary-by-header-value`, `canary-by-header-pattern` and `canary-by-cookie` stay
as a person wrote them; the controller asks them before the weight (header, cookie, weight), so they
lead testers to the candidate. One canary Ingress for a rule is all that the controller allows.

An Ingress has no answer that says a weight is in force; what is read back is the object. Who is
behind the main Ingress is recorded in an annotation, because the canary one cannot show it. The
NGINX Ingress controller is retired: new installations are better off with the Gateway API. Pure.

Source: https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary
"""

from __future__ import annotations

import copy
import math
from fractions import Fraction
from typing import TYPE_CHECKING

from rollouts.jsontypes import dig_list, dig_object, dig_text
from rollouts.reasons import Reason
from rollouts.resources import INGRESSES
from rollouts.traffic import marks
from rollouts.traffic.interface import (
    TARGET_ANNOTATION,
    Acceptance,
    AcceptanceState,
    ObjectReference,
    Permission,
    RouteView,
    TrafficError,
    TrafficIntent,
)

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject

KIND = INGRESSES.kind
PREFIX = "nginx.ingress.kubernetes.io/"
CANARY, WEIGHT, TOTAL = f"{PREFIX}canary", f"{PREFIX}canary-weight", f"{PREFIX}canary-weight-total"
REST_ANNOTATION = "holdpoint.dev/rest"  # the Service that is to be behind the main Ingress


class Nginx:
    """See the module."""

    type = "NGINX"
    resource = INGRESSES
    permissions = (Permission(INGRESSES.group, INGRESSES.plural),)
    bypass = "clients that call the alias Service, and Ingresses without a canary, reach stable"

    def configured(self, traffic: JsonObject) -> Nginx:  # noqa: ARG002 - it has no options
        """Itself."""
        return self

    def achieved(self, intent: TrafficIntent) -> int:
        """What is asked."""
        return dict(intent.weights).get(intent.trial, 0)

    def reference(self, traffic: JsonObject, namespace: str) -> ObjectReference:
        """The canary Ingress of `spec.traffic`. Raises TrafficError (SpecInvalid)."""
        return marks.named(traffic, ("nginx", "canaryIngress"), INGRESSES, namespace)

    def view(self, obj: JsonObject, services: frozenset[str]) -> RouteView:
        """What the canary Ingress shows. Raises TrafficError: not ours, or no canary at all."""
        marks.refuse_if_anothers(obj, services, KIND)
        backends = _backends(obj, services)
        names = sorted({dig_text(backend, "name") for backend in backends})
        share, wrong = _share(obj)
        sequence, drift = marks.sequence(obj)
        rest = marks.annotation(obj, REST_ANNOTATION)
        weights = {name: math.ceil(share) for name in names if share}
        if share < 100 and isinstance(rest, str) and rest in services:
            weights[rest] = max(weights.get(rest, 0), math.ceil(100 - share))
        elif share < 100:
            wrong = wrong or "the Ingress does not say who is behind the main one"
        if len(names) > 1:
            wrong = "the Ingress leads to several of the target's Services"
        return RouteView(
            sequence=sequence,
            weights=weights,
            accepted=Acceptance(AcceptanceState.ACCEPTED),
            in_progress=marks.is_in_progress(obj),
            drift=drift or wrong,
        )

    def apply(self, obj: JsonObject, intent: TrafficIntent) -> JsonObject:
        """The canary Ingress with the intent in it. Raises StaleIntent and TrafficError."""
        marks.refuse_if_newer(obj, intent, KIND)
        marks.refuse_if_anothers(obj, frozenset({intent.alias}), KIND)
        changed = copy.deepcopy(obj)
        shown = [(name, weight) for name, weight in intent.weights if weight]
        if len(shown) > 2:
            raise TrafficError(
                Reason.SPEC_INVALID, "a canary Ingress splits traffic between two revisions only"
            )
        name, weight = shown[-1]
        for backend in _backends(changed, intent.services):
            backend["name"] = name
        marks.stamp(changed, intent)
        annotations = changed["metadata"]["annotations"]
        annotations |= {CANARY: "true", WEIGHT: str(weight)}
        annotations.pop(REST_ANNOTATION, None)
        annotations.pop(TOTAL, None)
        if len(shown) == 2:
            annotations[REST_ANNOTATION] = shown[0][0]
        return changed


ROUTER = Nginx()


def _backends(obj: JsonObject, services: frozenset[str]) -> list[JsonObject]:
    """The target's backends, to be changed in place. Raises TrafficError (RouteMissing).

    An Ingress that is no canary is the main one named by mistake, unless it was ours before.
    """
    paths = [
        path for rule in dig_list(obj, "spec", "rules") for path in dig_list(rule, "http", "paths")
    ]
    found = [dig_object(path, "backend", "service") for path in paths]
    ours = [backend for backend in found if dig_text(backend, "name") in services]
    is_canary = marks.annotation(obj, CANARY) == "true"
    if ours and (is_canary or marks.annotation(obj, TARGET_ANNOTATION) is not None):
        return ours
    raise TrafficError(
        Reason.ROUTE_MISSING,
        f"{marks.where(obj, KIND)} is no canary Ingress of the target; it needs the annotation "
        f'{CANARY}: "true" and a path that leads to one of {", ".join(sorted(services))}',
    )


def _share(obj: JsonObject) -> tuple[Fraction, str]:
    """Per cent that the canary Ingress takes, and what is wrong with it."""
    if marks.annotation(obj, CANARY) != "true":
        return Fraction(0), f"the annotation {CANARY} was taken away"
    weight, total = (marks.annotation(obj, name) for name in (WEIGHT, TOTAL))
    part, whole = _number(weight, 0), _number(total, 100)
    if part is None or not whole or part > whole:
        # What the gateway makes of it is unknown: it may take everything.
        return Fraction(100), f"canary-weight is {weight!r:.40} of {total or '100'!r:.40}"
    share = Fraction(100 * part, whole)
    return share, "" if share.denominator == 1 else "the canary's weight is no whole per cent"


def _number(text: object, default: int) -> int | None:
    if text is None:
        return default
    plain = isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 10
    return int(str(text)) if plain else None
