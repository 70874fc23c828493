"""The Dockerfile, really built, and its entry point, really run, on the scikit-learn example."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.action.acting import REPO, Job
from tests.action.runner_files import parse_outputs
from tests.fakes.github import FakeGitHub
from tests.image.building import Builder, missing

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
REVISION = "4" * 40
LARGEST = 1200 << 20  # bytes of the slim image's files, with scikit-learn, pyarrow and Debian


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    absent = missing()
    if absent:
        sentence = f"the image needs {', '.join(absent)} to be built"
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return Builder(tmp_path_factory.mktemp("buildah"))


@pytest.fixture(scope="module")
def image(builder: Builder) -> str:
    return builder.build(
        ROOT, "--build-arg", "VERSION=1.2.3", "--build-arg", f"REVISION={REVISION}"
    )


@pytest.fixture(scope="module")
def controller(builder: Builder) -> str:
    return builder.build(ROOT, "--target", "controller", tag="localhost/holdpoint-controller")


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        yield fake


def run(builder: Builder, name: str, *more: str) -> subprocess.CompletedProcess[str]:
    """The image's entry point in a container of it, as the runner starts it."""
    entry = config(builder, name)["Entrypoint"]
    separator = more.index("--") if "--" in more else len(more)
    options, words = more[:separator], more[separator + 1 :]
    return subprocess.run(
        builder.command("run", "--isolation", "chroot", *options, name, "--", *entry, *words),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def config(builder: Builder, name: str) -> Any:
    return json.loads(builder.ask("inspect", name))["OCIv1"]["config"]


def contents(builder: Builder, name: str) -> tuple[int, set[str]]:
    """How many bytes a container's files have, and which packages are installed."""
    root = Path(builder.ask("mount", name))
    try:
        held = sum(f.stat().st_size for f in root.rglob("*") if f.is_file() and not f.is_symlink())
        found = {path.name for path in root.glob("opt/holdpoint/lib/python3*/site-packages/*")}
    finally:
        builder.ask("umount", name)
    return held, found


def test_labels_size_and_packages(builder: Builder, image: str) -> None:
    with builder.container(image) as name:
        labels = config(builder, name)["Labels"]
        held, found = contents(builder, name)
    assert labels["org.opencontainers.image.version"] == "1.2.3"
    assert labels["org.opencontainers.image.revision"] == REVISION
    assert {"sklearn", "github", "checks"} <= found
    assert not {"torch", "slack_bolt", "kubernetes", "pytest"} & found
    assert held < LARGEST


def test_it_is_healthy_without_a_network(builder: Builder, image: str) -> None:
    with builder.container(image) as name:
        done = subprocess.run(
            ["unshare", "--net", *builder.command("run", "--isolation", "chroot", name, "--"),
             *config(builder, name)["Entrypoint"], "--help"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "usage: holdpoint action" in done.stdout


def test_its_entry_point_imports_nothing_of_the_working_directory(
    builder: Builder, image: str, tmp_path: Path
) -> None:
    (tmp_path / "holdpoint.py").write_text("raise SystemExit('the checkout was imported')\n")
    with builder.container(image) as name:
        entry = config(builder, name)["Entrypoint"]
        done = run(
            builder, name, "--volume", f"{tmp_path}:/github/workspace",
            "--workingdir", "/github/workspace", "--env=PYTHONPATH=/github/workspace",
            "--", "--help",
        )  # fmt: skip
    assert "-I" in entry
    assert "usage: holdpoint action" in done.stdout, done.stderr


def test_the_controller_has_its_own_user_and_no_scikit_learn(
    builder: Builder, controller: str
) -> None:
    with builder.container(controller) as name:
        user = config(builder, name)["User"]
        entry = config(builder, name)["Entrypoint"]
        _, found = contents(builder, name)
        helps = [
            run(builder, name, f"--user={user}", "--", verb, "--help")
            for verb in ("controller", "bot")
        ]
    assert user == "65532:65532"
    assert "-I" in entry
    assert {"kubernetes", "slack_bolt", "rollouts", "bot"} <= found
    assert not {"sklearn", "pandas", "torch", "pytest"} & found
    assert [each.returncode for each in helps] == [0, 0], [each.stderr for each in helps]


def test_the_entry_point_judges_the_example(
    builder: Builder, image: str, github: FakeGitHub, tmp_path: Path
) -> None:
    job = Job(github, tmp_path)
    job.start(example=True)
    head = job.push({"notes.txt": "a change"})
    environment = job.environment()
    places = {"GITHUB_WORKSPACE": "/github/workspace", "GITHUB_OUTPUT": "/github/files/output",
              "GITHUB_STEP_SUMMARY": "/github/files/summary",
              "GITHUB_EVENT_PATH": "/github/files/event.json", "HOME": "/github/files"}  # fmt: skip
    files = tmp_path / "files"
    files.mkdir()
    for each in (job.output, job.summary, tmp_path / "event.json"):
        shutil.copy(each, files / each.name)
    del environment["PATH"]
    variables = [f"--env={name}={value}" for name, value in {**environment, **places}.items()]
    with builder.container(image) as name:
        done = run(
            builder, name, *variables,
            "--volume", f"{job.root}:/github/workspace", "--volume", f"{files}:/github/files",
            "--workingdir", "/github/workspace",
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (check,) = github.check_runs(REPO, head)
    assert check.conclusion == "success"
    assert len(github.comments(REPO, 7)) == 1
    assert parse_outputs(files / "output")["ready"] == "true"
