"""The `GatewayAPI` router: weights in the backendRefs of an HTTPRoute.

    traffic:
      type: GatewayAPI
      gatewayAPI:
        httpRoute: lending                          # in the ModelDeployment's namespace
        header: {name: x-canary, value: always}     # optional; see `side_rules`
        mirror: {percent: 10}                       # optional; see `side_rules`

Every rule that names the target's alias Service or one of its revisions' Services is the target's,
whatever it matches on (path, header): each gets the same weights. Other rules, matches, filters and
everything else on the object stay as they are, and so do the port, the filters and other fields of
a backendRef; a Service that is new in a rule copies them from the one beside it.

A Service at 0 % is left out instead of kept with weight 0: the gateway then holds no connection, no
sticky session and no unresolved reference to it, so an abort cannot be refused because of the very
revision that it takes away. Going from 0 to n % needs ready endpoints first, which is the engine's
part.

Source: https://gateway-api.sigs.k8s.io/reference/spec/ (HTTPRoute v1). Found by the catalogue; it
deliberately reads and writes nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rollouts.jsontypes import dig_list, dig_object, dig_text
from rollouts.resources import HTTP_ROUTES
from rollouts.traffic import marks, side_rules
from rollouts.traffic.gateway_status import acceptance
from rollouts.traffic.interface import (
    TARGET_ANNOTATION,
    ObjectReference,
    Permission,
    RouteView,
    TrafficIntent,
)
from rollouts.traffic.splitting import Backends, disagreement, most

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject

KIND = HTTP_ROUTES.kind


@dataclass(frozen=True)
class GatewayApi:
    """See the module."""

    options: side_rules.Options = field(default_factory=side_rules.Options)

    type = "GatewayAPI"
    resource = HTTP_ROUTES
    permissions = (Permission(HTTP_ROUTES.group, HTTP_ROUTES.plural),)
    bypass = "clients inside the cluster that call the alias Service reach stable only"

    def configured(self, traffic: JsonObject) -> GatewayApi:
        """With `header` and `mirror`. Raises TrafficError (SpecInvalid)."""
        return replace(self, options=side_rules.Options.of(dig_object(traffic, "gatewayAPI")))

    def achieved(self, intent: TrafficIntent) -> int:
        """What is asked."""
        return dict(intent.weights).get(intent.trial, 0)

    def reference(self, traffic: JsonObject, namespace: str) -> ObjectReference:
        """The HTTPRoute of `spec.traffic`. Raises TrafficError (SpecInvalid)."""
        return marks.named(traffic, ("gatewayAPI", "httpRoute"), HTTP_ROUTES, namespace)

    def view(self, obj: JsonObject, services: frozenset[str]) -> RouteView:
        """What the route shows. Raises TrafficError: no rule for us, or another's route."""
        marks.refuse_if_anothers(obj, services, KIND)
        revisions = services - {str(marks.annotation(obj, TARGET_ANNOTATION))}
        route = side_rules.bare(obj, _marked(obj, revisions))
        rules = BACKENDS.rules(dig_list(route, "spec", "rules"), services, route)
        shares = [BACKENDS.shares(rule, services, route) for rule in rules]
        sequence, drift = marks.sequence(obj)
        beside, strange = self._beside(obj, services, revisions)
        return RouteView(
            sequence=sequence,
            weights=most(shares),
            accepted=acceptance(obj),
            in_progress=marks.is_in_progress(obj),
            drift=drift or disagreement(shares) or strange,
            beside=beside,
        )

    def apply(self, obj: JsonObject, intent: TrafficIntent) -> JsonObject:
        """The route with the intent in it. Raises StaleIntent and TrafficError."""
        marks.refuse_if_newer(obj, intent, KIND)
        marks.refuse_if_anothers(obj, frozenset({intent.alias}), KIND)
        changed = side_rules.bare(obj, _marked(obj, intent.services - {intent.alias}))
        rules = BACKENDS.rules(dig_list(changed, "spec", "rules"), intent.services, changed)
        for rule in rules:
            BACKENDS.rewrite(rule, intent, changed)
        if intent.trial:
            self._add(changed, rules, intent.trial, intent.services)
        marks.stamp(changed, intent)
        return changed

    def _add(
        self, route: JsonObject, rules: list[JsonObject], trial: str, services: frozenset[str]
    ) -> None:
        def backend(rule: JsonObject) -> JsonObject:
            like = BACKENDS.like(BACKENDS.first_of(rule, services, route), trial)
            return {key: value for key, value in like.items() if key != "weight"}

        side_rules.add(route, rules, self.options, backend)

    def _beside(
        self, obj: JsonObject, services: frozenset[str], revisions: frozenset[str]
    ) -> tuple[dict[str, str], str]:
        """Where header and mirror lead, and why they show no intent where they show none."""
        shown = side_rules.shown(obj, _marked(obj, revisions))
        wanted = {"header": self.options.header, "mirror": self.options.mirror}
        beside = {what: next(iter(shown[what]), "") for what in wanted if wanted[what]}
        for what, leads in shown.items():
            if len(leads) > 1 or (leads and not wanted[what]):
                return beside, f"the route's {what} leads to {', '.join(sorted(leads))}"
        trial = max(beside.values(), default="")
        if trial:
            route = side_rules.bare(obj, revisions)
            rules = BACKENDS.rules(dig_list(route, "spec", "rules"), services, route)
            self._add(route, rules, trial, services)
            if route["spec"]["rules"] != obj["spec"]["rules"]:
                return beside, "the route's rules for a header or a mirror were changed"
        return beside, ""


def _marked(obj: JsonObject, revisions: frozenset[str]) -> frozenset[str]:
    """Whose mirrors are ours: none before the route was ours at all."""
    return revisions if marks.annotation(obj, TARGET_ANNOTATION) is not None else frozenset()


def _service(ref: object, obj: JsonObject) -> str | None:
    namespace = dig_text(obj, "metadata", "namespace")
    ours = (
        isinstance(ref, dict)
        and ref.get("kind", "Service") == "Service"
        and not ref.get("group")
        and ref.get("namespace", namespace) == namespace
    )
    return dig_text(ref, "name") if ours else None


def _weight(ref: JsonObject, _: Sequence[JsonObject]) -> int:
    weight = ref.get("weight")
    return weight if isinstance(weight, int) else 1  # the API's default


def _like(ref: JsonObject, name: str) -> JsonObject:
    return {**ref, "name": name}


BACKENDS = Backends(KIND, "backendRefs", _service, _weight, _like)
ROUTER = GatewayApi()
