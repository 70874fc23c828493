"""The chart in a cluster: a rollout with exactly its rights, an upgrade, an uninstall, a policy.

The controller runs as the chart's pod, from an image, under Pod Security `restricted`.
"""

from __future__ import annotations

import http.client
import json
import secrets
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.cluster.installing import CRD, MD, NAME, ROOT, RR
from tests.cluster.load import Load
from tests.testbed import binaries
from tests.testbed.api import ApiError
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.rollout_bed import Bed, Images
    from tests.testbed.kube import Kube
    from tests.testbed.oci import ImageStore
    from tests.testbed.registry import Registry

Json = dict[str, Any]
RELEASE = "chart"
DEADLINE_S = 180  # the controller is a pod here, and shares two cores with everything else
CONTROLLER = f"{RELEASE}-holdpoint-controller"
DEPLOYMENT = "apps/v1/Deployment"
APPROVAL = "holdpoint.dev/v1alpha1/RolloutApproval"
SLOW = {"type": "Canary", "canary": {"steps": [{"weight": 25, "soakSeconds": 3000}]}}
RUN = b"import sys, holdpoint\nsys.exit(holdpoint.main())\n"


@pytest.fixture(scope="session")
def controller_image(image_store: ImageStore, registry: Registry) -> str:
    """Holdpoint's own code, with the entry point of the Dockerfile's controller."""
    files = {
        f"/app/{p.relative_to(ROOT)}": p.read_bytes() for p in (ROOT / "rollouts").rglob("*.py")
    }
    files |= {"/app/holdpoint.py": (ROOT / "holdpoint.py").read_bytes(), "/app/run.py": RUN}
    digest = image_store.build(
        files, entrypoint=("python3", "/app/run.py"), command=("controller",)
    )
    return registry.reference("acme/holdpoint-controller", digest)


