"""Startup, readiness and liveness probes."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.testbed.kubelet.environment import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]


@dataclass(frozen=True)
class ProbeTarget:
    """What a probe acts on: the pod's address, the container's ports, a way to run a command."""

    address: str
    ports: dict[str, int]
    execute: Callable[[list[str], float], tuple[int, str]]

    def port(self, wanted: int | str) -> int:
        if isinstance(wanted, int):
            return wanted
        if wanted not in self.ports:
            raise ConfigError(f"The container names no port {wanted!r} for its probe.")
        return self.ports[wanted]


def _http(action: Json, target: ProbeTarget, timeout_s: float) -> tuple[bool, str]:
    host, port = action.get("host") or target.address, target.port(action["port"])
    if action.get("scheme") == "HTTPS":
        # A kubelet does not verify the certificates of the pods that it probes either.
        context = ssl._create_unverified_context()
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, port, timeout=timeout_s, context=context
        )
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    headers = {"User-Agent": "kube-probe/1.36", "Accept": "*/*"}
    headers.update({header["name"]: header["value"] for header in action.get("httpHeaders", [])})
    try:
        connection.request("GET", action.get("path", "/"), headers=headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return False, f'Get "http://{host}:{port}{action.get("path", "/")}": {error}'
    finally:
        connection.close()
    return 200 <= status < 400, f"HTTP probe failed with statuscode: {status}"


def _tcp(action: Json, target: ProbeTarget, timeout_s: float) -> tuple[bool, str]:
    address = (action.get("host") or target.address, target.port(action["port"]))
    try:
        socket.create_connection(address, timeout_s).close()
    except OSError as error:
        return False, f"dial tcp {address[0]}:{address[1]}: {error}"
    return True, ""


def check(probe: Json, target: ProbeTarget) -> tuple[bool, str]:
    """Try once. Returns success and, for a failure, what a kubelet would say about it."""
    try:
        return _checked(probe, target)
    except ConfigError as error:
        return False, str(error)


def _checked(probe: Json, target: ProbeTarget) -> tuple[bool, str]:
    timeout_s = float(probe.get("timeoutSeconds", 1))
    if "httpGet" in probe:
        return _http(probe["httpGet"], target, timeout_s)
    if "tcpSocket" in probe:
        return _tcp(probe["tcpSocket"], target, timeout_s)
    if "exec" in probe:
        code, output = target.execute(probe["exec"]["command"], timeout_s)
        return code == 0, output
    raise ConfigError(f"The testbed's kubelet has no such probe: {sorted(probe)}.")


class ProbeLoop:
    """Probes one container run until `stop`, and reports each change of the verdict.

    `waits_for` delays the first probe (readiness and liveness wait for the startup probe).
    `on_verdict(passed, message)` is called when the thresholds are met, first and on changes;
    `on_failure(message)` at every failed try.
    """

    def __init__(
        self,
        name: str,
        probe: Json,
        target: ProbeTarget,
        *,
        on_verdict: Callable[[bool, str], None],
        on_failure: Callable[[str], None],
        waits_for: threading.Event | None = None,
    ) -> None:
        self._name = name
        self._probe = probe
        self._target = target
        self._on_verdict = on_verdict
        self._on_failure = on_failure
        self._waits_for = waits_for
        self._stopped = threading.Event()
        self._began = time.monotonic()

    def start(self) -> None:
        threading.Thread(target=self._run, name=f"probe-{self._name}", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        if self._waits_for:
            self._waits_for.set()  # a loop that still waits for the startup probe ends too

    def _run(self) -> None:
        if self._waits_for:
            self._waits_for.wait()
        delay = self._began + self._probe.get("initialDelaySeconds", 0) - time.monotonic()
        needed = {
            True: self._probe.get("successThreshold", 1),
            False: self._probe.get("failureThreshold", 3),
        }
        verdict: bool | None = None
        last, count = None, 0
        while not self._stopped.wait(max(0.0, delay)):
            passed, message = check(self._probe, self._target)
            if self._stopped.is_set():
                return
            if not passed:
                self._on_failure(message)
            count = count + 1 if passed == last else 1
            last = passed
            if count >= needed[passed] and verdict != passed:
                verdict = passed
                self._on_verdict(passed, message)
            delay = float(self._probe.get("periodSeconds", 10))
