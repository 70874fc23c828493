"""Holds workflows and action.yml against GitHub's schemas, actionlint and zizmor (pedantic).

`python -m tests.action.workflow_lint` is part of `make lint`; a test runs it too. Nothing is asked
of the network once actionlint is built.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.testbed import modules

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
ACTION = ROOT / "action.yml"
BIN = Path(sys.executable).parent


def workflows() -> list[Path]:
    """This repository's own, and the ready-made ones."""
    return sorted(
        [*(ROOT / ".github/workflows").glob("*.yml"), *(ROOT / "examples/workflows").glob("*.yml")]
    )


def commands(action: Path, files: Sequence[Path]) -> list[list[str]]:
    """What is run: every command's exit status must be 0."""
    names = [str(path) for path in files]
    schema = [str(BIN / "check-jsonschema"), "--quiet", "--builtin-schema"]
    zizmor = [str(BIN / "zizmor"), "--offline", "--no-progress", "--quiet", "--persona=pedantic"]
    # shellcheck and pyflakes: not everybody has them, and the answer must not depend on it.
    actionlint = [str(modules.built(modules.ACTIONLINT)), "-shellcheck=", "-pyflakes="]
    return [
        [*schema, "vendor.github-actions", str(action)],
        [*schema, "vendor.github-workflows", *names],
        [*actionlint, *names],
        [*zizmor, "--config", str(ROOT / ".github/zizmor.yml"), *names, str(action)],
    ]


def complaints(action: Path, files: Sequence[Path]) -> list[str]:
    """What each command that was not content had to say."""
    done = [
        subprocess.run(each, capture_output=True, text=True, check=False, cwd=ROOT)
        for each in commands(action, files)
    ]
    return [each.stdout + each.stderr for each in done if each.returncode != 0]


if __name__ == "__main__":
    sys.exit("\n".join(complaints(ACTION, workflows())) or 0)
