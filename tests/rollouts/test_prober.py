"""The prober against real pods: how often in a row they answer, and what counts as an answer."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from rollouts.controller.prober import Prober
from rollouts.model import HealthView
from rollouts.strategies import Check

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = ("prod", "lending")
CHECKS = (Check("/healthz", times=2),)


class Pod(ThreadingHTTPServer):
    """Answers what it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.kind = 200, "text/plain"
        self.asked: list[str] = []
        self.thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self.thread.join()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Pod

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(self.server.status)
        self.send_header("Content-Type", self.server.kind)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def pod() -> Iterator[Pod]:
    made = Pod()
    yield made
    made.close()


@pytest.fixture
def prober() -> Iterator[Prober]:
    made = Prober()
    yield made
    made.close()


def as_object(*, ready: bool = True, uid: str = "u1") -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {
        "metadata": {"name": "green-1", "uid": uid},
        "status": {"podIP": "127.0.0.1", "conditions": conditions},
    }


def look(prober: Prober, pod: Pod, *pods: dict[str, Any], candidate: str = "a") -> HealthView:
    """One look with a round of asking in it."""
    threading.Event().wait(prober.next_look_s(KEY) or 0)
    port = pod.server_address[1]
    view = prober.look(KEY, candidate, CHECKS, list(pods or [as_object()]), port)
    assert view is not None
    return view


def test_a_pod_passes_when_it_answered_often_enough_in_a_row(pod: Pod, prober: Prober) -> None:
    assert look(prober, pod) == HealthView(0)
    assert look(prober, pod) == HealthView(1)
    pod.status = 503
    failed = look(prober, pod)
    assert failed.passed == 0
    assert "503" in failed.message
    assert "green-1" in failed.message
    pod.status = 200
    assert look(prober, pod).passed == 0, "from the beginning again"
    assert look(prober, pod).passed == 1
    assert set(pod.asked) == {"/healthz"}


@pytest.mark.parametrize(
    ("status", "kind"), [(204, "text/plain"), (302, "x/y"), (200, "text/html")]
)
def test_only_a_plain_200_counts(pod: Pod, prober: Prober, status: int, kind: str) -> None:
    pod.status, pod.kind = status, kind
    look(prober, pod)
    assert look(prober, pod).passed == 0


def test_pods_that_are_not_ready_and_new_candidates_begin_at_nothing(
    pod: Pod, prober: Prober
) -> None:
    assert look(prober, pod, as_object(ready=False)) == HealthView(0)
    assert pod.asked == []
    look(prober, pod)
    assert look(prober, pod).passed == 1
    assert look(prober, pod, as_object(uid="u2")).passed == 0, "another pod of that address"
    assert look(prober, pod, as_object(uid="u2")).passed == 1
    assert look(prober, pod, candidate="b").passed == 0


def test_between_rounds_nobody_is_asked(pod: Pod, prober: Prober) -> None:
    look(prober, pod)
    port = pod.server_address[1]
    for _ in range(5):
        prober.look(KEY, "a", CHECKS, [as_object()], port)
    assert len(pod.asked) == 1
    assert prober.look(KEY, "a", (), [as_object()], port) is None
    assert prober.next_look_s(KEY) is None
