"""Traefik as the Gateway API's data plane, with the Gateway that the tests attach routes to."""

from __future__ import annotations

import http.client
import os
import time
from typing import TYPE_CHECKING, Any

import yaml

from tests.testbed import binaries
from tests.testbed.ports import free_port
from tests.testbed.processes import Server

if TYPE_CHECKING:
    from types import TracebackType

    from tests.testbed.control_plane import ControlPlane
    from tests.testbed.kube import Kube

Json = dict[str, Any]

NAMESPACE = "testbed-gateway"
NAME = "testbed"
CLASS = "traefik"
_CONTROLLER = "traefik.io/gateway-controller"
_ACCOUNT = "traefik"
_GROUP = "gateway.networking.k8s.io"
_CRD = "apiextensions.k8s.io/v1/CustomResourceDefinition"
_READY_S = 60
_READ = ["get", "list", "watch"]
_RULES = [
    {
        "apiGroups": [""],
        "resources": ["namespaces", "services", "secrets", "configmaps"],
        "verbs": _READ,
    },
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": _READ},
    {"apiGroups": [_GROUP], "resources": ["*"], "verbs": [*_READ, "update"]},
]


def condition(conditions: list[Json], kind: str) -> Json:
    """The condition of type `kind`, or an empty object."""
    return next((one for one in conditions if one["type"] == kind), {})


def install_crds(kube: Kube) -> None:
    """Install the Gateway API's standard channel and wait until it is served."""
    definitions = [yaml.safe_load(path.read_text()) for path in binaries.gateway_api_crds()]
    for definition in definitions:
        kube.apply(definition)
    for definition in definitions:
        kube.wait_until(
            _CRD,
            definition["metadata"]["name"],
            lambda crd: _is_true(crd.get("status", {}), "Established"),
            "be served",
        )


def _is_true(status: Json, kind: str) -> bool:
    return bool(condition(status.get("conditions", []), kind).get("status") == "True")


class Gateway:
    """One Traefik process and the Gateway `testbed-gateway/testbed` that it serves.

    Routes of every namespace may attach. `host` and `port` are where its listener answers,
    `metrics_port` is where it tells Prometheus what it counted.
    """

    host = "127.0.0.1"

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane
        self._server: Server | None = None
        self.port = free_port(self.host)
        self.metrics_port = free_port(self.host)
        self.start_s = 0.0

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def parent_ref(self) -> Json:
        """What an HTTPRoute's `parentRefs` says to attach here."""
        return {"name": NAME, "namespace": NAMESPACE}

    def __enter__(self) -> Gateway:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Install the CRDs, start Traefik, and wait until the Gateway is programmed."""
        began = time.monotonic()
        kube = self._control_plane.kube(NAMESPACE)
        install_crds(kube)
        for manifest in self._manifests():
            kube.apply(manifest)
        self.restart()
        kube.wait_until(
            f"{_GROUP}/v1/Gateway",
            NAME,
            lambda gateway: self._is_programmed(gateway["status"]),
            "be programmed",
            _READY_S,
        )
        self.start_s = time.monotonic() - began

    def restart(self) -> None:
        """Start Traefik, or stop it and start it anew on the same port."""
        self.stop()
        account = self._control_plane.service_account_kubeconfig(NAMESPACE, _ACCOUNT)
        env = {**os.environ, "KUBECONFIG": str(account)}
        for name in ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
            env.pop(name, None)  # with these it would take itself for a pod
        log = self._control_plane.folder / "traefik.log"
        self._server = Server("traefik", [*binaries.traefik(), *self._flags()], log, env)

    def stop(self) -> None:
        if self._server:
            self._server.stop()

    def request(
        self,
        hostname: str,
        path: str = "/",
        *,
        method: str = "GET",
        body: bytes | None = None,
        timeout_s: float = 10,
    ) -> tuple[int, bytes]:
        """One request for `hostname` over a connection of its own: status and body."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout_s)
        try:
            connection.request(method, path, body, {"Host": hostname})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _is_programmed(self, status: Json) -> bool:
        if self._server:
            self._server.require_alive()
        return _is_true(status, "Programmed")

    def _flags(self) -> list[str]:
        return [
            f"--entryPoints.web.address={self.host}:{self.port}",
            f"--entryPoints.metrics.address={self.host}:{self.metrics_port}",
            "--metrics.prometheus.entryPoint=metrics",
            "--providers.kubernetesGateway=true",
            # Zero switches throttling off; the default would hold a change back for 2 s.
            "--providers.providersThrottleDuration=0s",
            "--global.checkNewVersion=false",
            "--global.sendAnonymousUsage=false",
            "--log.level=INFO",
        ]

    def _manifests(self) -> list[Json]:
        rbac = "rbac.authorization.k8s.io"
        named = {"metadata": {"name": _ACCOUNT}}
        role_ref = {"apiGroup": rbac, "kind": "ClusterRole", "name": _ACCOUNT}
        subject = {"kind": "ServiceAccount", "name": _ACCOUNT, "namespace": NAMESPACE}
        listener = {
            "name": "http",
            "protocol": "HTTP",
            "port": self.port,
            "allowedRoutes": {"namespaces": {"from": "All"}},
        }
        return [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
            {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "rules": _RULES, **named},
            {
                "apiVersion": f"{rbac}/v1",
                "kind": "ClusterRoleBinding",
                "roleRef": role_ref,
                "subjects": [subject],
                **named,
            },
            {
                "apiVersion": f"{_GROUP}/v1",
                "kind": "GatewayClass",
                "metadata": {"name": CLASS},
                "spec": {"controllerName": _CONTROLLER},
            },
            {
                "apiVersion": f"{_GROUP}/v1",
                "kind": "Gateway",
                "metadata": {"name": NAME},
                "spec": {"gatewayClassName": CLASS, "listeners": [listener]},
            },
        ]
