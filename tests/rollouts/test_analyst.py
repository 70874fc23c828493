"""The analyst with real HTTP between it and two services: it counts, and counts nothing twice."""

from __future__ import annotations

import json
import math
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from rollouts.analysis import Kind
from rollouts.analysis.events import MEMORY
from rollouts.controller.analyst import Analyst, arms_of
from rollouts.controller.metrics import Metrics
from rollouts.controller.observing import Belongings
from rollouts.model import (
    Aim,
    AnalysisView,
    ModelDeployment,
    Phase,
    Revision,
    Status,
    Weight,
    parse_deployment,
    parse_status,
)
from rollouts.reasons import Reason
from tests.rollouts.simulated.world import model_deployment

if TYPE_CHECKING:
    from collections.abc import Iterator

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
NEW, OLD = Revision("lending-2", "2", "i"), Revision("lending-1", "1", "i")
MOVING = Status(
    phase=Phase.PROGRESSING,
    stable=OLD,
    candidate=NEW,
    weight=Weight(25, 25),
    write_sequence=1,
    confirmed_sequence=1,
    started_at=BEGAN,
)


class Pod:
    """A service's counters behind a real socket."""

    def __init__(self) -> None:
        pod = self
        self.requests = self.errors = self.slow = 0
        self.broken = False

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                text = f"r {pod.requests}\ne {pod.errors}\n"
                quick = pod.requests - pod.slow
                text += f't_bucket{{le="0.1"}} {quick}\nt_bucket{{le="+Inf"}} {pod.requests}\n'
                body = b"<html>" if pod.broken else text.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))

    def serve(self, requests: int, errors: int = 0, slow: int = 0) -> None:
        self.requests += requests
        self.errors += errors
        self.slow += slow

    def as_object(self, name: str, created: str) -> dict[str, Any]:
        port = self.server.server_address[1]
        return {
            "metadata": {
                "name": name,
                "uid": name,
                "creationTimestamp": created,
                "annotations": {"port": str(port)},
            },
            "spec": {"containers": [{"name": "model", "ports": [{"containerPort": port}]}]},
            "status": {"phase": "Running", "podIP": "127.0.0.1"},
        }


@contextmanager
def pods() -> Iterator[tuple[Pod, Pod]]:
    both = (Pod(), Pod())
    for pod in both:
        pod.thread.start()
    try:
        yield both
    finally:
        for pod in both:
            pod.server.shutdown()
            pod.server.server_close()
            pod.thread.join()


def deployment(strategy: str = "Canary") -> ModelDeployment:
    analysis = {
        "intervalSeconds": 0.2,
        "metrics": {"type": "Pods", "pods": {"requests": "r", "errors": "e", "latency": "t"}},
    }
    body = model_deployment(analysis=analysis, strategy={"type": strategy})
    return parse_deployment({**body, "metadata": {"name": "lending", "namespace": "prod"}})


class Rig:
    """Two pods, an analyst that may be replaced (a crash), and a clock in our hands."""

    def __init__(self, newer: Pod, older: Pod) -> None:
        self.newer, self.older = newer, older
        self.status = MOVING
        self.strategy = "Canary"
        self.now = BEGAN
        self.analyst = Analyst(Metrics())

    def look(self) -> AnalysisView:
        """One look with a tick in it."""
        key = ("prod", "lending")
        wait = threading.Event()
        wait.wait(self.analyst.next_tick_s(key) or 0)
        self.now += timedelta(seconds=1)
        born = {NEW.name: {"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"}}}
        belongings = Belongings(
            records={},
            deployments=born,
            services={},
            pods={
                NEW.name: [self.newer.as_object("new", "2026-01-01T00:00:01Z")],
                OLD.name: [self.older.as_object("old", "2025-12-01T00:00:00Z")],
            },
            endpoints={},
        )
        view = self.analyst.look(deployment(self.strategy), self.status, belongings, self.now)
        assert view is not None
        return view

    def save(self, view: AnalysisView) -> None:
        """What a checkpoint does, through the API server's JSON."""
        data = json.loads(json.dumps(replace(self.status, analysis=view.record).to_json()))
        self.status = parse_status(data)

    def crash(self) -> None:
        self.analyst.close()
        self.analyst = Analyst(Metrics())


@pytest.fixture
def rig() -> Iterator[Rig]:
    with pods() as (newer, older):
        made = Rig(newer, older)
        yield made
        made.analyst.close()


def totals(view: AnalysisView) -> tuple[int, int, int, int]:
    assert view.judgement is not None
    candidate, stable = view.judgement.candidate, view.judgement.stable
    return candidate.requests, candidate.errors, stable.requests, stable.errors


def test_p5_a_crash_between_a_tick_and_its_checkpoint_counts_nothing_twice(rig: Rig) -> None:
    rig.look()
    rig.newer.serve(100, 1)
    rig.older.serve(300)
    rig.save(rig.look())
    rig.newer.serve(10)
    rig.look()  # counted, and lost with the process
    rig.crash()
    rig.newer.serve(5)
    assert totals(rig.look()) == (115, 1, 300, 0)


