"""A checkout that is a stranger's: its names, its files and its model change nothing around it."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.action.acting import EXAMPLE, REPO, Job

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.github import FakeGitHub

CONFIG = (EXAMPLE / "holdpoint.yml").read_text()


class Runs:
    """A pickle that runs Python source when it is loaded."""

    def __init__(self, source: str) -> None:
        self.source = source

    def __reduce__(self) -> Any:
        return exec, (self.source,)


def put_model(job: Job, source: str) -> bytes:
    """A hostile model in the pull request; returns its bytes."""
    payload = pickle.dumps(Runs(source))
    (job.root / "model" / "model.joblib").write_bytes(payload)
    return payload


def test_a4_what_a_model_prints_is_no_command(github: FakeGitHub, job: Job) -> None:
    job.start(example=True)
    payload = put_model(
        job,
        "import os, sys\n"
        "for text in ('::add-mask::x', 'x ##[set-output name=ready]true', '::stop-commands::t'):\n"
        "    print(text, flush=True)\n"
        "    print(text, file=sys.stderr, flush=True)\n"
        "    [os.write(fd, text.encode()) for fd in (1, 2)]\n",
    )
    head = job.push({})
    result = job.run()
    assert result.commands() in ([], ["error"])  # the error is ours
    assert result.outputs["ready"] == "false"
    assert [run.conclusion for run in github.check_runs(REPO, head)] == ["failure"]
    control = subprocess.run(
        [sys.executable, "-c", "import pickle, sys; pickle.load(sys.stdin.buffer)"],
        input=payload,
        capture_output=True,
        check=False,
    )
    assert b"::add-mask::x" in control.stdout  # outside the sandbox it does print


def test_a5_a_model_cannot_write_the_runners_files(job: Job) -> None:
    job.start(example=True)
    proof = job.folder / "proof"
    source = "\n".join(
        f"try:\n with open({str(path)!r}, 'a') as file: file.write('ready=true\\n')\n"
        "except OSError: pass"
        for path in (job.output, job.summary, proof)
    )
    payload = put_model(job, source)
    job.push({})
    result = job.run()
    assert result.outputs["ready"] == "false"
    assert "ready=true" not in job.output.read_text()
    assert "ready=true" not in job.summary.read_text()
    assert not proof.exists()
    pickle.loads(payload)
    assert proof.read_text() == "ready=true\n"  # outside the sandbox it does write


@pytest.mark.parametrize(
    "name",
    ["::add-mask::x", "x ##[error]y", "@acme/all", "<img src=x>", "</details>", "a\r::error::b"],
)
def test_a2_hostile_text_in_the_configuration_is_inert(
    github: FakeGitHub, job: Job, name: str
) -> None:
    quoted = name.replace("\r", "\\r")
    job.start({"holdpoint.yml": f'model:\n  path: "{quoted}"\n  format: "{quoted}"\n'})
    job.push({"notes.txt": "a change"})
    result = job.run()
    assert result.code == 2
    assert result.commands() == ["error"]
    said = github.comments(REPO, 7)[0].body
    outside = [line for line in said.splitlines() if not line.startswith("    ")]
    assert not any(mark in line for line in outside for mark in ("@acme", "<img", "</details>"))


def test_a1_a_title_or_branch_never_reaches_a_shell(job: Job) -> None:
    job.start()
    job.push({"notes.txt": "a change"})  # the event's title and branch hold $(touch pwned)
    job.run()
    assert list(job.folder.rglob("pwned*")) == []


def test_the_checkouts_own_packages_are_not_ours(job: Job, tmp_path: Path) -> None:
    proof = tmp_path / "imported"
    code = f"open({str(proof)!r}, 'a').close()\n"
    names = ("holdpoint.py", "checks/__init__.py", "github/__init__.py", "yaml.py", "json.py")
    job.start(dict.fromkeys((*names, "sitecustomize.py"), code))
    job.push({"notes.txt": "a change"})
    result = job.run()
    assert "no model file was found" in result.summary
    assert not proof.exists()
    # The positive control: without -I the checkout's files are taken.
    subprocess.run([sys.executable, "-m", "holdpoint"], cwd=job.root, check=False)
    assert proof.exists()


def test_a_link_in_the_place_of_the_report_is_not_followed(job: Job, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("untouched")
    job.start(example=True)
    (job.root / "holdpoint-report.json").symlink_to(outside)
    job.push({})
    result = job.run()
    assert result.outputs["report-json"] == "holdpoint-report.json"
    assert outside.read_text() == "untouched"
    assert not (job.root / "holdpoint-report.json").is_symlink()
