"""The client against a server that answers, stalls, drips and breaks off as told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from rollouts import kube
from rollouts.kube import watch as watching

if TYPE_CHECKING:
    from pathlib import Path

Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


class ScriptedServer:
    """An API server of one rule: every request goes to `answer`; what came in is kept."""

    def __init__(self, answer: Answer) -> None:
        seen: list[tuple[str, str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                seen.append((self.command, self.path, json.loads(body) if body else None))
                answer(self, body)

            do_GET = do_POST = do_PUT = do_DELETE = serve  # noqa: N815 - the base's names

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
                pass

        self.seen = seen
        self.released = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def serving(tmp_path: Path, answer: Answer, read_s: float = 5) -> Iterator[tuple[Any, Any]]:
    server = ScriptedServer(answer)
    server.thread.start()
    config = tmp_path / "kubeconfig"
    config.write_text(
        yaml.safe_dump(
            {
                "current-context": "it",
                "clusters": [{"name": "it", "cluster": {"server": server.url}}],
                "users": [{"name": "it", "user": {"token": "secret"}}],
                "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
            }
        )
    )
    cluster = kube.Cluster.connect(str(config), read_s=read_s)
    try:
        yield server, cluster
    finally:
        cluster.close()
        server.server.shutdown()
        server.server.server_close()
        server.thread.join()


def send(handler: BaseHTTPRequestHandler, status: int, body: Any, **headers: str) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def chunk(handler: BaseHTTPRequestHandler, data: bytes) -> None:
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
    handler.wfile.flush()


def start_stream(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()


def test_the_token_and_the_path_reach_the_server(tmp_path: Path) -> None:
    headers: list[str | None] = []

    def answer(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        headers.append(handler.headers.get("Authorization"))
        send(handler, 200, {"metadata": {"name": "web-1"}})

    with serving(tmp_path, answer) as (server, cluster):
        assert cluster.get(kube.PODS, "prod", "web-1")["metadata"]["name"] == "web-1"
    assert server.seen == [("GET", "/api/v1/namespaces/prod/pods/web-1", None)]
    assert headers == ["Bearer secret"]


@pytest.mark.parametrize(
    ("status", "reason", "kind", "retryable"),
    [
        (404, "NotFound", kube.NotFound, False),
        (409, "AlreadyExists", kube.AlreadyExists, False),
        (409, "Conflict", kube.Conflict, False),
        (403, "Forbidden", kube.Forbidden, False),
        (401, "Unauthorized", kube.Forbidden, False),
        (422, "Invalid", kube.Invalid, False),
        (410, "Expired", kube.Gone, False),
        (429, "TooManyRequests", kube.Unreachable, True),
        (503, "ServiceUnavailable", kube.Unreachable, True),
        (307, "", kube.ClusterError, False),
    ],
)
def test_each_refusal_has_its_type(
    tmp_path: Path, status: int, reason: str, kind: type[kube.ClusterError], retryable: bool
) -> None:
    body = {"kind": "Status", "reason": reason, "message": "because"}
    with serving(tmp_path, lambda handler, _: send(handler, status, body, Retry_After="7")) as (
        server,
        cluster,
    ):
        with pytest.raises(kube.ClusterError, match="because") as caught:
            cluster.create(kube.PODS, "prod", {"metadata": {"name": "web-1"}})
        assert type(caught.value) is kind
        assert caught.value.retryable is retryable
        assert caught.value.retry_after == 7
    assert len(server.seen) == 1, "a write is never repeated by the client"


def test_a_server_that_never_answers_ends_at_the_deadline(tmp_path: Path) -> None:
    released = threading.Event()

    def answer(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        released.wait(20)

    with serving(tmp_path, answer, read_s=0.2) as (_, cluster):
        with pytest.raises(kube.Unreachable, match="get pods web-1"):
            cluster.get(kube.PODS, "prod", "web-1")
        released.set()


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b'{"half":'])
def test_what_is_not_a_json_object_is_refused(tmp_path: Path, body: bytes) -> None:
    with (
        serving(tmp_path, lambda handler, _: send(handler, 200, body)) as (_, cluster),
        pytest.raises(kube.Unreachable, match=r"not JSON|not an object"),
    ):
        cluster.get(kube.PODS, "prod", "web-1")


def test_a_list_follows_its_pages_and_names_the_kind(tmp_path: Path) -> None:
    def answer(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        last = "continue=next" in handler.path
        items = [{"metadata": {"name": "b" if last else "a"}}]
        metadata = {"resourceVersion": "9", **({} if last else {"continue": "next"})}
        send(handler, 200, {"metadata": metadata, "items": items})

    with serving(tmp_path, answer) as (_, cluster):
        found = cluster.list(kube.DEPLOYMENTS, None, labels="a=b")
    assert [item["metadata"]["name"] for item in found.items] == ["a", "b"]
    assert found.items[0]["kind"] == "Deployment"
    assert found.resource_version == "9"


def test_a_list_whose_position_expired_starts_again_once(tmp_path: Path) -> None:
    calls: list[str] = []

    def answer(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        calls.append(handler.path)
        if len(calls) == 1:
            send(handler, 200, {"metadata": {"continue": "old"}, "items": []})
        elif len(calls) == 2:
            send(handler, 410, {"reason": "Expired", "message": "too old"})
        else:
            send(handler, 200, {"metadata": {"resourceVersion": "3"}, "items": []})

    with serving(tmp_path, answer) as (_, cluster):
        assert cluster.list(kube.PODS, "prod").resource_version == "3"
    assert len(calls) == 3


def test_a_replace_without_a_version_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    with (
        serving(tmp_path, lambda handler, _: send(handler, 200, {})) as (server, cluster),
        pytest.raises(kube.ClusterError, match="resourceVersion"),
    ):
        cluster.replace(kube.PODS, "prod", {"metadata": {"name": "web-1"}})
    assert server.seen == []


def test_a_delete_can_be_bound_to_one_object(tmp_path: Path) -> None:
    with serving(tmp_path, lambda handler, _: send(handler, 200, {})) as (server, cluster):
        cluster.delete(kube.PODS, "prod", "web-1", uid="u1")
    assert server.seen[0][2]["preconditions"] == {"uid": "u1"}


def test_a_watch_yields_events_as_they_come(tmp_path: Path) -> None:
    read = threading.Event()

    def answer(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        start_stream(handler)
        event = {"type": "ADDED", "object": {"metadata": {"name": "a", "resourceVersion": "5"}}}
        chunk(handler, json.dumps(event).encode() + b"\n")
        assert read.wait(10), "the first event has to arrive while the answer is still open"
        chunk(handler, b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"8"}}}\n')
        handler.wfile.write(b"0\r\n\r\n")

    with serving(tmp_path, answer) as (server, cluster):
        events = cluster.watch(kube.PODS, "prod", "4", timeout_s=30)
        first = next(events)
        read.set()
        rest = list(events)
    assert (first.type, first.resource_version) == ("ADDED", "5")
    assert [event.resource_version for event in rest] == ["8"]
    assert "timeoutSeconds=30" in server.seen[0][1]


def test_an_expired_watch_is_gone_in_both_ways_it_is_said(tmp_path: Path) -> None:
    status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}

    def body_with_newline(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        line = json.dumps({"type": "ERROR", "object": status}).encode() + b"\n"
        send(handler, 200, line)

    for answer in (body_with_newline, lambda handler, _: send(handler, 410, status)):
        with serving(tmp_path, answer) as (_, cluster), pytest.raises(kube.Gone, match="too old"):
            list(cluster.watch(kube.PODS, "prod", "4", timeout_s=5))


def test_a_watch_that_breaks_off_is_unreachable(tmp_path: Path) -> None:
    def answer(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        start_stream(handler)
        chunk(handler, b'{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n{"type":')
        handler.close_connection = True

    with serving(tmp_path, answer) as (_, cluster):
        events = cluster.watch(kube.PODS, "prod", "4", timeout_s=5)
        assert next(events).type == "ADDED"
        with pytest.raises(kube.Unreachable):
            list(events)


@pytest.mark.parametrize("cut", range(1, 12))
def test_lines_do_not_depend_on_where_they_are_cut(cut: int) -> None:
    text = b'{"a":1}\n\n{"b":2}\nhalf'
    pieces = [text[at : at + cut] for at in range(0, len(text), cut)]
    assert list(watching.lines(pieces)) == [b'{"a":1}', b'{"b":2}']


def test_an_endless_line_is_cut_off() -> None:
    with pytest.raises(kube.Unreachable, match="line of over"):
        list(watching.lines(b"x" * (1 << 20) for _ in range(20)))


def test_no_configuration_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(kube.NotConfigured, match="cannot find a cluster in"):
        kube.Cluster.connect(str(tmp_path / "absent"))
