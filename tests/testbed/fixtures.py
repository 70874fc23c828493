"""The testbed as pytest fixtures. A conftest loads them with

    from tests.testbed.fixtures import *

The cluster is one for the session; each test has a namespace of its own.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

import pytest

from tests.testbed import existing, netns
from tests.testbed.control_plane import ControlPlane
from tests.testbed.gateway import Gateway
from tests.testbed.kubelet.kubelet import Kubelet
from tests.testbed.oci import ImageStore
from tests.testbed.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.testbed.existing import Cluster
    from tests.testbed.kube import Kube

__all__ = [
    "cluster",
    "control_plane",
    "gateway",
    "image_store",
    "kube",
    "kubelet",
    "namespace",
    "registry",
]


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Any cluster: the one that KUBECONFIG names when asked for, else the testbed's own."""
    if existing.is_wanted():
        return existing.ExistingCluster(tmp_path_factory.mktemp("cluster"))
    own: ControlPlane = request.getfixturevalue("control_plane")
    return own


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """API server, controllers and scheduler; fails outside the testbed's namespace."""
    if existing.is_wanted():
        pytest.skip("This test runs processes and images that only the testbed's own cluster has.")
    if not netns.is_inside():
        pytest.fail(netns.OUTSIDE, pytrace=False)
    with ControlPlane(tmp_path_factory.mktemp("control-plane")) as started:
        yield started


@pytest.fixture(scope="session")
def image_store(tmp_path_factory: pytest.TempPathFactory) -> ImageStore:
    """The OCI layout that pods run from: build images into it."""
    return ImageStore(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def registry(image_store: ImageStore) -> Iterator[Registry]:
    """An OCI registry that serves `image_store`."""
    with Registry(image_store) as started:
        yield started


@pytest.fixture(scope="session")
def kubelet(
    control_plane: ControlPlane,
    image_store: ImageStore,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Kubelet]:
    """The node that runs all pods."""
    with Kubelet(control_plane, image_store, tmp_path_factory.mktemp("kubelet")) as started:
        yield started


@pytest.fixture(scope="session")
def gateway(control_plane: ControlPlane) -> Iterator[Gateway]:
    """Traefik with the Gateway `testbed-gateway/testbed`, and the Gateway API's CRDs."""
    with Gateway(control_plane) as started:
        yield started


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh namespace, named after the test; its deletion is begun and not waited for."""
    stem = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40].strip("-")
    name = f"{stem}-{secrets.token_hex(3)}"
    kube = cluster.kube()
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    # Pods are refused until the namespace has its service account.
    kube.within(name).wait_until("v1/ServiceAccount", "default", bool, "exist")
    yield name
    kube.delete("v1/Namespace", name)


@pytest.fixture
def kube(cluster: Cluster, namespace: str) -> Kube:
    """The administrator's view of the cluster, in the test's namespace."""
    return cluster.kube(namespace)
