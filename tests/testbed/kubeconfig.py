"""Kubeconfig files with one cluster and one user."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

    from tests.testbed.pki import KeyPair


@dataclass(frozen=True)
class Credentials:
    """Who a client is: a client certificate or a bearer token."""

    certificate: KeyPair | None = None
    token: str | None = None


def _inline(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")


def _user(who: Credentials) -> dict[str, str]:
    if who.token is not None:
        return {"token": who.token}
    if who.certificate is None:
        raise ValueError("Credentials need a certificate or a token; these have neither.")
    return {
        "client-certificate-data": _inline(who.certificate.certificate),
        "client-key-data": _inline(who.certificate.key),
    }


def write(
    path: Path, server: str, authority: Path, who: Credentials, *, namespace: str = "default"
) -> Path:
    """Write a kubeconfig for `server` (an https URL), readable by its owner only."""
    name = "holdpoint-testbed"
    content: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [
            {
                "name": name,
                "cluster": {"server": server, "certificate-authority-data": _inline(authority)},
            }
        ],
        "users": [{"name": name, "user": _user(who)}],
        "contexts": [
            {"name": name, "context": {"cluster": name, "user": name, "namespace": namespace}}
        ],
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path
