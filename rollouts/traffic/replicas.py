"""The `Replicas` router: no router at all, the number of ready pods is the weight.

    traffic:
      type: Replicas
      replicas: {service: lending-all}    # a Service of your own in the same namespace

The Service that clients call selects either one revision's pods or all pods of the target, and
Kubernetes then spreads connections evenly over them. So 25 % of 3 pods is not 25 %: the weight is
candidate's pods / all pods, and it is *rounded down*. Where the pods that there are would give the
candidate more than was asked, it gets nothing, and the view says what was reached and what would
help. Stable is never made smaller for it, so with n pods each side reaches 50 % at most.

The Service must not select a third revision: while pods of the previous one are kept warm, nothing
is shared (set `warmReplicas: 0` in the strategy). A selector cannot say "these two".

What was asked, what was reached and what was selected are recorded in an annotation; a selector
that is not the recorded one was changed by somebody. Pods that come and go later move the real
share without a write: this is a ratio of pods, not of requests, and long connections count once.
Pure; the sizes come with the intent.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING

from rollouts.jsontypes import dig_object
from rollouts.reasons import Reason
from rollouts.resources import SERVICES
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

KIND = SERVICES.kind
SPLIT_ANNOTATION = "holdpoint.dev/split"
# As in rollouts.revisions, which stands above this package.
TARGET_LABEL, REVISION_LABEL = "holdpoint.dev/model-deployment", "holdpoint.dev/revision"


class Replicas:
    """See the module."""

    type = "Replicas"
    resource = SERVICES
    permissions = (Permission(SERVICES.group, SERVICES.plural),)
    bypass = "clients that call the alias Service, and connections that stay open, reach stable"

    def configured(self, traffic: JsonObject) -> Replicas:  # noqa: ARG002 - it has no options
        """Itself."""
        return self

    def achieved(self, intent: TrafficIntent) -> int:
        """What the pods make of it: rounded down, 0 where they cannot keep below what is asked."""
        return _reach(intent)[0]

    def reference(self, traffic: JsonObject, namespace: str) -> ObjectReference:
        """The Service of `spec.traffic`. Raises TrafficError (SpecInvalid)."""
        return marks.named(traffic, ("replicas", "service"), SERVICES, namespace)

    def view(self, obj: JsonObject, services: frozenset[str]) -> RouteView:
        """What was asked of the Service, if it still selects what it did then. Raises TrafficError:
        it selects nothing of ours, or is another target's."""
        marks.refuse_if_anothers(obj, services, KIND)
        selector = _selector(obj, services)
        sequence, drift = marks.sequence(obj)
        split = _recorded(obj)
        weights, note = dig_object(split, "weights"), str(split.get("note", ""))
        if dig_object(split, "selector") != selector or not set(weights) <= services:
            alone = selector.get(REVISION_LABEL)
            weights, note = {alone: 100} if alone in services else dict.fromkeys(weights, 100), ""
            drift = drift or "the Service selects other pods than was last written"
        return RouteView(
            sequence=sequence,
            weights={name: int(weight) for name, weight in weights.items()},
            accepted=Acceptance(AcceptanceState.ACCEPTED),
            in_progress=marks.is_in_progress(obj),
            drift=drift,
            note=note,
        )

    def apply(self, obj: JsonObject, intent: TrafficIntent) -> JsonObject:
        """The Service with the intent in it. Raises StaleIntent and TrafficError."""
        marks.refuse_if_newer(obj, intent, KIND)
        marks.refuse_if_anothers(obj, frozenset({intent.alias}), KIND)
        before = _selector(obj, intent.services)
        changed = copy.deepcopy(obj)
        reached, note = _reach(intent)
        rest = {k: v for k, v in before.items() if k not in {TARGET_LABEL, REVISION_LABEL}}
        stable = next(name for name, weight in intent.weights if weight)
        ours = {TARGET_LABEL: intent.alias} if reached else {REVISION_LABEL: stable}
        changed["spec"]["selector"] = rest | ours
        marks.stamp(changed, intent)
        weights = {name: weight for name, weight in intent.weights if weight}
        split = {"weights": weights, "selector": rest | ours, "note": note}
        changed["metadata"]["annotations"][SPLIT_ANNOTATION] = json.dumps(split, sort_keys=True)
        # With it the controller sees what somebody does to the Service.
        changed["metadata"].setdefault("labels", {})[TARGET_LABEL] = intent.alias
        return changed


ROUTER = Replicas()


def _selector(obj: JsonObject, services: frozenset[str]) -> dict[str, str]:
    selector = dig_object(obj, "spec", "selector")
    was_ours = marks.annotation(obj, TARGET_ANNOTATION) is not None  # edited, and to be put back
    named = {selector.get(TARGET_LABEL), selector.get(REVISION_LABEL)}
    if was_ours or named & services:
        return selector
    raise TrafficError(
        Reason.ROUTE_MISSING,
        f"{marks.where(obj, KIND)} selects no pods of the target; its selector needs "
        f"{TARGET_LABEL}: NAME, with one of {', '.join(sorted(services))}",
    )


def _recorded(obj: JsonObject) -> JsonObject:
    text = marks.annotation(obj, SPLIT_ANNOTATION)
    try:
        split = json.loads(text) if isinstance(text, str) else {}
    except ValueError:
        return {}
    weights = dig_object(split, "weights")
    known = all(isinstance(weight, int) for weight in weights.values())
    return split if weights and known else {}


def _reach(intent: TrafficIntent) -> tuple[int, str]:
    """Per cent that reach the trial, and a sentence where they are not what was asked."""
    trial, asked = intent.trial, dict(intent.weights).get(intent.trial, 0)
    if not trial:
        return 0, ""
    here = {name for name, weight in intent.weights if weight}
    others = sorted(n for n, pods in intent.sizes.items() if pods and n not in here)
    if others:
        return 0, f"0 %: {', '.join(others)} still has pods; set warmReplicas: 0"
    pods = intent.sizes.get(trial, 0)
    total = sum(intent.sizes.get(name, 0) for name in here)
    if not pods or pods == total:
        return 0, "0 %: not both revisions have ready pods"
    if pods * 100 > asked * total:
        needed = -(-pods * (100 - asked) // asked)
        share = f"{pods} of {total} pods would be {pods * 100 // total} %"
        return 0, f"0 %: {share}; with {needed} pods of the stable revision it would be shared"
    reached = pods * 100 // total
    return reached, "" if pods * 100 == asked * total else f"{reached} %: {pods} of {total} pods"
