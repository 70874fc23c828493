"""action.yml and the workflows: valid, safe by two linters, and in step with the Action."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.action.workflow_lint import ACTION, ROOT, complaints, workflows

READY_MADE = sorted((ROOT / "examples/workflows").glob("*.yml"))


def jobs(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())["jobs"]
    return found


def test_schemas_and_linters_are_content() -> None:
    assert complaints(ACTION, workflows()) == []


def test_the_linters_would_complain(tmp_path: Path) -> None:
    path = tmp_path / ".github" / "workflows" / "bad.yml"
    path.parent.mkdir(parents=True)
    text = (ROOT / "examples/workflows/fork-safe.yml").read_text()
    text = text.replace("!cancelled()", "!canceled()").replace(
        "permissions: {}", "permissions: write-all"
    )
    path.write_text(text)
    said = "".join(complaints(ACTION, [path]))
    assert 'undefined function "canceled"' in said
    assert "excessive-permissions" in said


def test_the_schema_would_complain(tmp_path: Path) -> None:
    path = tmp_path / "action.yml"
    path.write_text(ACTION.read_text().replace("using: docker", "using: podman"))
    assert complaints(path, READY_MADE[:1]) != []


@pytest.mark.parametrize("path", READY_MADE, ids=lambda path: path.stem)
def test_ready_made_workflows_set_inputs_that_exist(path: Path) -> None:
    known = set(yaml.safe_load(ACTION.read_text())["inputs"])
    steps = [step for job in jobs(path).values() for step in job["steps"]]
    ours = [step for step in steps if step["uses"].startswith("holdpoint/holdpoint@")]
    assert ours
    assert all(set(step.get("with", {})) <= known for step in ours)


def test_no_job_that_runs_a_strangers_model_can_write() -> None:
    judge, publish = jobs(ROOT / "examples/workflows/fork-safe.yml").values()
    assert judge["permissions"] == {"contents": "read"}
    assert publish["permissions"] == {"checks": "write", "pull-requests": "write"}
    assert [step["with"]["mode"] for step in judge["steps"] if "mode" in step["with"]] == ["judge"]
    assert not any("checkout" in step["uses"] for step in (*judge["steps"], *publish["steps"]))


def test_the_how_to_names_every_ready_made_workflow() -> None:
    page = (ROOT / "docs/how-to/github-action.md").read_text()
    assert READY_MADE
    assert all(path.name in page for path in READY_MADE)


def test_a_release_pins_the_image_by_its_digest(tmp_path: Path) -> None:
    path = tmp_path / "action.yml"
    path.write_text(ACTION.read_text())
    script = [sys.executable, str(ROOT / "deploy/image/pin.py"), str(path)]
    by_tag = subprocess.run([*script, "r.example/a:1"], capture_output=True, text=True, check=False)
    assert by_tag.returncode != 0
    assert "by its digest" in by_tag.stderr
    subprocess.run([*script, f"r.example/a@sha256:{'1' * 64}"], check=True)
    before = yaml.safe_load(ACTION.read_text())
    after = yaml.safe_load(path.read_text())
    assert after["runs"] == {"using": "docker", "image": f"docker://r.example/a@sha256:{'1' * 64}"}
    assert {**after, "runs": before["runs"]} == before
    assert complaints(path, READY_MADE[:1]) == []
