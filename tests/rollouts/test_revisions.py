"""Revisions: what names them, and what their objects must and must not hold."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts import revisions
from rollouts.model import parse_deployment, parse_request, parse_spec
from tests.rollouts.simulated.world import digest, image, model_deployment, request

OWNER = parse_deployment(
    {**model_deployment(), "metadata": {"name": "lending", "namespace": "prod", "uid": "u1"}}
)


def name_with(**spec: Any) -> str:
    parsed = parse_spec(model_deployment(**spec)["spec"])
    return revisions.revision_of("lending", revisions.template_inputs(parsed)).name


def built(inputs: dict[str, Any]) -> dict[str, Any]:
    revision = revisions.revision_of("lending", inputs)
    made = revisions.deployment(OWNER, revision, inputs, 2)
    template = made["spec"]["template"]
    assert isinstance(template, dict)
    return template


@pytest.mark.parametrize(
    "spec",
    [
        {"replicas": 5},
        {"strategy": {"type": "Canary", "canary": {"bakeSeconds": 1}}},
        {"analysis": {"alpha": "0.02"}},
        {"gates": {"request": "Required"}},
        {"start": "OnRequest"},
        {"progressDeadlineSeconds": 9},
    ],
)
def test_what_is_not_in_the_pods_does_not_name_a_revision(spec: dict[str, Any]) -> None:
    assert name_with(**spec) == name_with()


@pytest.mark.parametrize(
    "spec",
    [
        {"image": image("two")},
        {"env": [{"name": "A", "value": "1"}]},
        {"resources": {"limits": {"cpu": "1"}}},
        {"port": 9000},
        {"probes": {"readiness": {"path": "/r"}}},
        {"template": {"spec": {"nodeSelector": {"gpu": "yes"}}}},
        {"model": {"name": "lending", "digest": digest("model two")}},
    ],
)
def test_what_is_in_the_pods_names_a_revision(spec: dict[str, Any]) -> None:
    assert name_with(**spec) != name_with()


def test_a_request_for_what_the_spec_names_is_the_specs_revision() -> None:
    spec = parse_spec(
        model_deployment(model={"name": "m", "version": "7", "digest": digest("x")})["spec"]
    )
    arguments = {"image": image("one"), "modelDigest": digest("x")}
    asked = parse_request(request("r", "Canary", arguments=arguments))
    assert revisions.template_inputs(spec, asked) == revisions.template_inputs(spec)


def test_a_request_for_another_image_takes_no_version_from_the_spec() -> None:
    spec = parse_spec(model_deployment(model={"name": "m", "version": "7"})["spec"])
    arguments = {"image": image("two"), "modelDigest": digest("x")}
    asked = parse_request(request("r", "Canary", arguments=arguments))
    inputs = revisions.template_inputs(spec, asked)
    assert inputs["model"] == {"name": "m", "digest": digest("x")}
    assert inputs["image"] == image("two")


def test_the_container_gets_what_the_user_gave_and_our_three() -> None:
    inputs = {
        "image": image("one"),
        "port": 9000,
        "env": [{"name": "A", "value": "1"}, {"name": "PORT", "value": "1"}],
        "resources": {"limits": {"memory": "1Gi"}},
        "probes": {"readiness": {"path": "/r", "periodSeconds": 3}, "liveness": {}},
    }
    container = built(inputs)["spec"]["containers"][0]
    env = {item["name"]: item.get("value") for item in container["env"]}
    name = revisions.revision_of("lending", inputs).name
    assert env == {"POD_IP": None, "REVISION": name, "PORT": "9000", "A": "1"}
    assert container["name"] == "model"
    assert container["image"] == image("one")
    assert container["resources"] == {"limits": {"memory": "1Gi"}}
    probe = {"httpGet": {"path": "/r", "port": 9000}, "periodSeconds": 3}
    assert container["readinessProbe"] == probe
    assert container["livenessProbe"] == {"httpGet": {"path": "/", "port": 9000}}


def test_a_patch_reaches_everything_but_what_was_judged() -> None:
    patch = {
        "metadata": {"labels": {"team": "risk", "holdpoint.dev/revision": "stolen"}},
        "spec": {
            "containers": [
                {"name": "model", "image": "evil:latest", "tty": True},
                {"name": "side", "image": "side:1"},
            ],
            "terminationGracePeriodSeconds": 60,
        },
    }
    inputs = {"image": image("one"), "template": patch}
    template = built(inputs)
    model, side = template["spec"]["containers"]
    assert (model["image"], model["tty"]) == (image("one"), True)
    assert side == {"name": "side", "image": "side:1"}
    assert template["spec"]["terminationGracePeriodSeconds"] == 60
    name = revisions.revision_of("lending", inputs).name
    assert template["metadata"]["labels"]["holdpoint.dev/revision"] == name
    assert template["metadata"]["labels"]["team"] == "risk"


@pytest.mark.parametrize("containers", [None, [], [{"image": "evil:latest"}], "none"])
def test_no_patch_removes_the_container_that_was_judged(containers: Any) -> None:
    inputs = {"image": image("one"), "template": {"spec": {"containers": containers}}}
    images = [c["image"] for c in built(inputs)["spec"]["containers"] if c.get("name") == "model"]
    assert images == [image("one")]


def test_a_revisions_service_has_the_ports_of_the_alias() -> None:
    alias = {"spec": {"ports": [{"port": 80, "targetPort": 8080, "nodePort": 30000}]}}
    revision = revisions.revision_of("lending", {"image": image("one")})
    made = revisions.service(OWNER, revision, 8080, like=alias)
    assert made["spec"]["ports"] == [{"port": 80, "targetPort": 8080}]
    assert made["spec"]["selector"] == {"holdpoint.dev/revision": revision.name}


@pytest.mark.parametrize(
    ("service", "ours"),
    [
        ({"spec": {}}, True),
        ({"spec": {"selector": {"app": "old"}}}, False),
        ({"spec": {"selector": {"holdpoint.dev/revision": "lending-1"}}}, True),
        ({"spec": {"selector": {"holdpoint.dev/revision": "other-1"}}}, False),
        (
            {"metadata": {"ownerReferences": [{"uid": "u1"}]}, "spec": {"selector": {"a": "b"}}},
            True,
        ),
    ],
)
def test_only_a_free_service_becomes_the_alias(service: dict[str, Any], ours: bool) -> None:
    assert revisions.is_alias_of(service, OWNER) is ours
