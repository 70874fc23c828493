"""Hostile repositories, judged by the command: no effect and a verdict, for every case there is.

Each test is named after its fault. Its positive control loads the same file without a sandbox,
where it has its effect; a benign model of the same making is judged inside.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from examples.hostile import build
from tests.checks.hostile import processes
from tests.checks.hostile.conftest import PATIENCE, Judged
from tests.checks.hostile.outside import Outside
from tests.checks.hostile.processes import evaluated, naively

LEAVING = [
    name
    for name, case in build.CASES.items()
    if case.fault in {"M1", "M5", "M7"}
    and name not in {*PATIENCE, *Outside.NAMES, "daemon", "environ"}
]
ALWAYS_NO = 31 / 60  # the share of rows that this is right for


def test_a_benign_model_of_the_same_making_is_judged(judged: Judged) -> None:
    assert judged.figure("benign") == 1.0
    outside = naively(judged.root("benign"), judged.model("benign"))
    assert evaluated(outside)["accuracy"] == 1.0


@pytest.mark.parametrize("name", LEAVING, ids=lambda name: f"{build.CASES[name].fault}-{name}")
def test_m1_m5_m7_what_leaves_canaries_outside_leaves_none(judged: Judged, name: str) -> None:
    assert judged.model(name).name in judged.refused(name)
    assert judged.canaries(name) == []
    naively(judged.root(name), judged.model(name))
    assert judged.canaries(name), "the positive control: outside it has its way"


@pytest.mark.parametrize("name", Outside.NAMES, ids=lambda name: f"M1-{name}")
def test_m1_what_reaches_out_reaches_nothing(judged: Judged, name: str) -> None:
    assert judged.model(name).name in judged.refused(name)
    assert not judged.outside.reached(name)
    naively(judged.root(name), judged.model(name))
    if name in {"kill", "ptrace"}:
        assert judged.outside.ended(name) == -signal.SIGKILL, "the positive control"
    else:
        assert judged.outside.reached(name), "the positive control"


def test_m1_the_parents_environment_is_not_read(judged: Judged) -> None:
    assert judged.model("environ").name in judged.refused("environ")
    outside = naively(judged.root("environ"), judged.model("environ"))
    assert evaluated(outside)["accuracy"] == 1.0, "the positive control: outside it is read"


def test_m7_a_daemon_is_not_left_behind(judged: Judged) -> None:
    judged.refused("daemon")
    # The positive control: whoever holds the other end of a pipe is still there.
    reading, writing = os.pipe()
    root, model = judged.root("daemon"), judged.model("daemon")
    held = "import os; os.closerange = lambda *_: print('daemon', os.getpid(), flush=True)\n"
    command = [sys.executable, "-I", "-c", held + processes.NAIVE, model, root / "rows.csv"]
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, pass_fds=[writing]
    ) as process:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        while b"daemon" not in words:
            words = process.stdout.readline().split()
        process.wait()
        os.close(writing)
        os.set_blocking(reading, False)
        with pytest.raises(BlockingIOError):  # nothing to read, and not the end
            os.read(reading, 1)
        os.kill(int(words[1]), signal.SIGKILL)
        os.close(reading)


@pytest.mark.parametrize("name", PATIENCE)
def test_m7_what_never_ends_is_ended(judged: Judged, name: str) -> None:
    assert f"{PATIENCE[name]:g} s" in judged.refused(name)


def test_m7_outside_a_loop_ends_when_the_kernel_ends_it(judged: Judged) -> None:
    """The positive control of the test above."""
    root, model = judged.root("endless-loop"), judged.model("endless-loop")
    done = naively(root, model, processes.LIMITED)
    assert done.returncode in {-signal.SIGXCPU, -signal.SIGKILL}


def test_m7_outside_what_stops_itself_is_stopped(judged: Judged) -> None:
    root, model = judged.root("stop-itself"), judged.model("stop-itself")
    command = [sys.executable, "-I", "-c", processes.NAIVE, str(model), str(root / "rows.csv")]
    with subprocess.Popen(command) as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        process.kill()
        assert os.WIFSTOPPED(status)


def test_m8_a_model_cannot_report_its_own_score(judged: Judged) -> None:
    assert judged.figure("own-score") == pytest.approx(ALWAYS_NO)
    done = judged.done["own-score"]
    assert "set-output" not in done.stdout + done.stderr
    outside = naively(judged.root("own-score"), judged.model("own-score"))
    assert evaluated(outside)["accuracy"] == 1.0, "a naive tool believes it"


def test_m8_a_forged_report_ends_the_model(judged: Judged) -> None:
    assert "no answer" in judged.refused("forged-answer")
    outside = naively(judged.root("forged-answer"), judged.model("forged-answer"))
    assert evaluated(outside)["accuracy"] == 1.0, "without the pipe it is an honest model"


def test_m8_a_flood_of_words_changes_nothing(judged: Judged) -> None:
    assert judged.figure("flood-output") == 1.0
    assert len(judged.done["flood-output"].stdout) < 1 << 20
    outside = naively(judged.root("flood-output"), judged.model("flood-output"))
    assert len(outside.stdout) > 16 << 20


def test_m8_a_flood_of_answers_is_no_answer(judged: Judged) -> None:
    assert "could not be run" in judged.refused("flood-answers")
    outside = naively(judged.root("flood-answers"), judged.model("flood-answers"))
    assert evaluated(outside)["accuracy"] == 1.0, "without the pipe there is nothing to flood"


def test_m8_an_array_hook_runs_in_the_child_only(judged: Judged) -> None:
    judged.verdict("array-hook")
    assert judged.canaries("array-hook") == []
    naively(judged.root("array-hook"), judged.model("array-hook"))
    assert judged.canaries("array-hook") == ["canary-array"]


def test_m8_the_parent_keeps_the_time(judged: Judged) -> None:
    assert judged.figure("patched-timers", "mean_ms") > 1.0  # 300,000 turns of a loop
    outside = naively(judged.root("patched-timers"), judged.model("patched-timers"))
    assert evaluated(outside)["seconds"] == 0.0, "a naive tool believes it"


def test_m8_ending_well_is_no_success(judged: Judged) -> None:
    assert "exit code 0" in judged.refused("exit-zero")
    outside = naively(judged.root("exit-zero"), judged.model("exit-zero"))
    assert (outside.returncode, outside.stdout) == (0, b"")


@pytest.mark.parametrize("name", ["objects", "too-few"])
def test_m8_what_is_no_plain_answer_is_refused(judged: Judged, name: str) -> None:
    assert "could not be run" in judged.refused(name)


def test_m8_an_answer_that_is_no_number_is_said_to_be_none(judged: Judged) -> None:
    assert "60 values that are NaN" in judged.refused("not-a-number")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("pointer", "a Git LFS pointer"),
        ("truncated", "cut off"),
        ("empty", "empty (0 bytes)"),
        ("misnamed", "an HTML page"),
    ],
)
def test_m9_a_file_that_is_no_model_is_told_by_name(judged: Judged, name: str, says: str) -> None:
    sentence = judged.refused(name)
    assert says in sentence
    assert judged.model(name).name in sentence
    assert naively(judged.root(name), judged.model(name)).returncode != 0


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("data-pointer", "a Git LFS pointer"),
        ("data-empty", "empty (0 bytes)"),
        ("data-zip", "a zip archive"),
        ("data-without-rows", "has no rows"),
    ],
)
def test_m9_a_file_that_is_no_data_is_told_by_name(judged: Judged, name: str, says: str) -> None:
    assert says in judged.refused(name)


def test_the_page_of_the_examples_lists_every_case() -> None:
    page = (processes.ROOT / "examples/hostile/README.md").read_text()
    for name, case in build.CASES.items():
        assert f"| {case.fault or '-'} | `{name}` | {case.tries} |" in page
