"""Traffic besides the weights in an HTTPRoute: requests with a header, and mirrored ones.

Used by the `GatewayAPI` router. While the candidate shares the traffic with stable,
- `header: {name, value}` adds, for every rule of the target, one that matches the same *and* the
  header, and leads to the candidate alone: testers reach it whatever the weight;
- `mirror: {percent}` adds a RequestMirror filter to every rule of the target: the candidate also
  gets a copy of that many requests, whose answers nobody sees. Its metrics then count them. A
  gateway that knows no such filter answers the whole rule with errors: it is for the person who
  writes the spec to know theirs.

Ours are told from a person's own by their names (the rules) and by where they lead (the mirrors:
to a revision's Service). Both go away with the weight, so that "0 %" leaves no way in. Pure.

Source: https://gateway-api.sigs.k8s.io/reference/spec/ (HTTPRouteRule, HTTPRequestMirrorFilter).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollouts.jsontypes import dig, dig_list, dig_object, dig_text
from rollouts.reasons import Reason
from rollouts.traffic.interface import TrafficError

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject

NAME = "holdpoint-header-"
MOST_RULES, MOST_MATCHES = 16, 64  # of one HTTPRoute, of one rule
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")
_VALUE = re.compile(r"[\x20-\x7e]{1,4096}")


@dataclass(frozen=True)
class Options:
    """What `spec.traffic.gatewayAPI` asks for: a header (name, value), per cent to mirror."""

    header: tuple[str, str] | None = None
    mirror: int | None = None

    @classmethod
    def of(cls, spec: JsonObject) -> Options:
        """Raises TrafficError (SpecInvalid)."""
        header, mirror = spec.get("header"), spec.get("mirror")
        return cls(
            header=None if header is None else _header(header),
            mirror=None if mirror is None else _percent(mirror),
        )


def _header(value: object) -> tuple[str, str]:
    name, text = dig_text(value, "name"), dig_text(value, "value")
    if not _HEADER.fullmatch(name) or not _VALUE.fullmatch(text):
        raise _invalid("header must be {name, value} of an HTTP header", value)
    return name, text


def _percent(value: object) -> int:
    percent = dig(value, "percent")
    if not isinstance(percent, int) or isinstance(percent, bool) or not 1 <= percent <= 100:
        raise _invalid("mirror must be {percent: 1..100}", value)
    return percent


def _invalid(what: str, value: object) -> TrafficError:
    sentence = f"spec.traffic.gatewayAPI.{what}, this is {value!r:.80}"
    return TrafficError(Reason.SPEC_INVALID, sentence)


def bare(obj: JsonObject, revisions: frozenset[str]) -> JsonObject:
    """A copy of the route without anything of ours besides the weights."""
    copied = copy.deepcopy(obj)
    rules = [rule for rule in dig_list(copied, "spec", "rules") if not _is_header_rule(rule)]
    for rule in rules:
        filters = dig_list(rule, "filters")
        kept = [one for one in filters if _mirrored(one) not in revisions]
        if len(kept) < len(filters):
            rule["filters"] = kept
            if not kept:
                del rule["filters"]
    if "rules" in dig_object(copied, "spec"):
        copied["spec"]["rules"] = rules
    return copied


def add(
    route: JsonObject,
    target_rules: list[JsonObject],
    options: Options,
    backend: Callable[[JsonObject], JsonObject],
) -> None:
    """Adds what the options ask for to a bare route, in place. Raises TrafficError.

    `target_rules`: those of its rules that are the target's. `backend(rule)`: the candidate as a
    backend of that rule, without a weight.
    """
    if options.header:
        derived = [
            _with_header(number, rule, options.header, backend(rule))
            for number, rule in enumerate(target_rules)
        ]
        route["spec"]["rules"] = [*derived, *route["spec"]["rules"]]
        _refuse_if_too_many(route)
    if options.mirror:
        for rule in target_rules:
            plain = {key: value for key, value in backend(rule).items() if key != "filters"}
            mirror = {"backendRef": plain, "percent": options.mirror}
            filters = [*dig_list(rule, "filters"), {"type": "RequestMirror", **_mirror(mirror)}]
            rule["filters"] = filters


def shown(obj: JsonObject, revisions: frozenset[str]) -> dict[str, set[str]]:
    """Where header rules and mirrors of ours lead."""
    rules = dig_list(obj, "spec", "rules")
    headers = {
        dig_text(ref, "name")
        for rule in rules
        if _is_header_rule(rule)
        for ref in dig_list(rule, "backendRefs")
    }
    filters = [one for rule in rules for one in dig_list(rule, "filters")]
    return {"header": headers, "mirror": {_mirrored(one) for one in filters} & revisions}


def _mirror(mirror: JsonObject) -> JsonObject:
    return {"requestMirror": mirror}


def _is_header_rule(rule: JsonObject) -> bool:
    return dig_text(rule, "name").startswith(NAME)


def _mirrored(one: JsonObject) -> str:
    return dig_text(one, "requestMirror", "backendRef", "name")


def _with_header(
    number: int, rule: JsonObject, header: tuple[str, str], backend: JsonObject
) -> JsonObject:
    extra = {"type": "Exact", "name": header[0], "value": header[1]}
    matches = dig_list(rule, "matches") or [{"path": {"type": "PathPrefix", "value": "/"}}]
    return {
        **copy.deepcopy(rule),
        "name": f"{NAME}{number}",
        "matches": [
            {**copy.deepcopy(match), "headers": [*dig_list(match, "headers"), extra]}
            for match in matches
        ],
        "backendRefs": [{**backend, "weight": 1}],
    }


def _refuse_if_too_many(route: JsonObject) -> None:
    rules = dig_list(route, "spec", "rules")
    if (
        len(rules) > MOST_RULES
        or sum(len(dig_list(r, "matches")) for r in rules) > 2 * MOST_MATCHES
    ):
        raise TrafficError(
            Reason.SPEC_INVALID,
            f"spec.traffic.gatewayAPI.header needs a second rule beside each of the target's, and "
            f"an HTTPRoute holds at most {MOST_RULES} with {2 * MOST_MATCHES} matches; split it",
        )
