"""What every pod of a node shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.testbed.api import ApiClient
    from tests.testbed.kubelet.addresses import AddressPool
    from tests.testbed.kubelet.events import Events
    from tests.testbed.kubelet.images import Images


@dataclass(frozen=True)
class Backoff:
    """Doubling delays in seconds between restarts, and between tries to find an image.

    A real kubelet begins at 10 s and ends at 300 s; tests are in more of a hurry. A container that
    ran for `reset_after_s` is forgiven.
    """

    first_s: float = 1.0
    longest_s: float = 30.0
    reset_after_s: float = 600.0

    def delay(self, failures: int) -> float:
        """The delay before the next try after `failures` failures that were themselves delayed."""
        return min(self.first_s * 2.0**failures, self.longest_s)


@dataclass(frozen=True)
class Surroundings:
    """A node, as its pods see it."""

    node_name: str
    node_address: str
    api_address: tuple[str, int]
    client: ApiClient
    images: Images
    addresses: AddressPool
    events: Events
    folder: Path
    backoff: Backoff
