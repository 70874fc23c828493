"""Faults M7 and M8: what does not end by itself is ended, and nothing of it is left."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from checks.sandbox import Kind, Limits, ModelFailed, ModelSession
from checks.sandbox.channel import NOISE_KEPT
from tests.checks.sandbox.payloads import model_of, predictor, table

OWN = Path(sys.executable)
SHORT = Limits(wall_s=1.5, memory_bytes=1 << 30)
LONG = Limits(wall_s=60, memory_bytes=1 << 30)
START = """
import threading, time
for _ in range({}): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
"""
DAEMON = """
import os, time
reading, writing = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print("daemon", os.getpid(), flush=True)
        os.write(writing, b"x")
        time.sleep(600)
    os._exit(0)
os.wait()
os.read(reading, 1)
"""


def fail(payload: bytes, limits: Limits, only: frozenset[str] | None = None) -> ModelFailed:
    """How the model fails when it is loaded, after which its process is gone."""
    with ModelSession(OWN, limits=limits, only=only) as session:
        with pytest.raises(ModelFailed) as caught:
            session.load(payload, "pickle")
        if caught.value.kind in (Kind.TIMED_OUT, Kind.CRASHED):
            assert gone(session.pid)
    assert gone(session.pid)
    return caught.value


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    "text",
    [
        "while True: pass",
        "import time; time.sleep(600)",
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
        "import signal; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]\nwhile True: pass",
        "import os\nwhile True: os.write(1, bytes(1 << 16))",
        f"{START.format(20)}\ntime.sleep(600)",
    ],
    ids=["loop", "sleep", "stopped", "deaf", "flood", "threads"],
)
def test_m7_without_an_answer_in_time_the_process_is_ended(text: str) -> None:
    caught = fail(model_of(text), SHORT)
    assert caught.kind is Kind.TIMED_OUT
    assert "1.5 s" in caught.sentence


def test_m7_processor_time_runs_out() -> None:
    caught = fail(model_of("while True: pass"), Limits(wall_s=60, cpu_s=1))
    assert caught.kind is Kind.CRASHED
    assert "processor time" in caught.sentence


def test_m7_processor_time_runs_out_for_the_deaf_too() -> None:
    text = "import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass"
    assert fail(model_of(text), Limits(wall_s=60, cpu_s=1)).kind is Kind.CRASHED


@pytest.mark.parametrize(
    "text",
    ["model = bytearray(8 << 30)", "model = []\nwhile True: model.append(bytes(1 << 20))"],
    ids=["at once", "bit by bit"],
)
def test_m6_memory_runs_out(text: str) -> None:
    caught = fail(model_of(text), LONG)
    assert caught.kind is Kind.RAISED
    assert "more than 1024 MiB" in caught.sentence


@pytest.mark.parametrize(
    "text",
    [
        "import os\nwhile True: os.fork()",
        "import subprocess; subprocess.run(['sleep', '600'])",
        "import multiprocessing; multiprocessing.Process(target=print).start()",
        START.format(100_000),
        "import os\nfor n in range(10**6): open(f'{n}', 'w').close()",
    ],
    ids=["fork bomb", "program", "process", "thread bomb", "a million files"],
)
def test_m7_bombs_do_not_go_off(text: str) -> None:
    assert fail(model_of(text), LONG).kind in (Kind.RAISED, Kind.CRASHED)


def test_m7_a_daemon_is_found_even_where_processes_can_be_made() -> None:
    only = frozenset({"rlimits"})
    with ModelSession(OWN, limits=LONG, only=only) as session:
        session.load(model_of(DAEMON), "pickle")
        words = session.noise.split()
        daemon = int(words[words.index(b"daemon") + 1])
        assert not gone(daemon)
    assert gone(session.pid)
    assert gone(daemon) or b"State:\tZ" in Path(f"/proc/{daemon}/status").read_bytes()


def test_m8_a_flood_neither_blocks_nor_fills_memory() -> None:
    flood = "import os\nfor _ in range(1024): os.write(1, bytes(1 << 16)); os.write(2, bytes(1))"
    with ModelSession(OWN, limits=LONG) as session:
        session.load(predictor(f"{flood}\nreturn [1, 2, 3]"), "pickle")
        assert session.predict(table()).values.tolist() == [1, 2, 3]
        assert 0 < len(session.noise) <= NOISE_KEPT


def test_a_large_request_to_a_child_that_floods_does_not_stall() -> None:
    with ModelSession(OWN, limits=LONG) as session:
        flood = "import os, threading\ndef go():\n    while True: os.write(1, bytes(1 << 16))\n"
        session.load(
            model_of(f"{flood}\nthreading.Thread(target=go, daemon=True).start()"), "pickle"
        )
        payload = model_of("pass") + bytes(8 << 20)
        assert session.load(payload, "pickle").type_name == "NoneType"


# The model loops, so that only the kernel can end it; it says so over a FIFO, which it can reach
# because the files are not locked here.
PARENT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from checks.sandbox import ModelSession
from tests.checks.sandbox.payloads import model_of
session = ModelSession(Path(sys.executable), only=frozenset({"env"}))
told = f"with open({sys.argv[2]!r}, 'w') as fifo: fifo.write('{session.pid} ')"
session.load(model_of(told + "\\nwhile True: pass"), "pickle")
"""


def test_the_child_dies_with_its_parent(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reading = os.open(fifo, os.O_RDWR)  # as a writer too, so that opening waits for nobody
    command = [sys.executable, "-c", PARENT, str(Path(__file__).parents[3]), str(fifo)]
    # what a killed parent leaves behind, its empty folder, goes with tmp_path
    with subprocess.Popen(command, env={**os.environ, "TMPDIR": str(tmp_path)}) as parent:
        assert select.select([reading], [], [], 60)[0], "the model never ran"
        child = int(os.read(reading, 64))
        watch = os.pidfd_open(child)
        parent.send_signal(signal.SIGKILL)
        ended = select.select([watch], [], [], 30)[0]
    os.close(reading)
    os.close(watch)
    assert ended, "the child outlived its parent"


def test_closing_twice_is_fine_and_leaves_nothing() -> None:
    session = ModelSession(OWN, limits=LONG)
    folder = Path(os.readlink(f"/proc/{session.pid}/cwd"))
    assert list(folder.iterdir()) == []
    session.close()
    session.close()
    assert gone(session.pid)
    assert not folder.exists()
