"""The controller as a process: its endpoint on a real socket, its metrics, and an orderly end."""

from __future__ import annotations

import http.client
import io
import json
import logging
import re
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rollouts import kube, resources
from rollouts.controller import ControllerProcess, LeaseName, Options, log_as_json
from rollouts.controller.metrics import Metrics, Standing
from rollouts.controller.serving import Endpoint, Pages
from tests.rollouts.simulated.cluster import FakeCluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE = Path(__file__).parents[2] / "docs/reference/controller-metrics.md"
QUIET_S = 0.05


class ListedCluster(FakeCluster):
    """Also lists, and watches that nothing happens."""

    def __init__(self) -> None:
        super().__init__(lambda: "2026-01-01T00:00:00Z")
        for kind in (kube.LEASES, resources.VIRTUAL_SERVICES, resources.INGRESSES):
            self.objects[kind], self.changes[kind] = {}, 0
        self.listable = threading.Event()

    def list(self, resource: kube.Resource, namespace: str | None, *, labels: str = "") -> Any:
        if not self.listable.wait(QUIET_S):
            raise kube.Unreachable("cannot list: it is not up yet")
        return kube.ListResult(tuple(self.objects[resource].values()), "1")

    def watch(self, *_: Any, timeout_s: float, labels: str = "") -> Iterator[kube.WatchEvent]:
        time.sleep(QUIET_S)  # the server's end of it, not the test's
        return iter(())


class Running:
    """A controller in a thread; `code` is what it ended with."""

    def __init__(self, cluster: ListedCluster) -> None:
        lease = LeaseName("system", "holdpoint", "me", 0.8)
        options = Options(None, lease, "127.0.0.1", 0)
        self.process = ControllerProcess(cast("kube.Cluster", cluster), options)
        self.code: int | None = None
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.code = self.process.run()

    def get(self, path: str) -> tuple[int, str]:
        return get(self.process.endpoint.address, path)


def get(address: str, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@contextmanager
def running(cluster: ListedCluster) -> Iterator[Running]:
    made = Running(cluster)
    made.thread.start()
    try:
        yield made
    finally:
        made.process.stop()
        made.thread.join(30)
        assert not made.thread.is_alive()


def wait_until(condition: Callable[[], object], what: str) -> None:
    ends = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends, f"waited 20 s for {what}"
        time.sleep(0.01)


def samples(page: str) -> dict[str, float]:
    families = text_string_to_metric_families(page)
    return {
        sample.name + "".join(sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def exported() -> set[str]:
    """The names of all families of the page, as Prometheus will see them."""
    metrics = Metrics()
    metrics.hears("pods", lambda: 1.0)
    page = metrics.page().decode()
    kinds = re.findall(r"^# TYPE (holdpoint_\w+) (\w+)$", page, flags=re.MULTILINE)
    return {name for name, _ in kinds if not name.endswith("_created")}


def test_it_is_healthy_at_once_ready_when_it_has_looked_and_then_leads() -> None:
    cluster = ListedCluster()
    with running(cluster) as controller:
        wait_until(lambda: controller.get("/healthz") == (200, "ok\n"), "its health")
        status, why = controller.get("/readyz")
        assert status == 503
        assert "modeldeployments" in why
        cluster.listable.set()
        wait_until(lambda: controller.get("/readyz") == (200, "ok\n"), "it to be ready")
        wait_until(lambda: samples(controller.get("/metrics")[1])["holdpoint_leader"] == 1, "lead")
        shown = samples(controller.get("/metrics")[1])
        assert 0 <= shown["holdpoint_informer_silence_secondsmodeldeployments"] < 20
        assert shown["holdpoint_queue_depth"] == 0
        assert shown["process_resident_memory_bytes"] > 1 << 20


def test_it_ends_in_order_and_gives_the_lease_away() -> None:
    cluster = ListedCluster()
    cluster.listable.set()
    with running(cluster) as controller:
        wait_until(lambda: cluster.objects[kube.LEASES], "the Lease")
        wait_until(lambda: controller.get("/readyz")[0] == 200, "it to be ready")
    assert controller.code == 0
    lease = cluster.get(kube.LEASES, "system", "holdpoint")
    assert lease["spec"]["holderIdentity"] == ""
    with pytest.raises(OSError, match="refused"):
        controller.get("/healthz")


def test_a_lost_lease_ends_it_with_another_code() -> None:
    cluster = ListedCluster()
    cluster.listable.set()
    with running(cluster) as controller:
        wait_until(lambda: cluster.objects[kube.LEASES], "the Lease")

        def steal(lease: dict[str, Any]) -> None:
            lease["spec"] |= {"holderIdentity": "another", "renewTime": "2026-01-01T00:00:01Z"}

        cluster.change(kube.LEASES, "holdpoint", steal)
        controller.thread.join(20)
        assert controller.code == 1


def test_while_it_stops_it_is_healthy_and_not_ready() -> None:
    """Else the kubelet would kill it in the middle of its last write."""
    process = Running(ListedCluster()).process
    process.endpoint.start()
    process.stop()
    try:
        assert get(process.endpoint.address, "/readyz") == (503, "stopping\n")
        assert get(process.endpoint.address, "/healthz") == (200, "ok\n")
    finally:
        process.endpoint.stop()


def test_an_unknown_page_says_which_there_are() -> None:
    endpoint = Endpoint("127.0.0.1", 0, Pages(str, str, bytes))
    endpoint.start()
    try:
        status, said = get(endpoint.address, "/")
        assert (status, "/metrics" in said) == (404, True)
    finally:
        endpoint.stop()


def test_a_deployment_that_is_gone_leaves_no_series() -> None:
    metrics = Metrics()
    metrics.shows(
        "prod",
        "fraud",
        Standing(25, under_way=True, unconfirmed=True, unreadable=True, blocked=True),
    )
    shown = samples(metrics.page().decode())
    assert shown["holdpoint_candidate_weight_percentfraudprod"] == 25
    assert shown["holdpoint_analysis_unreadablefraudprod"] == 1
    metrics.forget("prod", "fraud")
    assert not [name for name in samples(metrics.page().decode()) if "fraud" in name]


def test_every_metric_is_documented_and_no_other() -> None:
    listed = re.findall(r"^\| `(holdpoint_\w+)` \|", PAGE.read_text(), flags=re.MULTILINE)
    assert sorted(listed) == sorted(exported())


def test_a_log_line_is_json_with_the_reason_code(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    root, ours = logging.getLogger(), logging.getLogger("rollouts")
    before = (root.handlers, root.level, ours.level)
    try:
        log_as_json("info")
        logging.getLogger("rollouts.x").info("asked for 25", extra={"reason": "WeightAsked"})
    finally:
        root.handlers = before[0]
        root.setLevel(before[1])
        ours.setLevel(before[2])
    line = json.loads(stream.getvalue())
    assert line["message"] == "asked for 25"
    assert (line["level"], line["reason"]) == ("info", "WeightAsked")
