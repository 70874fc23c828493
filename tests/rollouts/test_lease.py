"""One writer: two of them and a Lease in a simulated API server."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest

from rollouts import kube
from rollouts.controller.lease import Leadership, LeaseName, NotLeader
from tests.rollouts.simulated.cluster import FakeCluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DURATION_S = 0.8


@pytest.fixture
def cluster() -> FakeCluster:
    made = FakeCluster(lambda: "2026-01-01T00:00:00Z")
    made.objects[kube.LEASES] = {}
    made.changes[kube.LEASES] = 0
    return made


class Candidate:
    """A process that wants to lead."""

    def __init__(self, cluster: FakeCluster, identity: str) -> None:
        self.lost = threading.Event()
        self.stopped = threading.Event()
        name = LeaseName("system", "holdpoint", identity, DURATION_S)
        self.leadership = Leadership(cast("kube.Cluster", cluster), name, self.lost.set)
        self.thread = threading.Thread(target=self.leadership.acquire, args=(self.stopped,))

    @property
    def leads(self) -> bool:
        return self.leadership.held


@contextmanager
def candidates(cluster: FakeCluster, *identities: str) -> Iterator[list[Candidate]]:
    made = [Candidate(cluster, identity) for identity in identities]
    try:
        yield made
    finally:
        for one in made:
            one.stopped.set()
            if one.thread.ident is not None:
                one.thread.join(10)
            one.leadership.release()


def wait_until(condition: Callable[[], Any], what: str) -> None:
    ends = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends, what
        time.sleep(0.01)


def holder(cluster: FakeCluster) -> str:
    return str(cluster.get(kube.LEASES, "system", "holdpoint")["spec"]["holderIdentity"])


def test_the_first_leads_and_the_second_waits(cluster: FakeCluster) -> None:
    with candidates(cluster, "a", "b") as (a, b):
        a.thread.start()
        wait_until(lambda: a.leads, "a leads")
        b.thread.start()
        renewals = len(cluster.writes) + 6
        wait_until(lambda: len(cluster.writes) >= renewals, "a renews its Lease")
        assert a.leads
        assert not b.leads
        with pytest.raises(NotLeader):
            b.leadership.require()
        a.leadership.release()
        wait_until(lambda: b.leads, "b leads at once when the Lease is given away")
        assert not a.leads


def test_a_leader_that_cannot_renew_stops_writing_before_another_begins(
    cluster: FakeCluster,
) -> None:
    def partitioned(_: int) -> None:
        if threading.current_thread().name == "lease":
            raise kube.Unreachable("no way through")

    with candidates(cluster, "a", "b") as (a, b):
        a.thread.start()
        wait_until(lambda: a.leads, "a leads")
        cluster.on_write = partitioned  # renewals fail, acquiring is done in another thread
        b.thread.start()
        wait_until(a.lost.is_set, "a notices")
        assert not a.leads
        with pytest.raises(NotLeader):
            a.leadership.require()
        cluster.on_write = lambda _: None
        wait_until(lambda: b.leads, "b takes over")
        assert holder(cluster) == "b"


def test_a_holder_whose_clock_is_wrong_is_not_robbed(cluster: FakeCluster) -> None:
    """Only standing still counts, as seen from here; what the Lease says about time does not."""
    spec = {
        "holderIdentity": "old",
        "leaseDurationSeconds": 3600,
        "renewTime": "1999-01-01T00:00:00.000000Z",
    }
    metadata = {"name": "holdpoint", "namespace": "system"}
    cluster.put_new(kube.LEASES, {"metadata": metadata, "spec": spec})
    looks: list[int] = []
    original = cluster.get

    def counted(resource: kube.Resource, namespace: str | None, name: str) -> Any:
        looks.append(1)
        return original(resource, namespace, name)

    cluster.get = counted  # type: ignore[method-assign]
    with candidates(cluster, "a") as (a,):
        a.thread.start()
        wait_until(lambda: len(looks) > 5, "a looks several times")
        assert not a.leads
        assert cluster.writes == []


def test_the_same_identity_may_take_its_own_lease_back(cluster: FakeCluster) -> None:
    with candidates(cluster, "pod-0") as (first,):
        first.thread.start()
        wait_until(lambda: first.leads, "the first leads")
        first.stopped.set()
        # Killed: it neither renews nor gives the Lease away.
        with candidates(cluster, "pod-0") as (second,):
            second.thread.start()
            second.thread.join(10)
            assert second.leads
