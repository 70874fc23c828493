"""The command lines of the four control plane programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.testbed.netns import NODE_ADDRESS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.testbed.pki import KeyPair

SERVICE_CIDR = "10.96.0.0/16"
_API_SERVICE_ADDRESS = "10.96.0.1"
API_SERVER_NAMES = (
    "127.0.0.1",
    "localhost",
    NODE_ADDRESS,
    _API_SERVICE_ADDRESS,
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
)
_ISSUER = "https://kubernetes.default.svc"


@dataclass(frozen=True)
class Files:
    """Where the programs find what they share."""

    data: Path
    authority: Path
    authority_key: Path
    serving: KeyPair
    kubelet_client: KeyPair
    account_key: Path
    account_public_key: Path
    manager_kubeconfig: Path
    scheduler_kubeconfig: Path


def etcd(files: Files, client_port: int, peer_port: int) -> list[str]:
    client, peer = f"http://127.0.0.1:{client_port}", f"http://127.0.0.1:{peer_port}"
    return [
        f"--data-dir={files.data / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        # The data lives as long as the processes do: nothing is gained by waiting for the disk.
        "--unsafe-no-fsync=true",
        "--log-level=warn",
    ]


def api_server(files: Files, etcd_port: int, port: int) -> list[str]:
    return [
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        "--bind-address=0.0.0.0",
        f"--advertise-address={NODE_ADDRESS}",
        f"--secure-port={port}",
        f"--tls-cert-file={files.serving.certificate}",
        f"--tls-private-key-file={files.serving.key}",
        f"--client-ca-file={files.authority}",
        f"--service-cluster-ip-range={SERVICE_CIDR}",
        f"--service-account-issuer={_ISSUER}",
        f"--service-account-key-file={files.account_public_key}",
        f"--service-account-signing-key-file={files.account_key}",
        f"--kubelet-certificate-authority={files.authority}",
        f"--kubelet-client-certificate={files.kubelet_client.certificate}",
        f"--kubelet-client-key={files.kubelet_client.key}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--requestheader-client-ca-file={files.authority}",
        "--requestheader-allowed-names=front-proxy",
        "--anonymous-auth=false",
        "--profiling=false",
    ]


def controller_manager(files: Files, port: int) -> list[str]:
    config = files.manager_kubeconfig
    return [
        f"--kubeconfig={config}",
        f"--authentication-kubeconfig={config}",
        f"--authorization-kubeconfig={config}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={files.data / 'controller-manager'}",
        f"--service-account-private-key-file={files.account_key}",
        f"--root-ca-file={files.authority}",
        f"--cluster-signing-cert-file={files.authority}",
        f"--cluster-signing-key-file={files.authority_key}",
        # Each controller under its own name, as in real clusters: admission policies see names.
        "--use-service-account-credentials=true",
        # One instance: it need not wait for a lease.
        "--leader-elect=false",
        "--profiling=false",
    ]


def scheduler(files: Files, port: int) -> list[str]:
    config = files.scheduler_kubeconfig
    return [
        f"--kubeconfig={config}",
        f"--authentication-kubeconfig={config}",
        f"--authorization-kubeconfig={config}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={files.data / 'scheduler'}",
        "--leader-elect=false",
        "--profiling=false",
    ]
