"""`holdpoint rollout stop-all`: what it asks for, of whom, and how it ends; against a server."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import yaml

from rollouts.model import Verb, parse_request
from rollouts.stopping import Wish, request, standing, under_way

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Json = dict[str, Any]
BASE = "/apis/holdpoint.dev/v1alpha1"


def deployment(name: str, **status: Any) -> Json:
    given = {"stable": {"name": f"{name}-1"}, "weight": {"confirmed": 25}, **status}
    return {"metadata": {"name": name, "namespace": "prod"}, "status": given}


def trying(name: str) -> Json:
    return deployment(name, candidate={"name": f"{name}-2"}, phase="Progressing", reason="Soaking")


class Server:
    """Two ModelDeployments; an Abort ends a rollout at once where `obeys`."""

    def __init__(self, *, obeys: bool) -> None:
        self.obeys = obeys
        self.objects = {"fraud": trying("fraud"), "calm": deployment("calm", phase="Stable")}
        self.requests: list[Json] = []

    def answer(self, method: str, path: str, body: Json) -> Json | None:
        path = path.partition("?")[0]
        if path == "/apis/authentication.k8s.io/v1/selfsubjectreviews":
            return {"status": {"userInfo": {"username": "ada"}}}
        if method == "GET" and path in {f"{BASE}/modeldeployments"}:
            return {"metadata": {"resourceVersion": "1"}, "items": list(self.objects.values())}
        if method == "POST" and path == f"{BASE}/namespaces/prod/rolloutrequests":
            self.requests.append(body)
            if self.obeys:
                del self.objects[body["spec"]["target"]]["status"]["candidate"]
            return body
        return None


@contextmanager
def serving(server: Server, folder: Path) -> Iterator[Path]:
    """Its kubeconfig."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._do({})

        def do_POST(self) -> None:
            self._do(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _do(self, body: Json) -> None:
            found = server.answer(self.command, self.path, body)
            content = json.dumps(found or {"kind": "Status", "message": self.path}).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Not here."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.05,))
    thread.start()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "clusters": [
            {"name": "x", "cluster": {"server": f"http://127.0.0.1:{http.server_address[1]}"}}
        ],
        "users": [{"name": "x", "user": {}}],
    }
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    try:
        yield file
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def stop_all(kubeconfig: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-m", "holdpoint", "rollout", "stop-all"]
    return subprocess.run(
        [*command, f"--kubeconfig={kubeconfig}", "--reason=down", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_only_what_there_is_something_to_go_back_from() -> None:
    first = {"metadata": {"name": "new"}, "status": {"candidate": {"name": "new-1"}}}
    found = under_way([trying("fraud"), deployment("calm"), first, {"metadata": {}}])
    assert [each["metadata"]["name"] for each in found] == ["fraud"]


def test_the_request_is_one_that_the_engine_takes() -> None:
    body = request(trying("a" * 54), Wish("kubernetes:ada", "down", None), "0123abcd")
    parsed = parse_request(body)
    assert (parsed.verb, parsed.problem) == (Verb.ABORT, "")
    assert parsed.target == "a" * 54
    assert len(body["metadata"]["name"]) < 63
    assert body["spec"]["requestedBy"] == {"id": "kubernetes:ada", "name": "ada"}


def test_an_abort_that_is_not_confirmed_is_said() -> None:
    bad = trying("fraud")
    bad["status"] |= {"phase": "RollingBack", "reason": "AbortNotConfirmed"}
    expected = "prod/fraud is RollingBack (AbortNotConfirmed) at 25 %; look at the gateway"
    assert standing(bad) == expected


def test_it_asks_waits_and_ends_well(tmp_path: Path) -> None:
    server = Server(obeys=True)
    with serving(server, tmp_path) as kubeconfig:
        done = stop_all(kubeconfig, "--all-namespaces")
    assert done.returncode == 0, done.stderr
    assert "asked to stop: prod/fraud" in done.stdout
    (asked,) = server.requests
    assert asked["spec"]["target"] == "fraud"
    assert asked["spec"]["arguments"] == {"reason": "down"}


def test_what_goes_on_ends_it_with_one_and_a_sentence(tmp_path: Path) -> None:
    with serving(Server(obeys=False), tmp_path) as kubeconfig:
        done = stop_all(kubeconfig, "--all-namespaces", "--wait=0")
    assert done.returncode == 1
    assert "prod/fraud is Progressing (Soaking) at 25 %" in done.stderr


def test_it_has_to_be_told_where(tmp_path: Path) -> None:
    done = stop_all(tmp_path / "none")
    assert done.returncode == 2
    assert "--all-namespaces" in done.stderr


def test_without_a_cluster_it_says_so(tmp_path: Path) -> None:
    done = stop_all(tmp_path / "none", "-A")
    assert done.returncode == 2
    assert "cannot find a cluster" in done.stderr
