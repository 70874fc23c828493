"""Which executables run the control plane and the gateway, and the CRD files that go with them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.testbed import cache, modules
from tests.testbed.progress import say

if TYPE_CHECKING:
    from pathlib import Path

ETCD = "etcd"
KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
_GATEWAY_API = "sigs.k8s.io/gateway-api"


def _on_machine(name: str) -> str | None:
    assets = os.environ.get("KUBEBUILDER_ASSETS", "")
    return shutil.which(name, path=os.pathsep.join(filter(None, [assets, os.environ.get("PATH")])))


def _minor(executable: str) -> str:
    result = subprocess.run([executable, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"v(1\.\d+)\.", result.stdout)
    return found[1] if found else "unknown"


def _present_set() -> dict[str, list[str]] | None:
    """The machine's own four programs, if all are here and of the version that we would build.

    A mixture is not used: Kubernetes supports no controller manager newer than its API server.
    """
    found = {name: _on_machine(name) for name in (ETCD, *KUBERNETES)}
    missing = [name for name, path in found.items() if path is None]
    wanted = modules.CONTROL_PLANE.version().rsplit(".", 1)[0].lstrip("v")
    wrong = [
        f"{name} {minor}"
        for name in KUBERNETES
        if (path := found[name]) and (minor := _minor(path)) != wanted
    ]
    if missing or wrong:
        if os.environ.get("KUBEBUILDER_ASSETS"):
            why = f"lacks {', '.join(missing)}" if missing else f"holds {', '.join(wrong)}"
            say(f"KUBEBUILDER_ASSETS {why}; the testbed runs its own build of {wanted}")
        return None
    return {name: [path] for name, path in found.items() if path}


def control_plane() -> dict[str, list[str]]:
    """For each part its command's first words. Builds the control plane when it must."""
    present = _present_set()
    if present:
        return present
    executable = str(modules.built(modules.CONTROL_PLANE))
    return {name: [executable, name] for name in (ETCD, *KUBERNETES)}


def traefik() -> list[str]:
    """The command's first words. A Traefik on PATH is not used: its Gateway API version varies."""
    return [str(modules.built(modules.TRAEFIK))]


def helm() -> str:
    """Helm, by its path. One on PATH is not used: what it renders varies with its version."""
    return str(modules.built(modules.HELM))


def prometheus() -> str:
    """The Prometheus server of the machine (Debian: the package `prometheus`)."""
    found = shutil.which("prometheus")
    if found is None:
        raise RuntimeError(
            "There is no Prometheus on PATH; install Debian's package `prometheus`, or its release."
        )
    return found


def gateway_api_crds() -> list[Path]:
    """The Gateway API's standard-channel CRD files, of the version that Traefik was built with."""

    def make(folder: Path) -> None:
        source = modules.module_folder(modules.TRAEFIK, _GATEWAY_API) / "config/crd/standard"
        for path in source.glob("gateway.networking.k8s.io_*.yaml"):
            shutil.copyfile(path, folder / path.name)

    name = modules.TRAEFIK.cache_name().replace("traefik", "gateway-api", 1)
    return sorted(cache.made_once(name, make, say).glob("*.yaml"))


def istio_crds() -> Path:
    """Istio's CRDs, one file with many documents."""

    def make(folder: Path) -> None:
        source = modules.module_folder(modules.ISTIO, "istio.io/api") / "kubernetes"
        shutil.copyfile(source / "customresourcedefinitions.gen.yaml", folder / "crds.yaml")

    return cache.made_once(modules.ISTIO.cache_name(), make, say) / "crds.yaml"


def ensure_all() -> None:
    """Make everything that needs the package registries; afterwards the testbed runs offline."""
    control_plane()
    traefik()
    gateway_api_crds()
    istio_crds()
    helm()
