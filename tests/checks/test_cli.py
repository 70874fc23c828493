"""The command as a person uses it: real processes, exit codes, sentences."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from checks import report_json
from checks.render import html
from tests.checks.conftest import LENDING
from tests.patience import with_settings

if TYPE_CHECKING:
    from pathlib import Path


def holdpoint(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs `python -I -m holdpoint check`, as the Action does."""
    return subprocess.run(
        [sys.executable, "-I", "-m", "holdpoint", "check", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_all_formats_in_one_run(lending: Path, tmp_path: Path) -> None:
    arguments = [f"--format={name}" for name in ("text", "markdown", "json", "html")]
    done = holdpoint(lending, *arguments, "--output", tmp_path / "report.txt")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert (tmp_path / "report.txt").read_text().startswith("READY")
    assert (tmp_path / "report.md").read_text().startswith("## ✅ Ready")
    page = (tmp_path / "report.html").read_text()
    assert page.startswith("<!doctype html>")
    for plot in ("Score by check", "Confusion matrix", "Calibration curve", "Latency of single"):
        assert f"<figcaption>{plot}" in page
    report = report_json.loads((tmp_path / "report.json").read_bytes())
    assert page == html.page(report), "the JSON holds all that the page shows"
    assert report.is_ready
    assert report_json.dumps(report) == (tmp_path / "report.json").read_bytes()
    assert report.commit is None  # the copy is no git repository


def test_not_ready_is_1_and_readable(lending: Path) -> None:
    (lending / "Dockerfile").unlink()
    (lending / "k8s" / "modeldeployment.yaml").unlink()
    done = holdpoint(lending, "--only", "deployment")
    assert done.returncode == 1
    assert done.stdout.startswith("NOT READY")
    assert "What to fix first" in done.stdout
    done = holdpoint(lending, "--only", "deployment", "--fail-under", "0")
    assert done.returncode == 1, "critical issues fail whatever the score"


def test_a_part_is_never_called_ready(lending: Path) -> None:
    done = holdpoint(lending, "--only", "deployment", "--format", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["is_ready"] is False


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["/does/not/exist"], "is not a folder"),
        (["--config", "missing.yml"], "missing.yml: No such file"),
        (["--only", "speed"], "there is no check 'speed'"),
        (["--fail-under", "80"], "is no score from 0 to 1"),
        (["--output", "nowhere/report.md"], "make the folder nowhere first"),
        (["--format", "pdf"], "invalid choice"),
        (["--output", "/proc/nothing/x"], "/proc/nothing/x"),
        (["--nonsense"], "unrecognized arguments"),
    ],
)
def test_misuse_is_2_and_one_sentence(lending: Path, arguments: list[str], sentence: str) -> None:
    done = holdpoint(*arguments, *["--only", "deployment"], cwd=lending)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mistake_in_the_configuration_is_2_and_names_the_line(lending: Path) -> None:
    config = lending / "holdpoint.yml"
    config.write_bytes(with_settings(config.read_bytes(), b"  deploiment: {}\n"))
    done = holdpoint(lending)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.strip().startswith("holdpoint: holdpoint.yml:")
    assert "did you mean 'deployment'?" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_empty_folder_is_2(tmp_path: Path) -> None:
    done = holdpoint(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no model file was found" in done.stderr


def test_two_configurations_are_refused(lending: Path) -> None:
    (lending / "holdpoint.yaml").write_text("")
    done = holdpoint(lending)
    assert done.returncode == 2
    assert "holdpoint.yml and holdpoint.yaml both exist" in done.stderr


def test_a_configuration_that_is_a_link_is_refused(lending: Path) -> None:
    (lending / "holdpoint.yml").unlink()
    (lending / "holdpoint.yml").symlink_to("/etc/hostname")
    done = holdpoint(lending)
    assert done.returncode == 2
    assert "holdpoint.yml cannot be opened" in done.stderr


def test_a_hostile_checkout_is_not_imported(lending: Path) -> None:
    """The checkout's own `checks`, `yaml`, `numpy` and site hooks meet neither us nor the child."""
    canary = lending / "canary"
    body = f"open({str(canary)!r}, 'a').write(__name__)\nraise SystemExit(0)\n"
    for name in ("checks", "holdpoint", "yaml", "numpy", "pandas", "sitecustomize", "encodings"):
        (lending / name).mkdir()
        (lending / name / "__init__.py").write_text(body)
    (lending / "json.py").write_text(body)
    done = holdpoint(".", cwd=lending)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("READY")
    assert not canary.exists()
    # The positive control: without -I, Python imports from the folder it is started in.
    subprocess.run(
        [sys.executable, "-m", "holdpoint", "--help"], cwd=lending, check=False, capture_output=True
    )
    assert canary.exists()


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, holdpoint\n"
        "try: holdpoint.main(['check', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'scipy', 'pandas', 'sklearn', 'jinja2', 'yaml', 'joblib'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "exit codes: 0 ready, 1 not ready, 2 could not be judged" in done.stdout


def test_the_example_is_judged_at_its_commit() -> None:
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=LENDING, capture_output=True, text=True, check=False
    )
    done = holdpoint(LENDING, "--only", "deployment", "--format", "json")
    assert json.loads(done.stdout)["commit"] == (head.stdout.strip() or None)
