"""The tutorial, followed to the letter: its commands run, its output is what comes out."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

from tests.action.acting import ROOT
from tests.testbed import cache
from tests.tutorial.desk import NUMBER, REPO, load

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "tutorial" / "first-check.md"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def follow(tmp_path: Path) -> str:
    """Everything that a person who pastes the commands gets to see."""
    script = "set -euo pipefail\n" + "\n".join(blocks("bash"))
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TMPDIR": str(tmp_path),
            "HOLDPOINT_CACHE": str(cache.root().parent),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout
    return "\n".join(line.rstrip() for line in done.stdout.splitlines())


def test_the_tutorial_leads_where_it_says(tmp_path: Path) -> None:
    seen = follow(tmp_path)
    for block in blocks("text"):
        for line in block.splitlines():
            pattern = ".*".join(re.escape(part) for part in line.split("…"))
            assert re.search(f"^{pattern}$", seen, re.MULTILINE), f"{line!r} is not in:\n{seen}"
    (hub,) = {path.parent for path in tmp_path.glob("*/github.state")}
    with load(hub) as github:
        repo = github.repository(REPO)
        first, second = repo.check_runs
        (comment,) = github.comments(REPO, NUMBER)
        assert github.blockers(REPO, NUMBER) == []
    assert (first.conclusion, second.conclusion) == ("failure", "success")
    assert second.head_sha == repo.pulls[NUMBER].head
    assert second.head_sha not in first.head_sha
    assert "Ready" in comment.body.splitlines()[1]
    assert annotated_lines_exist(hub, first.head_sha, first.annotations)
    (secret,) = [each for each in first.annotations if each["path"] == "settings.py"]
    assert (secret["start_line"], secret["annotation_level"]) == (3, "failure")


def annotated_lines_exist(hub: Path, sha: str, annotations: list[dict[str, object]]) -> bool:
    """Whether every annotation is on a line that the commit has."""
    for each in annotations:
        shown = subprocess.run(
            ["git", "show", f"{sha}:{each['path']}"],
            cwd=hub / "lending.git", capture_output=True, check=True,
        )  # fmt: skip
        line = each["start_line"]
        if not isinstance(line, int) or not 1 <= line <= shown.stdout.count(b"\n") + 1:
            return False
    return True
