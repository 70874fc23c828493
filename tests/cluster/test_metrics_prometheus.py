"""A rollout that is judged by what a real gateway counted, through a real Prometheus."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from rollouts.metrics import Arm, sources
from rollouts.metrics.prometheus import PROVIDER
from tests.cluster.load import Load
from tests.cluster.rollout_bed import Bed, Images, start
from tests.testbed import binaries
from tests.testbed.ports import free_port
from tests.testbed.processes import Server
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rollouts.metrics import Sample
    from tests.testbed.gateway import Gateway

METRICS = {"type": "Prometheus", "prometheus": {"source": "main", "preset": "Traefik"}}


@pytest.fixture
def prometheus(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    """Scrapes the gateway; the controller and this test reach it as the source `main`."""
    port = free_port()
    scrape = {
        "job_name": "traefik",
        "scrape_interval": "500ms",
        "scrape_timeout": "500ms",
        "static_configs": [{"targets": [f"{gateway.host}:{gateway.metrics_port}"]}],
    }
    (tmp_path / "prometheus.yml").write_text(json.dumps({"scrape_configs": [scrape]}))
    main = tmp_path / "sources/main"
    main.mkdir(parents=True)
    (main / "url").write_text(f"http://127.0.0.1:{port}")
    monkeypatch.setenv(sources.FOLDER_VARIABLE, str(main.parent))
    server = Server(
        "prometheus",
        [
            binaries.prometheus(),
            f"--config.file={tmp_path}/prometheus.yml",
            f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        tmp_path / "prometheus.log",
    )
    yield server
    server.stop()


def read(bed: Bed, revision: str) -> list[Sample]:
    query = PROVIDER.query(METRICS, Arm(bed.kube.namespace, revision))
    body = sources.ask(sources.known("main"), query, deadline_s=20)
    return list(PROVIDER.samples(METRICS, body).values())


def test_a_failing_candidate_is_taken_back_by_what_the_gateway_counted(
    prometheus: Server, bed: Bed, images: Images
) -> None:
    first = start(bed, images.build("1"), analysis={"intervalSeconds": 1, "metrics": METRICS})
    with Load(bed.gateway.port, bed.host):
        wait_until(
            lambda: any(s.requests > 100 and s.latency for s in read(bed, first)),
            60,
            "the gateway's figures of the first revision",
        )
        bad = images.build("3")
        bed.edit(image=bad, env=[{"name": "FAULT_RATE", "value": "0.3"}])
        bed.wait(lambda s: s.get("rejected"), "reject it", 120)
        status = bed.wait_stable()
    assert status["reason"] in {"CandidateWorse", "LimitBreached"}
    assert bed.weights() == {first: 100}
    said = status["history"][-1]["message"] + status["message"]
    assert " requests" in said, said
