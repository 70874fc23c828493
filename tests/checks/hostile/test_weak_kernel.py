"""Fault M10: a kernel without the layers. The command refuses unless it is told to trust."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from checks import report_json
from examples.hostile import build
from tests.checks.sandbox.test_machines import AS_AN_OLD_KERNEL, CHANGE_OF_UID, LANDLOCK

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = "import sys\nfrom checks.cli import main\nsys.exit(main(sys.argv[1:]))\n"
OLD = AS_AN_OLD_KERNEL.format(calls=LANDLOCK + CHANGE_OF_UID[os.uname().machine])


def check(root: Path, *more: str, kernel: str = "") -> subprocess.CompletedProcess[str]:
    """`holdpoint check` by a process from which calls of the kernel were taken away."""
    arguments = (str(root), "--only", "model_performance", "--format", "json", *more)
    return subprocess.run(
        [sys.executable, "-c", kernel + COMMAND, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_m10_without_the_layers_the_command_refuses_in_a_sentence(tmp_path: Path) -> None:
    build.build("write-a-file", tmp_path)
    done = check(tmp_path, kernel=OLD)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("holdpoint: ")
    assert "Landlock or another uid" in done.stderr
    assert "--trust-model" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list((tmp_path / "canaries").iterdir()) == []


def test_m10_trusted_it_goes_on_loudly(tmp_path: Path) -> None:
    build.build("benign", tmp_path)
    done = check(tmp_path, "--trust-model", kernel=OLD)
    report = report_json.loads(done.stdout.encode())
    assert "may run without a full sandbox" in done.stderr
    assert any("was trusted" in note and "Landlock" in note for note in report.notes)
    assert {f.name: f.value for f in report.verdicts[0].figures}["accuracy"] == 1.0


def test_m10_with_the_layers_nothing_needs_trust(tmp_path: Path) -> None:
    """The positive control: the same command on this kernel as it is."""
    build.build("benign", tmp_path)
    done = check(tmp_path)
    report = report_json.loads(done.stdout.encode())
    assert "sandbox" not in done.stderr, done.stderr
    assert not any("was trusted" in note for note in report.notes)
    assert report.verdicts[0].figures
