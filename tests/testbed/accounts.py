"""Kubeconfigs for ServiceAccounts, through TokenRequest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.testbed import kubeconfig
from tests.testbed.kubeconfig import Credentials

if TYPE_CHECKING:
    from pathlib import Path

    from tests.testbed.kube import Kube

_LIFETIME_S = 24 * 3600


def write_kubeconfig(kube: Kube, name: str, file: Path, *, server: str, authority: Path) -> Path:
    """Write to `file` who the account `name` of `kube`'s namespace is; made when it is missing."""
    if kube.find("v1/ServiceAccount", name) is None:
        kube.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}})
    path = f"/api/v1/namespaces/{kube.namespace}/serviceaccounts/{name}/token"
    wanted = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": _LIFETIME_S},
    }
    token = kube.client.request("POST", path, wanted)["status"]["token"]
    who = Credentials(token=token)
    return kubeconfig.write(file, server, authority, who, namespace=kube.namespace)