class Chart:
    """A release that looks after one namespace, in a namespace of its own."""

    def __init__(self, bed: Bed, image: str) -> None:
        self.bed = bed
        self.namespace = f"system-{secrets.token_hex(3)}"
        self.kube = bed.kube.within(self.namespace)
        repository, _, digest = image.partition("@")
        self._values: Json = {
            "image": {"repository": repository, "digest": digest},
            "watchNamespace": bed.kube.namespace,
            "routers": ["GatewayAPI"],
            "admission": {
                "namespaceSelector": {
                    "matchLabels": {"kubernetes.io/metadata.name": bed.kube.namespace}
                }
            },
            "stopBeforeUninstall": {"waitSeconds": 60},
            "bot": {"enabled": True, "replicas": 1, "secret": "none", "config": {"version": 1}},
        }

    def install(self) -> None:
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.kube.create(
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": self.namespace, "labels": labels},
            }
        )
        self.kube.wait_until("v1/ServiceAccount", "default", bool, "exist")
        # The CRDs may be there already, from deploy/crds.
        self.helm("install", RELEASE, str(ROOT / "deploy/chart"), "--take-ownership")
        self.wait_ready()

    def upgrade(self, **values: Any) -> None:
        self._values |= values
        self.helm("upgrade", RELEASE, str(ROOT / "deploy/chart"))

    def wait_ready(self) -> None:
        self.kube.wait_until(
            DEPLOYMENT,
            CONTROLLER,
            lambda d: (
                d.get("status", {}).get("readyReplicas") == 1
                and d["status"].get("updatedReplicas") == d["status"].get("replicas") == 1
                and d["status"].get("observedGeneration") == d["metadata"]["generation"]
            ),
            "be ready",
            DEADLINE_S,
        )

    def pod(self) -> Json:
        (pod,) = self.kube.list("v1/Pod", "app.kubernetes.io/component=controller")
        return pod

    def metrics(self) -> str:
        connection = http.client.HTTPConnection(self.pod()["status"]["podIP"], 8080, timeout=10)
        connection.request("GET", "/metrics")
        answer = connection.getresponse().read().decode()
        connection.close()
        return answer

    def helm(self, verb: str, *arguments: str) -> str:
        values = self.bed.folder / "values.json"
        values.write_text(json.dumps(self._values))
        given = [f"--values={values}"] if verb in {"install", "upgrade"} else []
        given += [f"--timeout={DEADLINE_S}s"] if verb != "list" else []
        done = subprocess.run(
            [
                *(binaries.helm(), verb, *arguments, *given, f"--namespace={self.namespace}"),
                f"--kubeconfig={self.bed.control_plane.kubeconfig}",
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE_S + 60,
            # Its cache and its settings are nobody's here.
            env={"HOME": str(self.bed.folder), "PATH": "/usr/bin:/bin"},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def remove(self) -> None:
        """Whatever the test has left of it."""
        if RELEASE in self.helm("list", "--short"):
            self.helm("uninstall", RELEASE, "--no-hooks")
        self.kube.delete("v1/Namespace", self.namespace)


@pytest.fixture
def chart(bed: Bed, controller_image: str) -> Iterator[Chart]:
    made = Chart(bed, controller_image)
    made.install()
    try:
        yield made
    finally:
        made.remove()


def test_a_rollout_runs_with_exactly_what_the_chart_grants(
    chart: Chart, bed: Bed, images: Images
) -> None:
    bed.deploy(images.build("1"))
    first = bed.wait_stable("InitialRevision", DEADLINE_S)["stable"]["name"]
    wait_until(lambda: bed.gateway.request(bed.host, "/")[0] == 200, 20, "the gateway to serve it")
    with Load(bed.gateway.port, bed.host) as load:
        bed.edit(image=images.build("2"))
        second = bed.wait_stable("Promoted", DEADLINE_S)["stable"]["name"]
        assert set(load.answers) == {200}, load.answers
        bed.edit(image=images.build("3"), env=[{"name": "FAULT_RATE", "value": "0.5"}])
        bed.wait(lambda s: s.get("rejected"), "reject the third", DEADLINE_S)
    bed.wait_stable(deadline_s=DEADLINE_S)
    assert second != first
    assert bed.weights() == {second: 100}
    shown = chart.metrics()
    assert "holdpoint_leader 1.0" in shown
    assert 'outcome="ok"' in shown
    assert 'outcome="Forbidden"' not in shown


def test_upgrade_and_uninstall_leave_traffic_on_stable(
    chart: Chart, bed: Bed, images: Images
) -> None:
    bed.deploy(images.build("1"), strategy=SLOW)
    first = bed.wait_stable("InitialRevision", DEADLINE_S)["stable"]["name"]
    wait_until(lambda: bed.gateway.request(bed.host, "/")[0] == 200, 20, "the gateway to serve it")
    with Load(bed.gateway.port, bed.host) as load:
        bed.edit(image=images.build("2"))
        status = bed.wait(
            lambda s: s.get("weight", {}).get("confirmed") == 25, "have 25 %", DEADLINE_S
        )
        candidate = status["candidate"]["name"]
        before = chart.pod()["metadata"]["name"]
        # Without own names, so that the last job has to be let in by name.
        chart.upgrade(controller={"logLevel": "debug"}, admission={"ownName": "None"})
        chart.wait_ready()
        wait_until(
            lambda: len(chart.kube.list("v1/Pod", "app.kubernetes.io/component=controller")) == 1,
            DEADLINE_S,
            "the old controller to be gone",
        )
        assert chart.pod()["metadata"]["name"] != before
        wait_until(lambda: "holdpoint_leader 1.0" in chart.metrics(), 60, "the new one to lead")
        assert bed.weights() == {first: 75, candidate: 25}
        chart.helm("uninstall", RELEASE)
        assert bed.weights() == {first: 100}
    assert set(load.answers) == {200}, load.answers
    status = bed.kube.get(MD, NAME)["status"]
    assert status["stable"]["name"] == first
    assert [entry["reason"] for entry in status["rejected"]] == ["AbortRequested"]
    assert bed.gateway.request(bed.host, "/")[0] == 200
    assert bed.kube.get(CRD, "modeldeployments.holdpoint.dev"), "the CRDs stay"
    assert chart.kube.find(DEPLOYMENT, CONTROLLER) is None
    policies = "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy"
    assert chart.kube.find(policies, f"{RELEASE}-holdpoint-requests") is None


def test_the_api_server_takes_every_plain_manifest(bed: Bed) -> None:
    text = (ROOT / "deploy/manifests/holdpoint.yaml").read_text()
    for manifest in yaml.safe_load_all(text):
        taken = bed.kube.apply(manifest, dryRun="All", fieldValidation="Strict")
        warnings = taken.get("status", {}).get("typeChecking", {}).get("expressionWarnings")
        assert not warnings, warnings


def request(name: str, by: str, **spec: Any) -> Json:
    return {
        "apiVersion": "holdpoint.dev/v1alpha1",
        "kind": "RolloutRequest",
        "metadata": {"name": name},
        "spec": {"target": NAME, "verb": "Abort", "requestedBy": {"id": by}, **spec},
    }


def approval(name: str) -> Json:
    return {
        "apiVersion": "holdpoint.dev/v1alpha1",
        "kind": "RolloutApproval",
        "metadata": {"name": name},
        "spec": {
            "request": {"name": "r", "uid": "u"},
            "decision": "Approve",
            "approvedBy": {"id": "slack:T1/U1"},
            "bound": {"target": NAME, "verb": "Promote", "weight": 100, "configuration": "c"},
            "expiresAt": "2099-01-01T00:00:00Z",
        },
    }


def somebody(bed: Bed) -> Kube:
    """An account that RBAC lets create requests and approvals."""
    kube, name = bed.kube, "somebody"
    account = bed.control_plane.service_account_kubeconfig(kube.namespace, name)
    group = "rbac.authorization.k8s.io"
    rule = {
        "apiGroups": ["holdpoint.dev"],
        "resources": ["rolloutrequests", "rolloutapprovals"],
        "verbs": ["create"],
    }
    named = {"metadata": {"name": name}, "apiVersion": f"{group}/v1"}
    kube.create({**named, "kind": "Role", "rules": [rule]})
    kube.create(
        {
            **named,
            "kind": "RoleBinding",
            "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": kube.namespace}],
        }
    )
    return type(kube).from_kubeconfig(account, kube.namespace)


