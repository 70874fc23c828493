"""One run of a container: from its start to its exit code."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.testbed.kubelet.launch import START_FAILED

_REPOSITORY = Path(__file__).resolve().parents[3]


def interpreters() -> list[str]:
    """The folders that make this Python work; those below /usr are there anyway."""
    folders = dict.fromkeys([sys.base_prefix, sys.prefix])
    return [folder for folder in folders if not Path(folder).is_relative_to("/usr")]


@dataclass(frozen=True)
class Plan:
    """All that a container's process needs. `folder` is empty and belongs to this run."""

    folder: Path
    log: Path
    image: Path
    command: list[str]
    env: dict[str, str]
    workdir: str
    hostname: str
    volumes: list[dict[str, Any]] = field(default_factory=list)


class ContainerProcess:
    """A started container. Its own `/proc/PID/root` is how others get into it."""

    def __init__(self, plan: Plan) -> None:
        self.container_id = uuid.uuid4().hex
        self.exited = threading.Event()
        self._report = plan.folder / "start-error"
        scratch = plan.folder / "scratch"
        scratch.mkdir(parents=True)
        spec = {
            "image": str(plan.image),
            "scratch": str(scratch),
            "report": str(self._report),
            "command": plan.command,
            "env": plan.env,
            "workdir": plan.workdir,
            "hostname": plan.hostname,
            "volumes": plan.volumes,
            "interpreters": interpreters(),
        }
        file = plan.folder / "launch.json"
        file.write_text(json.dumps(spec), encoding="utf-8")
        with plan.log.open("ab") as log:
            self._launcher = subprocess.Popen(
                [sys.executable, "-S", "-m", "tests.testbed.kubelet.launch", str(file)],
                cwd=_REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"PYTHONDONTWRITEBYTECODE": "1"},
                start_new_session=True,
            )

    def wait(self) -> int:
        """The exit code. Called by the thread that made this object, and by no other."""
        code = self._launcher.wait()
        self.exited.set()
        return code if code >= 0 else 128 - code

    def start_error(self) -> str:
        """Why the command never ran; empty when it did."""
        return self._report.read_text(encoding="utf-8") if self._report.exists() else ""

    def terminate(self) -> None:
        if not self.exited.is_set():
            self._launcher.terminate()

    def kill(self) -> None:
        if not self.exited.is_set():
            self._launcher.kill()

    def _main_pid(self) -> int | None:
        """The command's process as seen from here: the launcher's only child."""
        path = Path(f"/proc/{self._launcher.pid}/task/{self._launcher.pid}/children")
        try:
            children = path.read_text(encoding="ascii").split()
        except OSError:
            return None
        return int(children[0]) if children else None

    def execute(self, command: list[str], env: dict[str, str], timeout_s: float) -> tuple[int, str]:
        """Run `command` inside, as exec probes and hooks do; its exit code and its output."""
        inside = self._main_pid()
        if inside is None:
            return START_FAILED, "the container is not running"
        enter = ["nsenter", f"--target={inside}", "--mount", "--pid", "--uts", "--root", "--wd=/"]
        try:
            result = subprocess.run(
                [*enter, "--", *command],
                env=env,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return START_FAILED, f'command "{" ".join(command)}" timed out after {timeout_s:g}s'
        return result.returncode, result.stdout + result.stderr
