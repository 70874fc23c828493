"""One container of a pod over all its runs: pull, start, probe, restart with back-off, stop."""

from __future__ import annotations

import dataclasses
import shutil
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

from tests.testbed.api import ApiError
from tests.testbed.kubelet import clock
from tests.testbed.kubelet.environment import ConfigError
from tests.testbed.kubelet.prober import Prober
from tests.testbed.kubelet.process import ContainerProcess, Plan
from tests.testbed.kubelet.state import ContainerState, running, waiting
from tests.testbed.oci import CorruptBlobError, UnknownImageError
from tests.testbed.unpack import UnsupportedImageError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.testbed.kubelet.images import Image
    from tests.testbed.kubelet.surroundings import Surroundings

Json = dict[str, Any]
_CONFIG_RETRY_S = 0.5


class PodView(Protocol):
    """What a container needs of its pod."""

    pod: Json
    address: str
    folder: Path
    around: Surroundings

    def plan(self, container: Json, image: Image, folder: Path, log: Path) -> Plan:
        """Raises ConfigError while something that the container refers to is missing."""

    def changed(self) -> None:
        """The container's state is another; report it."""


class Container:
    """Runs in a thread of its own from `start` until it is finished."""

    def __init__(self, view: PodView, spec: Json, restart_policy: str) -> None:
        self.spec = spec
        self.state = ContainerState(spec["name"], spec["image"])
        self._view = view
        self._restart_policy = restart_policy
        self._stopping = threading.Event()
        self._process: ContainerProcess | None = None
        self._env: dict[str, str] = {}
        self._run_number = 0
        self._lock = threading.Lock()
        self._state_lock = threading.Lock()
        self._thread = threading.Thread(
            target=self._run, name=f"container-{spec['name']}", daemon=True
        )

    @property
    def begun(self) -> bool:
        return self._thread.ident is not None

    def start(self) -> None:
        self._thread.start()

    def stop(self, grace_s: float) -> None:
        """Begin to end the container for good; returns at once."""
        with self._lock:
            self._stopping.set()
            process = self._process
        if not self.begun:
            self._change(finished=True)
        elif process:
            self._end(process, grace_s)

    def log_file(self, run: int) -> Path:
        return self._view.folder / self.state.name / f"{run}.log"

    def _change(self, **values: Any) -> None:
        with self._state_lock:
            self.state = dataclasses.replace(self.state, **values)
        self._view.changed()

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            prepared = self._prepare()
            if prepared is None:
                break
            began = time.monotonic()
            code = self._run_once(*prepared)
            if self._stopping.is_set() or not self._restarts_after(code):
                break
            if time.monotonic() - began > self._view.around.backoff.reset_after_s:
                failures = 0
            # A kubelet's first restart is immediate; the back-off begins with the second.
            if failures:
                self._back_off(failures - 1)
            failures += 1
            self._run_number += 1
        self._finish()

    def _restarts_after(self, code: int) -> bool:
        policy = self._restart_policy
        return policy == "Always" or (policy == "OnFailure" and code != 0)

    def _finish(self) -> None:
        if "waiting" in self.state.now and "terminated" in self.state.last:
            self._change(now=self.state.last, last={})
        self._change(finished=True, ready=False, started=False)

    def _back_off(self, failures: int) -> None:
        delay = self._view.around.backoff.delay(failures)
        message = f"back-off {delay:g}s restarting failed container={self.state.name}"
        ended = self.state.now
        self._change(now=waiting("CrashLoopBackOff", message), last=ended)
        self._warn("BackOff", f"Back-off restarting failed container {self.state.name}")
        self._stopping.wait(delay)

    def _warn(self, reason: str, message: str) -> None:
        self._view.around.events.warn(self._view.pod, reason, message)

    def _prepare(self) -> tuple[Plan, Image] | None:
        """Find the image and all that the container refers to; None when it is stopped first."""
        failures = 0
        while not self._stopping.is_set():
            try:
                image = self._view.around.images.pull(self.spec["image"])
                folder = self._view.folder / self.state.name / f"run-{self._run_number}"
                folder.mkdir(parents=True, exist_ok=True)
                log = self.log_file(self._run_number)
                return self._view.plan(self.spec, image, folder, log), image
            except (UnknownImageError, CorruptBlobError, UnsupportedImageError) as error:
                self._pull_failed(str(error), failures)
                failures += 1
            except (ConfigError, ApiError, OSError) as error:
                self._change(now=waiting("CreateContainerConfigError", str(error)))
                self._stopping.wait(_CONFIG_RETRY_S)
        return None

    def _pull_failed(self, why: str, failures: int) -> None:
        image = self.spec["image"]
        self._change(now=waiting("ErrImagePull", f'failed to pull image "{image}": {why}'))
        self._warn("Failed", f'Failed to pull image "{image}": {why}')
        delay = self._view.around.backoff.delay(failures)
        # Both reasons are seen in turn on a real node; the first lasts as long as one try.
        self._stopping.wait(min(0.5, delay / 2))
        self._change(now=waiting("ImagePullBackOff", f'Back-off pulling image "{image}": {why}'))
        self._stopping.wait(delay)

    def _run_once(self, plan: Plan, image: Image) -> int:
        with self._lock:
            if self._stopping.is_set():
                return 0
            self._env = plan.env
            process = self._process = ContainerProcess(plan)
        started_at = clock.now()
        before = self.state.now if "terminated" in self.state.now else self.state.last
        prober = Prober(self.spec, self._view.address, process, plan.env, self)
        self._change(
            now=running(started_at),
            last=before,
            image_id=image.image_id,
            container_id=process.container_id,
            restarts=self._run_number,
            started=not prober.has_startup,
            ready=not prober.has_readiness and not prober.has_startup,
        )
        prober.start()
        code = process.wait()
        prober.stop()
        error = process.start_error()
        reason = "StartError" if error else "Completed" if code == 0 else "Error"
        ended: Json = {
            "exitCode": code,
            "reason": reason,
            "startedAt": started_at,
            "finishedAt": clock.now(),
            "containerID": f"testbed://{process.container_id}",
            **({"message": error} if error else {}),
        }
        shutil.rmtree(plan.folder, ignore_errors=True)
        self._change(now={"terminated": ended}, ready=False, started=False)
        return code

    # What the prober reports; each call comes from a thread of the prober.

    def probe_started(self, ready: bool) -> None:
        self._change(started=True, ready=ready)

    def probe_ready(self, ready: bool) -> None:
        self._change(ready=ready)

    def probe_failed(self, kind: str, message: str) -> None:
        self._warn("Unhealthy", f"{kind} probe failed: {message}")

    def probe_kills(self, kind: str, process: ContainerProcess, probe: Json) -> None:
        if self._stopping.is_set():
            return
        grace_s = probe.get("terminationGracePeriodSeconds")
        if grace_s is None:
            grace_s = self._view.pod["spec"].get("terminationGracePeriodSeconds", 30)
        self._warn("Killing", f"Container {self.state.name} failed {kind} probe, will be restarted")
        self._end(process, grace_s)

    def _end(self, process: ContainerProcess, grace_s: float) -> None:
        def work() -> None:
            deadline = time.monotonic() + grace_s
            self._pre_stop(process, grace_s)
            process.terminate()
            if not process.exited.wait(max(0.0, deadline - time.monotonic())):
                process.kill()

        threading.Thread(target=work, name=f"end-{self.state.name}", daemon=True).start()

    def _pre_stop(self, process: ContainerProcess, grace_s: float) -> None:
        hook: Json = self.spec.get("lifecycle", {}).get("preStop", {})
        if "sleep" in hook:
            process.exited.wait(min(hook["sleep"]["seconds"], grace_s))
        elif "exec" in hook:
            process.execute(hook["exec"]["command"], self._env, grace_s)
        elif hook:
            self._warn("FailedPreStopHook", f"The testbed runs no preStop hook {sorted(hook)}.")
