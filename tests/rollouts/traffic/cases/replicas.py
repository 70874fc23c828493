"""Services that select the target's pods, all of them or one revision's."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st

from tests.rollouts.traffic.cases import ALIAS, NAMESPACE, OWNED, Case

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject

OURS_LABELS = ("holdpoint.dev/model-deployment", "holdpoint.dev/revision")
selectors: st.SearchStrategy[JsonObject] = st.one_of(
    st.just({OURS_LABELS[0]: ALIAS}),
    st.sampled_from(sorted(OWNED)).map(lambda name: {OURS_LABELS[1]: name}),
)
foreign: st.SearchStrategy[JsonObject] = st.sampled_from(
    [{}, {"app": "shop"}, {OURS_LABELS[0]: "shop"}, {OURS_LABELS[1]: "shop-11111111"}]
)


@st.composite
def services(draw: st.DrawFn, chosen: st.SearchStrategy[JsonObject]) -> JsonObject:
    metadata: JsonObject = {"name": "route", "namespace": NAMESPACE}
    if draw(st.booleans()):
        metadata |= {"labels": {"team": "risk"}, "annotations": {"note": "kept"}}
    extra = {"app": "model"} if draw(st.booleans()) else {}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"selector": {**draw(chosen), **extra}, "ports": [{"port": 80}]},
    }


def untouched(service: JsonObject) -> Any:
    """All but our part of the selector and our marks."""
    rest = copy.deepcopy(service)
    for label in OURS_LABELS:
        rest["spec"]["selector"].pop(label, None)
    for part in ("labels", "annotations"):
        kept = rest["metadata"].get(part, {})
        rest["metadata"][part] = {k: v for k, v in kept.items() if "holdpoint.dev/" not in k}
    return rest


CASE = Case(
    spec={"type": "Replicas", "replicas": {"service": "route"}},
    bad_specs=({}, {"replicas": {}}, {"replicas": {"service": ""}}, {"replicas": {"service": 1}}),
    objects=services(selectors),
    strangers=services(foreign),
    untouched=untouched,
)
