"""A cluster that is there already, for the tests that need no node or gateway of their own."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any, Protocol

import yaml

from tests.testbed import accounts
from tests.testbed.kube import Kube

SWITCH = "HOLDPOINT_TEST_USE_CLUSTER"
Json = dict[str, Any]


class Cluster(Protocol):
    """What a test may ask of any cluster, the testbed's own or another."""

    @property
    def server(self) -> str:
        """The API server's URL."""

    @property
    def kubeconfig(self) -> Path:
        """A cluster administrator's kubeconfig, all data inline."""

    def kube(self, namespace: str = "default") -> Kube:
        """The administrator's view."""

    def service_account_kubeconfig(
        self, namespace: str, name: str, *, server: str | None = None
    ) -> Path:
        """A kubeconfig that acts as a ServiceAccount; `server` puts another URL in."""


def is_wanted() -> bool:
    """Whether the person asked for the cluster that KUBECONFIG names."""
    return os.environ.get(SWITCH) == "1"


def _named(entries: list[Json], kind: str, name: str) -> Json:
    found: Json = next(entry[kind] for entry in entries if entry["name"] == name)
    return found


def _inlined(section: Json, folder: Path, fields: tuple[str, ...]) -> Json:
    """`section` with each file that one of `fields` names put in as `FIELD-data`."""
    inline = {key: value for key, value in section.items() if key not in fields}
    for field in fields:
        if field in section:
            content = (folder / section[field]).read_bytes()
            inline[f"{field}-data"] = base64.b64encode(content).decode("ascii")
    return inline


class ExistingCluster:
    """The current context of `$KUBECONFIG`, which must log in by certificate or token."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        source = Path(os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
        if not source.is_file():
            raise RuntimeError(
                f"{SWITCH}=1 asks for an existing cluster, but there is no kubeconfig at {source}. "
                "Let KUBECONFIG name one file."
            )
        config = yaml.safe_load(source.read_text(encoding="utf-8"))
        context = _named(config["contexts"], "context", config["current-context"])
        cluster = _named(config["clusters"], "cluster", context["cluster"])
        user = _named(config["users"], "user", context["user"])
        if "exec" in user or "auth-provider" in user:
            raise RuntimeError(
                f"The user of {source} logs in by running a program, which the tests do not do; "
                "use a kubeconfig with a certificate or a token."
            )
        self.server: str = cluster["server"]
        self._write(
            _inlined(cluster, source.parent, ("certificate-authority",)),
            _inlined(user, source.parent, ("client-certificate", "client-key")),
        )

    @property
    def kubeconfig(self) -> Path:
        return self._folder / "admin.kubeconfig"

    def kube(self, namespace: str = "default") -> Kube:
        return Kube.from_kubeconfig(self.kubeconfig, namespace)

    def service_account_kubeconfig(
        self, namespace: str, name: str, *, server: str | None = None
    ) -> Path:
        return accounts.write_kubeconfig(
            self.kube(namespace),
            name,
            self._folder / f"account-{namespace}-{name}.kubeconfig",
            server=server or self.server,
            authority=self._folder / "ca.crt",
        )

    def _write(self, cluster: Json, user: Json) -> None:
        authority = base64.b64decode(cluster["certificate-authority-data"])
        (self._folder / "ca.crt").write_bytes(authority)
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "existing",
            "clusters": [{"name": "existing", "cluster": cluster}],
            "users": [{"name": "existing", "user": user}],
            "contexts": [
                {"name": "existing", "context": {"cluster": "existing", "user": "existing"}}
            ],
        }
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(yaml.safe_dump(content), encoding="utf-8")