def test_p5_latency_is_not_counted_twice_either(rig: Rig) -> None:
    rig.look()
    for _ in range(2):  # the first time is the warm-up, and where counting begins
        rig.newer.serve(100)
        rig.older.serve(300)
        view = rig.look()
    rig.save(view)
    rig.newer.serve(10)
    rig.look()  # counted, and lost with the process
    rig.crash()
    rig.newer.serve(5)
    record = rig.look().record
    assert record is not None
    _, (_, (candidate, *_), _), _ = record["checkpoint"]["state"]["latency"]
    faded = 100 * math.exp(-15 / MEMORY) + 15
    assert candidate == pytest.approx(faded, abs=0.5)


def test_a_failing_candidate_is_worse_after_seconds(rig: Rig) -> None:
    rig.look()
    for _ in range(10):
        rig.newer.serve(25, 5)
        rig.older.serve(75)
        view = rig.look()
        if view.judgement is not None and view.judgement.kind is Kind.WORSE:
            break
    assert view.judgement is not None
    assert view.judgement.kind is Kind.WORSE
    assert view.record is not None
    assert view.record["verdict"] == "worse"


def test_a_slower_candidate_is_worse_without_a_single_error(rig: Rig) -> None:
    rig.look()
    for _ in range(12):
        rig.newer.serve(100, slow=50)
        rig.older.serve(300, slow=30)
        view = rig.look()
        rig.save(view)
        rig.crash()  # each time: what was measured is in the checkpoint
        if view.judgement is not None and view.judgement.kind is Kind.WORSE:
            break
    assert view.judgement is not None
    assert view.judgement.kind is Kind.WORSE, view.judgement.message
    assert view.judgement.candidate.errors == 0


def test_pods_that_cannot_be_read_are_evidence_of_nothing(rig: Rig) -> None:
    rig.look()
    rig.newer.broken = True
    rig.newer.serve(1000, 1000)
    view = rig.look()
    assert view.judgement is not None
    assert view.judgement.kind is Kind.UNDECIDED
    assert not view.readable
    rig.newer.broken = False
    assert totals(rig.look())[:2] == (1000, 1000), "counters are cumulative: nothing was lost"


def test_quiet_means_that_the_candidates_counters_stand_still(rig: Rig) -> None:
    rig.look()
    rig.newer.serve(5)
    assert rig.look().quiet_since is None
    rig.older.serve(50)
    first = rig.look().quiet_since
    assert first == rig.now
    assert rig.look().quiet_since == first
    rig.newer.serve(1)
    assert rig.look().quiet_since is None


def test_a_checkpoint_of_another_rollout_is_not_used(rig: Rig) -> None:
    rig.look()
    rig.newer.serve(100)
    rig.save(rig.look())
    rig.crash()
    rig.status = replace(rig.status, started_at=BEGAN + timedelta(hours=1))
    rig.older.serve(7)
    assert totals(rig.look())[2] == 0, "stable counts from now on"


@pytest.mark.parametrize(
    ("change", "compared"),
    [
        ({}, ("lending-2", "lending-1", True)),
        ({"weight": Weight(0, 0)}, None),
        ({"weight": Weight(25, 0)}, ("lending-2", "lending-1", True)),
        ({"weight": Weight(100, 25)}, ("lending-2", "lending-1", True)),
        ({"weight": Weight(100, 100)}, ("lending-2", "lending-1", False)),
        ({"weight": Weight(0, 25), "phase": Phase.ROLLING_BACK}, ("lending-2", "lending-1", True)),
        ({"stable": None}, None),
        ({"aim": Aim.RETURN}, None),
        (
            {"phase": Phase.BAKING, "stable": NEW, "previous": OLD, "candidate": None},
            ("lending-2", "lending-1", False),
        ),
        ({"phase": Phase.STABLE, "candidate": None}, None),
    ],
)
def test_who_is_compared(change: dict[str, Any], compared: tuple[str, str, bool] | None) -> None:
    arms = arms_of(replace(MOVING, **change))
    assert (arms and (arms.newer, arms.older, arms.concurrent)) == compared


@pytest.mark.parametrize(
    ("weight", "beside", "share"),
    [
        (Weight(25, 25), False, 0.25),
        (Weight(50, 25), False, None),
        (Weight(25, 25), True, None),
    ],
)
def test_which_share_is_expected(weight: Weight, beside: bool, share: float | None) -> None:
    arms = arms_of(replace(MOVING, weight=weight), beside=beside)
    assert arms is not None
    assert arms.share == share


def test_a_candidate_that_hardly_gets_any_of_its_share_is_not_called_fine(rig: Rig) -> None:
    rig.look()
    for _ in range(25):
        rig.newer.serve(40)
        rig.older.serve(4000)
        view = rig.look()
    assert view.judgement is not None
    assert view.judgement.kind is Kind.UNDECIDED
    assert view.judgement.reason is Reason.SAMPLE_RATIO_MISMATCH


def test_before_a_switch_stable_is_counted_and_what_looks_at_green_is_not(rig: Rig) -> None:
    rig.strategy = "BlueGreen"
    rig.status = replace(MOVING, weight=Weight())
    rig.look()
    rig.older.serve(500, 5)
    rig.newer.serve(20, 20)  # checks, and people at the preview
    assert totals(rig.look()) == (0, 0, 500, 5)
    rig.status = replace(MOVING, weight=Weight(100, 100))
    rig.look()
    rig.newer.serve(400, 200)
    view = rig.look()
    assert totals(view) == (400, 200, 500, 5)
    assert view.judgement is not None
    assert view.judgement.kind is Kind.WORSE, "compared with what stable had before the switch"
