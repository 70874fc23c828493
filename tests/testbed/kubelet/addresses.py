"""Pod addresses. The whole range is local to the namespace, so taking one is bookkeeping."""

from __future__ import annotations

import ipaddress
import itertools
import threading

from tests.testbed.netns import NODE_ADDRESS, POD_NETMASK


class AddressPool:
    """Hands out the addresses of the pod range in turn.

    An address comes round again only after all the others, so that a client which still believes
    in a pod that is gone does not reach another pod by mistake.
    """

    def __init__(self) -> None:
        network = ipaddress.ip_network(f"{NODE_ADDRESS}/{POD_NETMASK}", strict=False)
        self._order = itertools.cycle(
            str(address) for address in network.hosts() if str(address) != NODE_ADDRESS
        )
        self._taken: set[str] = set()
        self._lock = threading.Lock()

    def take(self) -> str:
        with self._lock:
            address = next(free for free in self._order if free not in self._taken)
            self._taken.add(address)
            return address

    def give_back(self, address: str) -> None:
        with self._lock:
            self._taken.discard(address)
