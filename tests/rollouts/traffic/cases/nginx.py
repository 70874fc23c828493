"""Canary Ingresses as people write them: several hosts and paths, header and cookie annotations."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st

from rollouts.traffic.nginx import CANARY, PREFIX, TOTAL, WEIGHT
from tests.rollouts.traffic.cases import ALIAS, NAMESPACE, OWNED, Case

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject

OURS = sorted(OWNED | {ALIAS})
extra_annotations: st.SearchStrategy[JsonObject] = st.fixed_dictionaries(
    {},
    optional={
        WEIGHT: st.integers(0, 100).map(str),
        TOTAL: st.sampled_from(["100", "1000"]),
        f"{PREFIX}canary-by-header": st.just("x-canary"),
        f"{PREFIX}canary-by-cookie": st.just("canary"),
        "note": st.just("kept"),
    },
)


@st.composite
def paths(draw: st.DrawFn, names: list[str]) -> JsonObject:
    port = draw(st.sampled_from([{"number": 8080}, {"name": "http"}]))
    return {
        "path": draw(st.sampled_from(["/", "/predict"])),
        "pathType": "Prefix",
        "backend": {"service": {"name": draw(st.sampled_from(names)), "port": port}},
    }


@st.composite
def ingresses(draw: st.DrawFn, *, target: bool) -> JsonObject:
    theirs = st.lists(paths(["shop", "lendin"]), max_size=2)
    lines = draw(theirs)
    is_canary = True
    if target:
        lines += draw(st.lists(paths(OURS), min_size=1, max_size=3))
    elif draw(st.booleans()):  # the main Ingress, named by mistake
        lines, is_canary = draw(st.lists(paths(OURS), min_size=1, max_size=3)), False
    annotations = draw(extra_annotations) | ({CANARY: "true"} if is_canary else {})
    metadata: JsonObject = {"name": "route", "namespace": NAMESPACE, "annotations": annotations}
    if draw(st.booleans()):
        metadata["labels"] = {"team": "risk"}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata,
        "spec": {
            "ingressClassName": "nginx",
            "rules": [
                {"host": "lending.example", "http": {"paths": draw(st.permutations(lines))}},
                {"host": "empty.example"},
            ],
        },
    }


def untouched(ingress: JsonObject) -> Any:
    """All but the names of our backends, the weight, and our marks."""
    rest = copy.deepcopy(ingress)
    for path in rest["spec"]["rules"][0]["http"]["paths"]:
        if path["backend"]["service"]["name"] in OURS:
            path["backend"]["service"]["name"] = "ours"
    for part in ("labels", "annotations"):
        kept = rest["metadata"].get(part, {})
        skip = {WEIGHT, TOTAL}
        rest["metadata"][part] = {
            k: v for k, v in kept.items() if "holdpoint.dev/" not in k and k not in skip
        }
    return rest


CASE = Case(
    spec={"type": "NGINX", "nginx": {"canaryIngress": "route"}},
    bad_specs=(
        {},
        {"nginx": {}},
        {"nginx": {"canaryIngress": ""}},
        {"nginx": {"canaryIngress": "a/b"}},
        {"nginx": {"canaryIngress": ["route"]}},
    ),
    objects=ingresses(target=True),
    strangers=ingresses(target=False),
    untouched=untouched,
)
