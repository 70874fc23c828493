"""VirtualServices as people write them: header routes, mirrors, others' hosts, shared routes."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st

from tests.rollouts.traffic.cases import ALIAS, NAMESPACE, OWNED, Case

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject

OURS = sorted(OWNED | {ALIAS})
SUFFIXES = ["", f".{NAMESPACE}", f".{NAMESPACE}.svc", f".{NAMESPACE}.svc.cluster.local"]
FOREIGN = [
    "shop",
    f"{ALIAS}.elsewhere",
    f"{ALIAS}.{NAMESPACE}.svcs",
    "lending.example.com",
    ALIAS[1:],
]

extras: st.SearchStrategy[JsonObject] = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["main", "beta"]),
        "match": st.sampled_from(
            [[{"uri": {"prefix": "/predict"}}], [{"headers": {"x-canary": {"exact": "always"}}}]]
        ),
        "timeout": st.just("3s"),
        "retries": st.just({"attempts": 2}),
        "mirror": st.just({"host": "shadow"}),
    },
)


@st.composite
def destinations(draw: st.DrawFn, hosts: list[str], suffixes: list[str]) -> list[JsonObject]:
    chosen = draw(st.lists(st.sampled_from(hosts), min_size=1, max_size=3, unique=True))
    refs = []
    for host in chosen:
        destination: JsonObject = {"host": host + draw(st.sampled_from(suffixes))}
        if draw(st.booleans()):
            destination["port"] = {"number": 8080}
        refs.append({"destination": destination, "weight": draw(st.integers(1, 100))})
        if draw(st.booleans()):
            refs[-1]["headers"] = {"request": {"remove": ["x"]}}
    if len(refs) == 1 and draw(st.booleans()):
        del refs[0]["weight"]
    return refs


@st.composite
def routes(draw: st.DrawFn, *, target: bool) -> JsonObject:
    theirs = destinations(FOREIGN, [""])
    if not target:
        return {**draw(extras), "route": draw(st.one_of(theirs, st.just([])))}
    refs = draw(destinations(OURS, SUFFIXES))
    shared = draw(theirs) if draw(st.booleans()) else []
    for ref in [*refs, *shared] if shared else []:
        ref.setdefault("weight", 50)
    return {**draw(extras), "route": draw(st.permutations([*refs, *shared]))}


@st.composite
def virtual_services(draw: st.DrawFn, *, target: bool) -> JsonObject:
    lines = draw(st.lists(routes(target=False), max_size=2))
    if target:
        lines += draw(st.lists(routes(target=True), min_size=1, max_size=3))
    metadata: JsonObject = {"name": "route", "namespace": NAMESPACE, "generation": 4}
    if draw(st.booleans()):
        metadata |= {"labels": {"team": "risk"}, "annotations": {"note": "kept"}}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": metadata,
        "spec": {
            "hosts": ["lending.example"],
            "gateways": ["mesh"],
            "tcp": [{"route": [{"destination": {"host": ALIAS}}]}],
            "http": draw(st.permutations(lines)),
        },
    }


def is_ours(ref: JsonObject) -> bool:
    host = ref["destination"]["host"]
    return any(host == name + suffix for name in OURS for suffix in SUFFIXES)


def untouched(route: JsonObject) -> Any:
    """All but our destinations and marks, and the scale of theirs' weights where shared."""
    rest = copy.deepcopy(route)
    for rule in rest["spec"]["http"]:
        theirs = [ref for ref in rule["route"] if not is_ours(ref)]
        if len(theirs) < len(rule["route"]):
            for ref in theirs:
                ref.pop("weight", None)
        rule["route"] = theirs
    for part in ("labels", "annotations"):
        kept = rest["metadata"].get(part, {})
        rest["metadata"][part] = {k: v for k, v in kept.items() if "holdpoint.dev/" not in k}
    return rest


CASE = Case(
    spec={"type": "Istio", "istio": {"virtualService": "route"}},
    bad_specs=(
        {},
        {"istio": {}},
        {"istio": {"virtualService": ""}},
        {"istio": {"virtualService": "../x"}},
        {"istio": {"virtualService": 5}},
        {"gatewayAPI": {"httpRoute": "route"}},
    ),
    objects=virtual_services(target=True),
    strangers=virtual_services(target=False),
    untouched=untouched,
)
