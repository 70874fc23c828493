"""The chart through Helm itself: lint, what it renders, what its schema refuses."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
import yaml

from rollouts import traffic
from rollouts.metrics import sources
from tests.deploy import generate

Json = dict[str, Any]
SCHEMA = json.loads((generate.CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((generate.CHART / "values.yaml").read_text())
EVERYTHING: Json = {
    "bot": {"enabled": True, "secret": "bot", "config": {"version": 1}},
    "metricSources": [
        {"name": "default", "url": "http://prometheus.monitoring:9090"},
        {"name": "main", "secret": "main-prometheus"},
    ],
    "monitoring": {"podMonitor": True, "prometheusRule": True, "dashboard": True},
    "controller": {"replicas": 2},
    "imagePullSecrets": [{"name": "registry"}],
}
RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True}


def render(values: Json | None = None, release: str = "holdpoint") -> list[Json]:
    """The manifests, hooks included."""
    given = [f"--set-json={key}={json.dumps(value)}" for key, value in (values or {}).items()]
    text = generate.helm(
        *("template", release, str(generate.CHART), "--namespace", "here"),
        *("--kube-version", generate.kube_version(), *given),
    )
    return [each for each in yaml.safe_load_all(text) if each]


def of_kind(manifests: list[Json], kind: str, ending: str = "") -> list[Json]:
    return [m for m in manifests if m["kind"] == kind and m["metadata"]["name"].endswith(ending)]


def one(manifests: list[Json], kind: str, ending: str = "") -> Json:
    (found,) = of_kind(manifests, kind, ending)
    return found


def pod_specs(manifests: list[Json]) -> list[Json]:
    workloads = of_kind(manifests, "Deployment") + of_kind(manifests, "Job")
    return [each["spec"]["template"]["spec"] for each in workloads]


@pytest.fixture(scope="module")
def plain() -> list[Json]:
    return render()


@pytest.fixture(scope="module")
def full() -> list[Json]:
    return render(EVERYTHING)


def test_helm_finds_nothing_wrong() -> None:
    place = ("--kube-version", generate.kube_version())
    said = generate.helm("lint", "--strict", str(generate.CHART), *place)
    assert "0 chart(s) failed" in said
    assert "[WARNING]" not in said


def test_the_defaults_fit_the_schema_and_every_value_is_in_it() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.validate(VALUES, SCHEMA)

    def keys(schema: Json, value: Any) -> None:
        if isinstance(value, dict) and "properties" in schema:
            assert set(value) == set(schema["properties"]) - {"global"}
            for key, inner in value.items():
                keys(schema["properties"][key], inner)

    keys(SCHEMA, VALUES)


def test_the_schema_knows_the_routers() -> None:
    routers = SCHEMA["properties"]["routers"]["items"]["enum"]
    assert sorted(routers) == sorted(traffic.routers()) == sorted(VALUES["routers"])


@pytest.mark.parametrize(
    "values",
    [
        {"contoller": {"replicas": 2}},
        {"routers": ["Nginx"]},
        {"routers": []},
        {"controller": {"replicas": 0}},
        {"image": {"digest": "sha256:abc"}},
        {"metricSources": [{"name": "main"}]},
        {"metricSources": [{"name": "main", "url": "http://me:secret@prometheus"}]},
        {"metricSources": [{"name": "../x", "secret": "s"}]},
        {"bot": {"enabled": True}},
        {"admission": {"ownName": "Some"}},
    ],
    ids=json.dumps,
)
def test_values_that_make_no_sense_are_refused(values: Json) -> None:
    with pytest.raises(RuntimeError, match="values don't meet the specifications of the schema"):
        render(values)


def test_every_pod_is_restricted(full: list[Json]) -> None:
    assert len(pod_specs(full)) == 3
    for pod in pod_specs(full):
        secure = pod["securityContext"]
        assert secure["runAsNonRoot"] is True
        assert secure["runAsUser"] > 10_000
        assert secure["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {**RESTRICTED, "capabilities": {"drop": ["ALL"]}}
            assert set(container["resources"]["limits"]) == {"cpu", "memory"}
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}


def test_every_pod_has_a_network_policy(full: list[Json]) -> None:
    workloads = of_kind(full, "Deployment") + of_kind(full, "Job")
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in workloads]
    policies = [each["spec"] for each in of_kind(full, "NetworkPolicy")]
    for own in labels:
        (policy,) = [p for p in policies if p["podSelector"]["matchLabels"].items() <= own.items()]
        assert policy["policyTypes"] == ["Ingress", "Egress"]


def test_every_server_is_probed_where_it_listens(full: list[Json]) -> None:
    for deployment in of_kind(full, "Deployment"):
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        port = container["ports"][0]
        (listen,) = [word for word in container["args"] if word.startswith("--listen=")]
        assert listen.endswith(f":{port['containerPort']}")
        assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": port["name"]}
        assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": port["name"]}


def test_every_account_exists_and_is_bound(full: list[Json]) -> None:
    accounts = {each["metadata"]["name"] for each in of_kind(full, "ServiceAccount")}
    assert {pod["serviceAccountName"] for pod in pod_specs(full)} == accounts
    bindings = of_kind(full, "ClusterRoleBinding") + of_kind(full, "RoleBinding")
    roles = {(m["kind"], m["metadata"]["name"]) for m in full if m["kind"].endswith("Role")}
    for binding in bindings:
        assert {subject["name"] for subject in binding["subjects"]} <= accounts
        assert {subject["namespace"] for subject in binding["subjects"]} == {"here"}
        assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) in roles


def test_one_router_means_the_rights_for_one_router() -> None:
    role = one(render({"routers": ["Istio"]}), "ClusterRole", "-controller")
    groups = {group for rule in role["rules"] for group in rule["apiGroups"]}
    assert "networking.istio.io" in groups
    assert not {"gateway.networking.k8s.io", "networking.k8s.io"} & groups


def test_no_role_holds_a_wildcard_or_reads_secrets(full: list[Json]) -> None:
    for role in of_kind(full, "ClusterRole") + of_kind(full, "Role"):
        for rule in role["rules"]:
            words = {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
            assert not {"*", "secrets", "escalate", "bind", "impersonate"} & words, role


def test_one_namespace_binds_nothing_cluster_wide() -> None:
    found = render({**EVERYTHING, "watchNamespace": "ml"})
    assert not of_kind(found, "ClusterRoleBinding")
    places = {each["metadata"]["namespace"] for each in of_kind(found, "RoleBinding")}
    assert places == {"ml", "here"}  # `here` for the Lease
    args = [word for pod in pod_specs(found) for word in pod["containers"][0]["args"]]
    assert args.count("--namespace=ml") == 2
    assert "--all-namespaces" not in args


def test_sources_are_mounted_where_the_controller_looks(full: list[Json]) -> None:
    pod = one(full, "Deployment", "-controller")["spec"]["template"]["spec"]
    mounts = {m["name"]: m["mountPath"] for m in pod["containers"][0]["volumeMounts"]}
    secrets = {v["name"]: v["secret"]["secretName"] for v in pod["volumes"] if "secret" in v}
    assert secrets == {
        "source-default": "holdpoint-source-default",
        "source-main": "main-prometheus",
    }
    assert mounts["source-main"] == f"{sources.DEFAULT_FOLDER}/main"
    secret = one(full, "Secret")
    assert secret["stringData"] == {"url": "http://prometheus.monitoring:9090"}


def test_a_digest_wins_over_a_tag() -> None:
    digest = f"sha256:{'0' * 64}"
    found = render({"image": {"repository": "r.test/h", "tag": "1", "digest": digest}})
    assert {pod["containers"][0]["image"] for pod in pod_specs(found)} == {f"r.test/h@{digest}"}


def test_the_crds_stay_when_the_chart_goes(plain: list[Json]) -> None:
    crds = of_kind(plain, "CustomResourceDefinition")
    assert len(crds) == 3
    for crd in crds:
        assert crd["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert not of_kind(render({"crds": {"install": False}}), "CustomResourceDefinition")


def test_without_the_bot_nobody_asks_for_others(plain: list[Json]) -> None:
    policy = one(plain, "ValidatingAdmissionPolicy", "-requests")
    (trusted,) = [v["expression"] for v in policy["spec"]["variables"] if v["name"] == "trusted"]
    assert "request.userInfo.username in []" in trusted
    assert policy["spec"]["failurePolicy"] == "Fail"


@pytest.mark.parametrize(
    ("values", "verbs"),
    [
        ({}, {"Abort", "RollBack", "Pause", "Canary", "Promote", "Resume", "Retry"}),
        ({"bot": EVERYTHING["bot"]}, {"Abort", "RollBack", "Pause"}),
        ({"admission": {"ownName": "TakeBack"}}, {"Abort", "RollBack", "Pause"}),
        ({"admission": {"ownName": "None"}}, set()),
    ],
)
def test_what_people_may_ask_for_in_their_own_name(values: Json, verbs: set[str]) -> None:
    policy = one(render(values), "ValidatingAdmissionPolicy", "-requests")
    (rule,) = [
        v["expression"] for v in policy["spec"]["validations"] if "spec.verb in" in v["expression"]
    ]
    assert set(json.loads(rule.partition("spec.verb in ")[2])) == verbs


def test_the_bots_account_is_the_one_that_is_trusted(full: list[Json]) -> None:
    account = (
        f"system:serviceaccount:here:{one(full, 'ServiceAccount', '-bot')['metadata']['name']}"
    )
    approvals = one(full, "ValidatingAdmissionPolicy", "-approvals")["spec"]["validations"]
    requests = one(full, "ValidatingAdmissionPolicy", "-requests")["spec"]["variables"]
    for expression in (approvals[0]["expression"], requests[0]["expression"]):
        assert re.findall(r'"(system:serviceaccount:[^"]+)"', expression) == [account]


def test_the_bots_settings_are_a_file_that_it_reads(full: list[Json]) -> None:
    config = one(full, "ConfigMap", "-bot")["data"]["bot.yaml"]
    assert yaml.safe_load(config) == EVERYTHING["bot"]["config"]


def test_another_release_meets_nothing_of_the_first(full: list[Json]) -> None:
    def names(manifests: list[Json]) -> set[tuple[str, str]]:
        ours = [m for m in manifests if m["kind"] != "CustomResourceDefinition"]
        return {(m["kind"], m["metadata"]["name"]) for m in ours}

    assert not names(full) & names(render(EVERYTHING, release="second"))


def test_names_stay_short_enough_for_their_suffixes() -> None:
    long = render(EVERYTHING, release="a" * 53)
    assert all(
        len(m["metadata"]["name"]) <= 63 for m in long if m["kind"] != "CustomResourceDefinition"
    )
