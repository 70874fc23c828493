"""The control plane is a whole one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster import workloads
from tests.testbed.api import ApiError
from tests.testbed.kube import Kube
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from tests.testbed.control_plane import ControlPlane
    from tests.testbed.existing import Cluster
    from tests.testbed.kubelet.kubelet import Kubelet


def test_it_is_the_version_that_go_mod_names(control_plane: ControlPlane) -> None:
    assert control_plane.kube().client.request("GET", "/version")["gitVersion"].startswith("v1.36.")
    print(f"started in {control_plane.start_s:.1f} s, {control_plane.memory_mib():.0f} MiB")


def test_its_node_is_ready(control_plane: ControlPlane, kubelet: Kubelet) -> None:
    kube = control_plane.kube()

    def usable() -> bool:
        node = kube.get("v1/Node", kubelet.name)
        ready = {c["type"]: c["status"] for c in node["status"]["conditions"]}
        return ready["Ready"] == "True" and not node["spec"].get("taints")

    wait_until(usable, 20, "the node to be ready and without taints")


def test_a_service_account_has_its_rights_and_no_others(
    cluster: Cluster, kube: Kube, namespace: str
) -> None:
    path = cluster.service_account_kubeconfig(namespace, "reader")
    reader = Kube.from_kubeconfig(path, namespace)
    with pytest.raises(ApiError, match="cannot list resource") as refusal:
        reader.list("v1/ConfigMap")
    assert refusal.value.status == 403
    rbac = "rbac.authorization.k8s.io"
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}
    named = {"metadata": {"name": "reader"}}
    kube.create({"apiVersion": f"{rbac}/v1", "kind": "Role", "rules": [rule], **named})
    kube.create(
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "reader"},
            "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": namespace}],
            **named,
        }
    )

    def allowed() -> bool:
        try:
            return bool(reader.list("v1/ConfigMap"))
        except ApiError:
            return False

    wait_until(allowed, 10, "the binding to count")
    with pytest.raises(ApiError, match="cannot create resource"):
        reader.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}})


def test_admission_policies_are_enforced(kube: Kube) -> None:
    group = "admissionregistration.k8s.io/v1"
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["configmaps"],
    }
    name = f"deny-{kube.namespace}"
    kube.create(
        {
            "apiVersion": group,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": [rule]},
                "validations": [
                    {"expression": "object.metadata.name != 'no'", "message": "not that name"}
                ],
            },
        }
    )
    selector = {"matchLabels": {"kubernetes.io/metadata.name": kube.namespace}}
    kube.create(
        {
            "apiVersion": group,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {
                "policyName": name,
                "validationActions": ["Deny"],
                "matchResources": {"namespaceSelector": selector},
            },
        }
    )

    def denied() -> bool:
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "no"}}
        try:
            kube.create(manifest)
        except ApiError as error:
            return "not that name" in error.message
        kube.delete("v1/ConfigMap", "no")
        return False

    wait_until(denied, 30, "the policy to be enforced")
    kube.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "yes"}})
    kube.delete(f"{group}/ValidatingAdmissionPolicyBinding", name)
    kube.delete(f"{group}/ValidatingAdmissionPolicy", name)


def test_pods_outlive_a_restart_of_the_api_server(
    control_plane: ControlPlane, kube: Kube, kubelet: Kubelet, server_image: str
) -> None:
    kube.create(workloads.pod("web", workloads.server_container(server_image)))
    before = kube.wait_until("v1/Pod", "web", workloads.is_ready, "be ready")
    control_plane.restart("kube-apiserver")
    kube.create(workloads.pod("next", workloads.server_container(server_image)))
    kube.wait_until("v1/Pod", "next", workloads.is_ready, "be ready")
    after = kube.get("v1/Pod", "web")
    ids = [pod["status"]["containerStatuses"][0]["containerID"] for pod in (before, after)]
    assert ids[0] == ids[1]
    kube.delete("v1/Pod", "web")
    kube.wait_gone("v1/Pod", "web")
