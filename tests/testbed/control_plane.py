"""etcd, API server, controller manager and scheduler, started in the testbed's namespace."""

from __future__ import annotations

import http.client
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.testbed import accounts, binaries, control_plane_flags, kubeconfig, netns
from tests.testbed.api import ApiError
from tests.testbed.kube import Kube
from tests.testbed.kubeconfig import Credentials
from tests.testbed.pki import CertificateAuthority, write_key
from tests.testbed.ports import free_port
from tests.testbed.processes import Server
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from types import TracebackType

_READY_S = 90


class ControlPlane:
    """A whole control plane in `folder`: data, keys and one log file for each program."""

    def __init__(self, folder: Path | None = None) -> None:
        self._given_folder = folder
        self._own_folder: tempfile.TemporaryDirectory[str] | None = None
        self._commands: dict[str, list[str]] = {}
        self.servers: dict[str, Server] = {}
        self.start_s = 0.0
        self.port = 0

    @property
    def folder(self) -> Path:
        """Where everything is; a temporary folder that `stop` removes, unless one was given."""
        if self._given_folder:
            return self._given_folder
        if self._own_folder is None:
            self._own_folder = tempfile.TemporaryDirectory(prefix="testbed-")
        return Path(self._own_folder.name)

    @property
    def server(self) -> str:
        """The API server's URL inside the namespace."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Where pods reach the API server."""
        return netns.NODE_ADDRESS, self.port

    @property
    def kubeconfig(self) -> Path:
        """A cluster administrator's kubeconfig."""
        return self.folder / "admin.kubeconfig"

    def __enter__(self) -> ControlPlane:
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
        """Start the four programs and wait until the API server is ready.

        The controllers need some seconds more, in which a gateway or a node may already start;
        whoever creates pods waits with `wait_for_controllers`, as the fixture `namespace` does.
        Raises NotInsideError outside the namespace, ServerDiedError with the log of a program
        that ended, NotInTimeError when the API server is not ready in time.
        """
        netns.require_inside()
        began = time.monotonic()
        commands = binaries.control_plane()
        self.port = free_port(netns.NODE_ADDRESS)
        files = self._write_files()
        etcd_port = free_port()
        flags = {
            "etcd": control_plane_flags.etcd(files, etcd_port, free_port()),
            "kube-apiserver": control_plane_flags.api_server(files, etcd_port, self.port),
            "kube-controller-manager": control_plane_flags.controller_manager(files, free_port()),
            "kube-scheduler": control_plane_flags.scheduler(files, free_port()),
        }
        self._commands = {name: [*commands[name], *flags[name]] for name in flags}
        try:
            for name in self._commands:
                self._launch(name)
        except BaseException:
            self.stop()
            raise
        self.start_s = time.monotonic() - began

    def restart(self, name: str) -> None:
        """Kill one of the four, such as "kube-apiserver", and start it anew on its data."""
        self.servers.pop(name).kill()
        self._launch(name)

    def stop(self) -> None:
        """Kill all four (their state goes with them) and remove a folder made here."""
        for server in self.servers.values():
            server.kill()
        self.servers.clear()
        # A given folder keeps the logs; the store is of no use to anyone and large.
        shutil.rmtree(self.folder / "etcd", ignore_errors=True)
        if self._own_folder:
            self._own_folder.cleanup()
            self._own_folder = None

    def memory_mib(self) -> float:
        """Resident memory of the four programs together."""
        return sum(server.memory_kib() for server in self.servers.values()) / 1024

    def kube(self, namespace: str = "default") -> Kube:
        """The administrator's view of the cluster."""
        return Kube.from_kubeconfig(self.kubeconfig, namespace)

    def user_kubeconfig(self, common: str, organisation: str | None = None) -> Path:
        """A kubeconfig for the user `common` in the group `organisation`, by certificate."""
        pair = self.ca.issue([], common=common, organisation=organisation)
        path = self.folder / f"{common.replace(':', '-')}.kubeconfig"
        return kubeconfig.write(path, self.server, self.ca.certificate, Credentials(pair))

    def service_account_kubeconfig(
        self, namespace: str, name: str, *, server: str | None = None
    ) -> Path:
        """A kubeconfig that acts as a ServiceAccount, with its rights and no others.

        The account is created when it is missing. `server` puts another URL in, for example that
        of a proxy whose certificate comes from `self.ca`.
        """
        return accounts.write_kubeconfig(
            self.kube(namespace),
            name,
            self.folder / f"account-{namespace}-{name}.kubeconfig",
            server=server or self.server,
            authority=self.ca.certificate,
        )

    def _write_files(self) -> control_plane_flags.Files:
        keys = self.folder / "pki"
        keys.mkdir()
        self.ca = CertificateAuthority(keys)
        account_key = ec.generate_private_key(ec.SECP256R1())
        write_key(account_key, keys / "account.key")
        (keys / "account.pub").write_bytes(
            account_key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        pair = self.ca.issue([], common="testbed-admin", organisation="system:masters")
        self.admin = Credentials(pair)
        kubeconfig.write(self.kubeconfig, self.server, self.ca.certificate, self.admin)
        return control_plane_flags.Files(
            data=self.folder,
            authority=self.ca.certificate,
            authority_key=self.ca.key,
            serving=self.ca.issue(control_plane_flags.API_SERVER_NAMES),
            kubelet_client=self.ca.issue(
                [], common="testbed-api-server", organisation="system:masters"
            ),
            account_key=keys / "account.key",
            account_public_key=keys / "account.pub",
            manager_kubeconfig=self.user_kubeconfig("system:kube-controller-manager"),
            scheduler_kubeconfig=self.user_kubeconfig("system:kube-scheduler"),
        )

    def _launch(self, name: str) -> None:
        self.servers[name] = Server(name, self._commands[name], self.folder / f"{name}.log")
        # The controllers end at once when there is no API server yet.
        if name == "kube-apiserver":
            self._wait_for_api_server()

    def _require_alive(self) -> None:
        for server in self.servers.values():
            server.require_alive()

    def _wait_for_api_server(self) -> None:
        client = self.kube().client

        def ready() -> bool:
            self._require_alive()
            try:
                return client.raw("GET", "/readyz") == b"ok"
            except (OSError, ApiError, http.client.HTTPException):
                return False  # not listening yet, or still starting its parts

        wait_until(ready, _READY_S, f"the API server to be ready (log: {self.folder})")

    def wait_for_controllers(self, namespace: str = "default") -> None:
        """Wait until `namespace` has its service account, without which it refuses pods."""
        kube = self.kube(namespace)

        def account() -> bool:
            self._require_alive()
            return kube.find("v1/ServiceAccount", "default") is not None

        wait_until(account, _READY_S, f"the controllers to work (log: {self.folder})")
