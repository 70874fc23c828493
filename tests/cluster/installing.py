"""Holdpoint in the test cluster, installed from the files that people apply."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from tests.testbed.kube import Kube

Json = dict[str, Any]

ROOT = Path(__file__).parents[2]
SYSTEM = "holdpoint-system"
CONTROLLER = "holdpoint-controller"  # the service accounts of deploy/rbac
BOT = "holdpoint-bot"
NAME = "lending"
MD = "holdpoint.dev/v1alpha1/ModelDeployment"
RR = "holdpoint.dev/v1alpha1/RolloutRequest"
ROUTE = "gateway.networking.k8s.io/v1/HTTPRoute"
CRD = "apiextensions.k8s.io/v1/CustomResourceDefinition"


def install(kube: Kube) -> None:
    """Applies deploy/crds and deploy/rbac, and waits until the kinds are served."""
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM}})
    for folder in ("crds", "rbac"):
        for path in sorted((ROOT / "deploy" / folder).glob("*.yaml")):
            for manifest in yaml.safe_load_all(path.read_text()):
                kube.apply(manifest)
                if manifest["kind"] == "CustomResourceDefinition":
                    kube.wait_until(CRD, manifest["metadata"]["name"], is_established, "be served")


def is_established(crd: Json) -> bool:
    """Whether the API server serves the kind."""
    conditions = crd.get("status", {}).get("conditions") or []
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)


def lease_role(kube: Kube) -> None:
    """Lets the controller's account hold a Lease in this namespace, so that several controllers,
    one a namespace, can be under test at once."""
    for manifest in yaml.safe_load_all((ROOT / "deploy/rbac/controller.yaml").read_text()):
        if manifest["kind"] in {"Role", "RoleBinding"}:
            manifest["metadata"]["namespace"] = kube.namespace
            kube.apply(manifest)
