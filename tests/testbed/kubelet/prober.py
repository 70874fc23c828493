"""The three probes of one container run, and what follows from their verdicts."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol

from tests.testbed.kubelet.probes import ProbeLoop, ProbeTarget

if TYPE_CHECKING:
    from tests.testbed.kubelet.process import ContainerProcess

Json = dict[str, Any]


class ProbeListener(Protocol):
    """Who is told what the probes found."""

    def probe_started(self, ready: bool) -> None: ...

    def probe_ready(self, ready: bool) -> None: ...

    def probe_failed(self, kind: str, message: str) -> None: ...

    def probe_kills(self, kind: str, process: ContainerProcess, probe: Json) -> None: ...


class Prober:
    """Starts and stops the probe loops of one run of a container."""

    def __init__(
        self,
        spec: Json,
        address: str,
        process: ContainerProcess,
        env: dict[str, str],
        listener: ProbeListener,
    ) -> None:
        self.has_startup = "startupProbe" in spec
        self.has_readiness = "readinessProbe" in spec
        self._spec = spec
        self._process = process
        self._listener = listener
        ports = {p["name"]: p["containerPort"] for p in spec.get("ports", []) if "name" in p}
        self._target = ProbeTarget(
            address, ports, lambda command, limit: process.execute(command, env, limit)
        )
        self._started = threading.Event()
        self._loops: list[ProbeLoop] = []

    def start(self) -> None:
        if self.has_startup:
            self._loop("Startup", self._startup_verdict, None)
        else:
            self._started.set()
        if self.has_readiness:
            self._loop("Readiness", self._readiness_verdict, self._started)
        if "livenessProbe" in self._spec:
            self._loop("Liveness", self._liveness_verdict, self._started)

    def stop(self) -> None:
        for loop in self._loops:
            loop.stop()

    def _loop(self, kind: str, on_verdict: Any, waits_for: threading.Event | None) -> None:
        def failed(message: str) -> None:
            self._listener.probe_failed(kind, message)

        probe = self._spec[f"{kind.lower()}Probe"]
        loop = ProbeLoop(
            kind,
            probe,
            self._target,
            on_verdict=on_verdict,
            on_failure=failed,
            waits_for=waits_for,
        )
        self._loops.append(loop)
        loop.start()

    def _startup_verdict(self, passed: bool, message: str) -> None:
        if passed:
            self._listener.probe_started(ready=not self.has_readiness)
            self._loops[0].stop()  # a startup probe that has passed is never asked again
            self._started.set()
        else:
            probe = self._spec["startupProbe"]
            self._listener.probe_kills("startup", self._process, probe)

    def _readiness_verdict(self, passed: bool, message: str) -> None:
        self._listener.probe_ready(passed)

    def _liveness_verdict(self, passed: bool, message: str) -> None:
        if not passed:
            self._listener.probe_kills("liveness", self._process, self._spec["livenessProbe"])
