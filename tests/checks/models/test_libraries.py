"""A model format whose library is missing fails its tests, so that no run is green without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.checks.libraries import need

TESTS = Path(__file__).resolve().parents[2]


def test_what_is_missing_fails_and_says_what_installs_it() -> None:
    with pytest.raises(pytest.fail.Exception, match="nowhere is not installed: `make test`"):
        need("nowhere")


def test_a_whole_file_fails_too(tmp_path: Path) -> None:
    text = "from tests.checks.libraries import need\nneed('nowhere')\ndef test_x(): pass\n"
    (tmp_path / "test_x.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode not in (0, 5), done.stdout
    assert "nowhere is not installed: `make test` installs it" in done.stdout
    assert "skipped" not in done.stdout


def test_no_test_skips_itself_for_want_of_a_library() -> None:
    skips = "importor" + "skip"
    found = [str(path.relative_to(TESTS)) for path in TESTS.rglob("*.py")
             if skips in path.read_text(encoding="utf-8")]  # fmt: skip
    assert found == []
