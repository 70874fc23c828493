"""One ModelDeployment on the real control plane, with a controller process of its own.

The objects are applied as a person would with kubectl; the controller runs under the account and
the rights of deploy/rbac, for one namespace.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.installing import (
    CONTROLLER,
    MD,
    NAME,
    ROOT,
    ROUTE,
    RR,
    SYSTEM,
    install,
    lease_role,
)
from tests.testbed.processes import Server, tail
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.testbed.control_plane import ControlPlane
    from tests.testbed.gateway import Gateway
    from tests.testbed.kube import Kube
    from tests.testbed.kubelet.kubelet import Kubelet
    from tests.testbed.oci import ImageStore
    from tests.testbed.registry import Registry

Json = dict[str, Any]
LEASE_S = "3"


def model_deployment(image: str, **spec: Any) -> Json:
    probe = {"path": "/readyz", "periodSeconds": 1, "failureThreshold": 2, "timeoutSeconds": 5}
    return {
        "apiVersion": "holdpoint.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": NAME},
        "spec": {
            "model": {"name": NAME},
            "image": image,
            "replicas": 2,
            "probes": {"readiness": probe},
            "strategy": {
                "type": "Canary",
                "canary": {"steps": [{"weight": 25, "soakSeconds": 1}], "bakeSeconds": 2},
            },
            "traffic": {"type": "GatewayAPI", "gatewayAPI": {"httpRoute": NAME}},
            "analysis": {
                "intervalSeconds": 1,
                "metrics": {
                    "type": "Pods",
                    "pods": {
                        "requests": "prediction_count_total",
                        "errors": "prediction_errors_total",
                    },
                },
            },
            **spec,
        },
    }


class Bed:
    """The target and its controller. `host` picks its route at the gateway."""

    def __init__(
        self, control_plane: ControlPlane, gateway: Gateway, kube: Kube, folder: Path
    ) -> None:
        self.control_plane = control_plane
        self.gateway = gateway
        self.kube = kube
        self.folder = folder
        self.host = f"{kube.namespace}.test"
        self.controller: Server | None = None

    def deploy(self, image: str, **spec: Any) -> None:
        """The route and the ModelDeployment; Holdpoint makes the alias Service."""
        self.kube.create(
            {
                "apiVersion": "gateway.networking.k8s.io/v1",
                "kind": "HTTPRoute",
                "metadata": {"name": NAME},
                "spec": {
                    "parentRefs": [self.gateway.parent_ref],
                    "hostnames": [self.host],
                    "rules": [{"backendRefs": [{"name": NAME, "port": 8080}]}],
                },
            }
        )
        self.kube.create(model_deployment(image, **spec))

    def start_controller(self, identity: str = "", log: str = "controller.log") -> Server:
        """Under its own account, which may hold a Lease in this namespace as well."""
        lease_role(self.kube)
        account = self.control_plane.service_account_kubeconfig(SYSTEM, CONTROLLER)
        self.controller = Server(
            "controller",
            [
                *(sys.executable, "-I", "-m", "holdpoint", "controller"),
                f"--kubeconfig={account}",
                f"--namespace={self.kube.namespace}",
                f"--lease-duration={LEASE_S}",
                f"--identity={identity or self.kube.namespace}",
            ],
            self.folder / log,
        )
        return self.controller

    def stop(self) -> None:
        if self.controller is not None:
            self.controller.stop(20)

    def wait(self, condition: Any, what: str, deadline_s: float = 60) -> Json:
        """Until `condition(status)`; the status."""
        if self.controller is not None:
            self.controller.require_alive()
        try:
            found = self.kube.wait_until(
                MD, NAME, lambda md: condition(md.get("status", {})), what, deadline_s
            )
        except AssertionError as error:
            shown = self.rollout("status", NAME).stdout + self.rollout("history", NAME).stdout
            log = tail(self.folder / "controller.log")
            raise type(error)(f"{what}, within {deadline_s} s\n{shown}\n{log}") from None
        status: Json = found["status"]
        return status

    def wait_stable(self, reason: str = "", deadline_s: float = 60) -> Json:
        return self.wait(
            lambda s: s.get("phase") == "Stable" and reason in {"", s.get("reason")},
            f"be stable {reason}",
            deadline_s,
        )

    def edit(self, **spec: Any) -> None:
        self.kube.patch(MD, NAME, {"spec": spec})

    def ask(self, name: str, verb: str, **fields: Any) -> None:
        self.kube.create(
            {
                "apiVersion": "holdpoint.dev/v1alpha1",
                "kind": "RolloutRequest",
                "metadata": {"name": name},
                "spec": {
                    "target": NAME,
                    "verb": verb,
                    "requestedBy": {"id": "slack:T1/U1", "name": "ada"},
                    **fields,
                },
            }
        )

    def wait_request(self, name: str, phase: str, deadline_s: float = 30) -> Json:
        found = self.kube.wait_until(
            RR,
            name,
            lambda rr: rr.get("status", {}).get("phase") == phase,
            f"be {phase}",
            deadline_s,
        )
        status: Json = found["status"]
        return status

    def weights(self) -> dict[str, int]:
        refs = self.kube.get(ROUTE, NAME)["spec"]["rules"][0]["backendRefs"]
        return {ref["name"]: ref.get("weight", 1) for ref in refs}

    def pods(self, revision: str) -> list[Json]:
        return self.kube.list("v1/Pod", f"holdpoint.dev/revision={revision}")

    def event_reasons(self) -> list[str]:
        return [event["reason"] for event in self.kube.list("v1/Event")]

    def wait_event(self, reason: str) -> None:
        wait_until(lambda: reason in self.event_reasons(), 20, f"an Event {reason}")

    def set_fault(self, revision: str, rate: float) -> None:
        for pod in self.pods(revision):
            connection = http.client.HTTPConnection(pod["status"]["podIP"], 8080, timeout=10)
            connection.request("POST", "/fault", json.dumps({"rate": rate}))
            assert connection.getresponse().status == 200
            connection.close()

    def rollout(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`holdpoint rollout ...` in this namespace, as an administrator."""
        config = f"--kubeconfig={self.control_plane.kubeconfig}"
        command = [sys.executable, "-I", "-m", "holdpoint", "rollout", *arguments]
        return subprocess.run(
            [*command, "-n", self.kube.namespace, config],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


class Images:
    """Images of tests/rollouts/service.py that differ in a label, and so in their digest."""

    def __init__(self, store: ImageStore, registry: Registry) -> None:
        self._store = store
        self._registry = registry

    def build(self, version: str) -> str:
        digest = self._store.build(
            {"/app/service.py": (ROOT / "tests/rollouts/service.py").read_bytes()},
            command=("python3", "-S", "/app/service.py"),
            labels={"version": version},
        )
        return self._registry.reference("acme/lending", digest)


@pytest.fixture(scope="session")
def images(image_store: ImageStore, registry: Registry) -> Images:
    return Images(image_store, registry)


@pytest.fixture(scope="session")
def installed(control_plane: ControlPlane, gateway: Gateway, kubelet: Kubelet) -> None:
    install(control_plane.kube())


@pytest.fixture
def bed(
    installed: None, control_plane: ControlPlane, gateway: Gateway, kube: Kube, tmp_path: Path
) -> Iterator[Bed]:
    made = Bed(control_plane, gateway, kube, tmp_path)
    try:
        yield made
    finally:
        made.stop()


def start(bed: Bed, image: str, **spec: Any) -> str:
    """A controller, and the first revision with all the traffic; its name."""
    bed.start_controller()
    bed.deploy(image, **spec)
    status = bed.wait_stable("InitialRevision")
    wait_until(
        lambda: bed.gateway.request(bed.host, "/readyz")[0] == 200, 20, "the gateway to serve it"
    )
    return str(status["stable"]["name"])
