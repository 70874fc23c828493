"""Which packages of the lock go into an image with torch; the wheel itself is another index's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def ask(argument: str) -> str:
    done = subprocess.run(
        [sys.executable, "deploy/image/subset.py", argument],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def test_torch_comes_without_cuda_and_twice_nothing() -> None:
    names = [line.partition("==")[0] for line in ask("--torch").splitlines() if "==" in line]
    assert {"filelock", "sympy", "safetensors"} <= set(names)
    assert not [name for name in names if name.startswith(("nvidia", "cuda", "triton", "torch"))]
    assert not {"numpy", "scikit-learn"} & set(names)  # the slim image's own, at the same version
    assert ask("--torch").count("--hash=sha256:") >= len(names)


def test_torch_itself_has_the_locks_version() -> None:
    wanted = ask("--torch-version")
    assert f"\n{wanted} \\\n" in (ROOT / "requirements-torch.lock").read_text()
