"""The cluster for these tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster import workloads
from tests.cluster.rollout_bed import bed, images, installed  # noqa: F401 - fixtures
from tests.testbed.fixtures import *  # noqa: F403

if TYPE_CHECKING:
    from tests.testbed.oci import ImageStore
    from tests.testbed.registry import Registry


@pytest.fixture(scope="session")
def server_image(image_store: ImageStore, registry: Registry) -> str:
    """A reference, by digest, to an image of `workloads.SERVER`."""
    digest = image_store.build(workloads.SERVER_FILES, command=workloads.SERVER_COMMAND)
    return registry.reference("acme/server", digest)
