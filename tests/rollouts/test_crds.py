"""deploy/crds against the code that reads and writes the objects, both ways.

A field that the code writes and the schema lacks would be pruned by the API server, silently; one
that the schema has and the code never writes is a promise that nobody keeps.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollouts import kube, metrics, strategies, traffic
from rollouts.model import (
    DETAILS,
    TEMPLATE_FIELDS,
    Action,
    Aim,
    Cause,
    Entry,
    Extent,
    Gate,
    OnUndecided,
    Outcome,
    Phase,
    Rejected,
    RequestPhase,
    Revision,
    Start,
    Status,
    Verb,
    Weight,
    parse_spec,
    parse_status,
)
from rollouts.reasons import Reason
from rollouts.strategies import blue_green, canary, recreate, rolling

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
REVISION = Revision("a-1", "1", "x@sha256:1", "sha256:2", "c", 1)
OURS = (kube.MODEL_DEPLOYMENTS, kube.ROLLOUT_REQUESTS, kube.ROLLOUT_APPROVALS)


def crd(resource: kube.Resource) -> dict[str, Any]:
    loaded = yaml.safe_load((ROOT / "deploy/crds" / f"{resource.plural}.yaml").read_text())
    assert isinstance(loaded, dict)
    return loaded


def schema(resource: kube.Resource, *path: str) -> dict[str, Any]:
    found = crd(resource)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for name in path:
        found = found["items"] if name == "[]" else found["properties"][name]
    assert isinstance(found, dict)
    return found


def fields(found: dict[str, Any], at: str = "") -> set[str]:
    """Every field of a schema by its path; opaque objects end there."""
    paths: set[str] = set()
    for name, child in found.get("properties", {}).items():
        inner = child.get("items", child)
        paths |= {f"{at}{name}"} | fields(inner, f"{at}{name}.")
    return paths


def written(value: Any, at: str = "") -> set[str]:
    """Every field of a JSON object by its path."""
    if isinstance(value, list):
        return set().union(*(written(item, at) for item in value)) if value else set()
    if not isinstance(value, dict):
        return set()
    paths: set[str] = set()
    for name, child in value.items():
        paths |= {f"{at}{name}"} | written(child, f"{at}{name}.")
    return paths


def full_status() -> Status:
    counts = {"requests": 1, "errors": 0}
    return Status(
        phase=Phase.HOLDING,
        message="m",
        stable=REVISION,
        candidate=REVISION,
        previous=REVISION,
        rejected=(Rejected("a-1", "1", "x", Reason.CANDIDATE_WORSE, NOW),),
        served=("a-1",),
        weight=Weight(25, 25),
        paused=True,
        request="r",
        spec_hash="h",
        started_at=NOW,
        progressed_at=NOW,
        intent_at=NOW,
        cause=Cause(Reason.CANDIDATE_WORSE, "m"),
        analysis={
            "verdict": "fine",
            "reason": "CandidateFine",
            "message": "m",
            "logE": "1",
            "candidate": counts,
            "stable": counts,
            "moreRequests": 1,
            "updatedAt": "t",
            "checkpoint": {},
        },
        conditions=(
            {
                "type": "Available",
                "status": "True",
                "reason": "r",
                "message": "m",
                "observedGeneration": 1,
                "lastTransitionTime": "t",
            },
        ),
        history=(Entry(NOW, Action.STARTED, Reason.PROMOTED, "m", "a-1", 25, "r"),),
    )


def test_the_status_and_its_schema_have_the_same_fields() -> None:
    wanted = schema(kube.MODEL_DEPLOYMENTS, "status")
    assert written(full_status().to_json()) == fields(wanted)


def test_a_status_survives_being_written_and_read() -> None:
    status = full_status()
    assert parse_status(status.to_json()) == status


@pytest.mark.parametrize("resource", OURS)
def test_names_are_those_that_the_code_uses(resource: kube.Resource) -> None:
    spec = crd(resource)["spec"]
    assert (spec["group"], spec["scope"]) == (resource.group, "Namespaced")
    assert spec["names"]["plural"] == resource.plural
    assert spec["names"]["kind"] == resource.kind
    assert [version["name"] for version in spec["versions"]] == [resource.version]


@pytest.mark.parametrize(
    ("resource", "path", "kind"),
    [
        (kube.MODEL_DEPLOYMENTS, ("status", "phase"), Phase),
        (kube.MODEL_DEPLOYMENTS, ("status", "aim"), Aim),
        (kube.MODEL_DEPLOYMENTS, ("spec", "start"), Start),
        (kube.MODEL_DEPLOYMENTS, ("spec", "gates", "request"), Gate),
        (kube.MODEL_DEPLOYMENTS, ("spec", "analysis", "onUndecided"), OnUndecided),
        (kube.ROLLOUT_REQUESTS, ("spec", "verb"), Verb),
        (kube.ROLLOUT_REQUESTS, ("spec", "arguments", "to"), Extent),
        (kube.ROLLOUT_REQUESTS, ("status", "phase"), RequestPhase),
        (kube.ROLLOUT_REQUESTS, ("status", "outcome"), Outcome),
    ],
)
def test_enumerations_agree(resource: kube.Resource, path: tuple[str, ...], kind: Any) -> None:
    assert set(schema(resource, *path)["enum"]) == {str(member) for member in kind}


def test_the_fields_that_name_a_revision_exist() -> None:
    assert set(TEMPLATE_FIELDS) <= set(schema(kube.MODEL_DEPLOYMENTS, "spec")["properties"])


def test_nothing_that_names_a_revision_has_a_default() -> None:
    """Else a new default would rename, and so roll out, every revision on an upgrade."""

    def defaults(found: dict[str, Any]) -> bool:
        children = [*found.get("properties", {}).values(), found.get("items", {})]
        return "default" in found or any(defaults(child) for child in children if child)

    spec = schema(kube.MODEL_DEPLOYMENTS, "spec")["properties"]
    assert not [name for name in TEMPLATE_FIELDS if defaults(spec[name])]


def test_defaults_are_those_of_the_code() -> None:
    spec = schema(kube.MODEL_DEPLOYMENTS, "spec")["properties"]
    parsed = parse_spec({"image": f"a@sha256:{'0' * 64}"})
    assert spec["replicas"]["default"] == parsed.replicas
    assert spec["start"]["default"] == parsed.start
    assert spec["progressDeadlineSeconds"]["default"] == parsed.progress_deadline_s
    assert spec["revisionHistoryLimit"]["default"] == parsed.history_limit
    assert spec["strategy"]["properties"]["type"]["default"] == parsed.strategy
    assert spec["analysis"]["properties"]["onUndecided"]["default"] == parsed.on_undecided
    options = spec["strategy"]["properties"]["canary"]["properties"]
    assert options["bakeSeconds"]["default"] == canary.DEFAULT_BAKE_S
    assert options["warmReplicas"]["default"] == canary.DEFAULT_WARM_REPLICAS
    kinds = spec["strategy"]["properties"]
    green = kinds["blueGreen"]["properties"]
    assert green["bakeSeconds"]["default"] == blue_green.DEFAULT_BAKE_S
    assert green["warmReplicas"]["default"] == blue_green.DEFAULT_WARM_REPLICAS
    assert green["switch"]["default"] == blue_green.Settings().switch
    assert green["checks"]["items"]["properties"]["times"]["default"] == blue_green.DEFAULT_TIMES
    assert kinds["rolling"]["properties"]["soakSeconds"]["default"] == rolling.DEFAULT_SOAK_S
    assert kinds["rolling"]["properties"]["bakeSeconds"]["default"] == rolling.DEFAULT_BAKE_S
    assert kinds["recreate"]["properties"]["bakeSeconds"]["default"] == recreate.DEFAULT_BAKE_S
    steps = options["steps"]["items"]["properties"]
    assert steps["soakSeconds"]["default"] == canary.DEFAULT_SOAK_S


def test_what_a_catalogue_offers_is_open_in_the_schema() -> None:
    """A new strategy, router or provider is one file: the schema lets its options through."""
    spec = schema(kube.MODEL_DEPLOYMENTS, "spec")["properties"]
    for part in (spec["strategy"], spec["traffic"], spec["analysis"]["properties"]["metrics"]):
        assert part["x-kubernetes-preserve-unknown-fields"] is True
        assert "enum" not in part["properties"]["type"]
    typed = set(spec["strategy"]["properties"])
    assert {f"{name[0].lower()}{name[1:]}" for name in strategies.strategies()} <= typed
    assert traffic.routers()
    assert metrics.providers()


def test_an_approval_is_bound_to_what_the_rule_compares() -> None:
    assert set(schema(kube.ROLLOUT_APPROVALS, "spec", "bound")["properties"]) == set(DETAILS)
    verbs = schema(kube.ROLLOUT_APPROVALS, "spec", "bound", "verb")["enum"]
    assert set(verbs) < set(Verb)
    rules = str(schema(kube.ROLLOUT_REQUESTS, "spec")["x-kubernetes-validations"])
    assert str(verbs) in rules, "what may wait for approvals is what may be approved"


@pytest.mark.parametrize("resource", OURS)
def test_every_field_of_a_spec_is_explained_or_plain(resource: kube.Resource) -> None:
    top = schema(resource, "spec")["properties"]
    silent = {name for name, child in top.items() if not child.get("description")}
    assert silent <= {"verb", "analysis", "requestedBy", "approvedBy", "request", "source"}, silent


def test_the_page_about_strategies_has_every_option_and_every_verb() -> None:
    text = (ROOT / "docs/reference/strategies.md").read_text()
    listed = sorted(re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE))
    listed.remove("verb")
    kinds = schema(kube.MODEL_DEPLOYMENTS, "spec", "strategy")["properties"]
    options = [option for kind in kinds.values() for option in kind.get("properties", {})]
    assert listed == sorted([*options, *Verb])


def test_every_number_of_the_analysis_can_be_given() -> None:
    """What the schema lacks, the API server would take away without a word."""
    spec = schema(kube.MODEL_DEPLOYMENTS, "spec", "analysis")["properties"]
    source = "".join((ROOT / "rollouts/analysis/settings.py").read_text().split())
    sections = {"tolerance": "tolerance", "limits": "limits", '_section(spec,"limits")': "limits"}
    asked = re.findall(r'_number\((tolerance|limits|_section\(spec,"limits"\)),"(\w+)"\)', source)
    assert len(asked) >= 8
    missing = [n for where, n in asked if n not in spec[sections[where]]["properties"]]
    assert not missing


KEYWORDS = frozenset(
    [
        "type",
        "description",
        "properties",
        "items",
        "required",
        "enum",
        "default",
        "pattern",
        "format",
        "nullable",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
        "additionalProperties",
        "oneOf",
        "anyOf",
        "allOf",
        "not",
    ]
)


def unknown_keywords(found: Any, at: str = "") -> list[str]:
    """Where a schema holds what the API server does not know: a comma in a description that was
    not quoted makes a key of the rest, and the server then refuses the whole file."""
    if not isinstance(found, dict):
        return []
    odd = [f"{at}: {key}" for key in found if not (key in KEYWORDS or key.startswith("x-kub"))]
    children = [(f"{at}.{name}", child) for name, child in found.get("properties", {}).items()]
    children += [(f"{at}[]", found.get("items")), (f"{at}{{}}", found.get("additionalProperties"))]
    return odd + [odd for name, child in children for odd in unknown_keywords(child, name)]


@pytest.mark.parametrize("resource", OURS)
def test_a_schema_holds_nothing_that_the_api_server_does_not_know(resource: kube.Resource) -> None:
    whole = crd(resource)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert unknown_keywords(whole) == []
