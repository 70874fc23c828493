"""Libraries of model formats live in the child: the tool's own process never imports them.

That keeps `holdpoint --help` quick, which is judged here by what it imports and never by a clock.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FORMATS = {"torch", "onnxruntime", "onnx", "skops", "safetensors", "pyarrow", "xgboost"}
MEASURING = {"sklearn", "pandas"}
NUMBERS = {"numpy", "scipy"}
PARTS = {"checks", "rollouts", "bot"}
WORK = (
    "from checks import models, run, catalog; models.discover(); catalog.discover();"
    "import checks.sandbox, checks.evidence.model_runs"
)


def loaded(code: str) -> set[str]:
    """The packages that are imported once this has run in an interpreter of its own."""
    text = (
        "import sys\n"
        f"try:\n    {code}\nexcept SystemExit:\n    pass\n"
        "print('LOADED', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.rpartition("LOADED")[2].split())


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--help"], NUMBERS | PARTS | {"yaml", "jinja2"}),
        (["--version"], NUMBERS | PARTS | {"yaml", "jinja2"}),
        (["check", "--help"], NUMBERS),
        (["config", "--explain", "examples/lending"], set()),
    ],
)
def test_a_command_imports_what_it_needs(arguments: list[str], absent: set[str]) -> None:
    found = loaded(f"import holdpoint; holdpoint.main({arguments!r})")
    assert "holdpoint" in found
    assert not found & (FORMATS | MEASURING | absent)


def test_the_checks_and_the_formats_import_no_library_of_a_format() -> None:
    found = loaded(WORK)
    assert "numpy" in found  # the probe sees what is imported
    assert not found & (FORMATS | {"sklearn"})
