"""The namespace holds what runs in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.testbed.control_plane import ControlPlane
from tests.testbed.wait import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
EXEC = [sys.executable, "-m", "tests.testbed", "exec", "--"]


def start(*command: str, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*EXEC, *command],
        cwd=REPOSITORY,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes_with(mark: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            content = path.read_bytes()
        except OSError:
            continue
        if mark.encode() in content:
            found.append(int(path.parent.name))
    return found


def test_the_exit_code_is_passed_on() -> None:
    with start("sh", "-c", "exit 7") as process:
        assert process.wait(60) == 7


def test_only_the_loopback_interface_is_there() -> None:
    with start("cat", "/proc/net/dev") as process:
        output, _ = process.communicate(timeout=60)
    assert [line.split(":")[0].strip() for line in output.splitlines()[2:]] == ["lo"]


def test_no_process_outlives_the_command() -> None:
    mark = f"HOLDPOINT_MARK=ends-{os.getpid()}"
    script = "setsid sleep 1000 & setsid sleep 1000 & exit 0"
    with start("sh", "-c", script, HOLDPOINT_MARK=mark.partition("=")[2]) as process:
        assert process.wait(60) == 0
    wait_until(lambda: not processes_with(mark), 5, "every process of the namespace to end")


def test_no_process_outlives_a_killed_run() -> None:
    mark = f"HOLDPOINT_MARK=killed-{os.getpid()}"
    script = "setsid sleep 1000 & echo started; wait"
    with start("sh", "-c", script, HOLDPOINT_MARK=mark.partition("=")[2]) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.kill()
        process.wait(10)
        wait_until(lambda: not processes_with(mark), 5, "every process of the namespace to end")


def test_sigterm_reaches_the_command() -> None:
    with start("sh", "-c", "trap 'exit 9' TERM; echo started; while :; do sleep 0.05; done") as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "started\n"
        run.send_signal(signal.SIGTERM)
        assert run.wait(10) == 9


def test_outside_the_namespace_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOLDPOINT_TESTBED_NAMESPACE")
    with pytest.raises(RuntimeError, match=r"python -m tests\.testbed exec"):
        ControlPlane().start()
