"""HTTPRoutes as people write them: several rules, header matches, filters, other Services."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st

from tests.rollouts.traffic.cases import ALIAS, NAMESPACE, OWNED, Case

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject

OURS = sorted(OWNED | {ALIAS})
FOREIGN = ["shop", "lending-docs", "lendin"]
WEIGHTS = st.integers(1, 1000)

extras: st.SearchStrategy[JsonObject] = st.fixed_dictionaries(
    {"port": st.integers(1, 65535)},
    optional={
        "kind": st.just("Service"),
        "group": st.just(""),
        "filters": st.just(
            [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["x"]}}]
        ),
    },
)
rule_extras: st.SearchStrategy[JsonObject] = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["main", "beta"]),
        "matches": st.sampled_from(
            [
                [{"path": {"type": "PathPrefix", "value": "/predict"}}],
                [{"headers": [{"name": "x-canary", "value": "always"}]}],
            ]
        ),
        "timeouts": st.just({"request": "3s"}),
        "filters": st.just(
            [{"type": "RequestMirror", "requestMirror": {"backendRef": {"name": ALIAS}}}]
        ),
    },
)


@st.composite
def backends(draw: st.DrawFn, names: list[str], *, distinct: bool = True) -> list[JsonObject]:
    """backendRefs to some of the Services, with or without a weight of more than 0."""
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=distinct))
    refs = []
    for name in chosen:
        ref = {"name": name, **draw(extras)}
        if draw(st.booleans()):
            ref["weight"] = draw(WEIGHTS)
        refs.append(ref)
    return refs


@st.composite
def look_alikes(draw: st.DrawFn) -> list[JsonObject]:
    """backendRefs that have our names and are not ours: another kind, group or namespace."""
    other = draw(
        st.sampled_from(
            [{"kind": "ServiceImport"}, {"group": "example.com"}, {"namespace": "elsewhere"}]
        )
    )
    return [{"name": ALIAS, "port": 80, **other}]


@st.composite
def rules(draw: st.DrawFn, *, target: bool) -> JsonObject:
    """One rule, of the target's (perhaps shared with others) or of somebody else's."""
    theirs = st.one_of(backends(FOREIGN), look_alikes())
    if not target:
        return {**draw(rule_extras), "backendRefs": draw(st.one_of(theirs, st.just([])))}
    refs = draw(backends(OURS, distinct=draw(st.booleans())))
    shared = draw(theirs) if draw(st.booleans()) else []
    return {**draw(rule_extras), "backendRefs": draw(st.permutations([*refs, *shared]))}


@st.composite
def routes(draw: st.DrawFn, *, target: bool) -> JsonObject:
    """A whole HTTPRoute."""
    lines = draw(st.lists(rules(target=False), max_size=2))
    if target:
        lines += draw(st.lists(rules(target=True), min_size=1, max_size=3))
    metadata: JsonObject = {"name": "route", "namespace": NAMESPACE, "generation": 4}
    if draw(st.booleans()):
        metadata["labels"] = {"team": "risk"}
        metadata["annotations"] = {"note": "kept"}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": metadata,
        "spec": {
            "parentRefs": [{"name": "gateway"}],
            "hostnames": ["lending.example"],
            "rules": draw(st.permutations(lines)),
        },
        "status": {"parents": []},
    }


def is_ours(ref: JsonObject) -> bool:
    """True for a backendRef to one of the target's Services."""
    return (
        ref["name"] in OURS
        and ref.get("kind", "Service") == "Service"
        and not ref.get("group")
        and ref.get("namespace", NAMESPACE) == NAMESPACE
    )


def untouched(route: JsonObject) -> Any:
    """The route without our backendRefs, our annotations and label, and theirs' weights' scale."""
    rest = copy.deepcopy(route)
    for rule in rest["spec"]["rules"]:
        theirs = [ref for ref in rule["backendRefs"] if not is_ours(ref)]
        if len(theirs) < len(rule["backendRefs"]):  # shared: only the proportion is to stay
            for ref in theirs:
                ref.pop("weight", None)
        rule["backendRefs"] = theirs
    for part in ("labels", "annotations"):
        kept = rest["metadata"].get(part, {})
        rest["metadata"][part] = {k: v for k, v in kept.items() if "holdpoint.dev/" not in k}
    return rest


CASE = Case(
    spec={"type": "GatewayAPI", "gatewayAPI": {"httpRoute": "route"}},
    bad_specs=(
        {},
        {"gatewayAPI": {}},
        {"gatewayAPI": {"httpRoute": ""}},
        {"gatewayAPI": {"httpRoute": "../x"}},
        {"gatewayAPI": {"httpRoute": "a/b"}},
        {"gatewayAPI": {"httpRoute": 5}},
        {"gatewayAPI": {"httpRoute": "x" * 254}},
        {"gatewayAPI": "route"},
    ),
    objects=routes(target=True),
    strangers=routes(target=False),
    untouched=untouched,
)