def refusal(kube: Kube, manifest: Json) -> str:
    with pytest.raises(ApiError) as refused:
        kube.create(manifest)
    assert refused.value.status in {403, 422}
    return refused.value.message


def test_only_the_bot_asks_for_others(chart: Chart, bed: Bed) -> None:
    person = somebody(bed)
    own = f"kubernetes:system:serviceaccount:{bed.kube.namespace}:somebody"

    def is_enforced() -> bool:
        try:
            person.create(request(f"probe-{secrets.token_hex(4)}", "slack:T1/U1"))
        except ApiError as error:
            return "in the name of others" in error.message
        return False

    wait_until(is_enforced, 60, "the policy to be in force")
    assert own in refusal(person, request("forged", "slack:T1/U1"))
    assert "evidence" in refusal(person, request("proven", own, evidence={"ready": True}))
    assert "evidence" in refusal(person, request("slack", own, source={"kind": "Slack"}))
    assert "minds approvals" in refusal(person, request("free", own, verb="Override"))
    assert "minds approvals" in refusal(person, request("on", own, verb="Promote"))
    assert "approve there" in refusal(person, approval("consent"))
    person.create(request("mine", own))
    bot = bed.kube.from_kubeconfig(
        bed.control_plane.service_account_kubeconfig(chart.namespace, f"{RELEASE}-holdpoint-bot"),
        bed.kube.namespace,
    )
    bot.create(request("for-ada", "slack:T1/U1", evidence={"ready": True}))
    bot.create(approval("consent"))
    bed.wait_request("mine", "Refused")
    assert bed.kube.get(RR, "mine")["status"]["reason"] == "TargetNotFound"
