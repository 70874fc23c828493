"""Libraries of model formats live in the child: the tool's own process never imports them."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "onnxruntime", "onnx", "skops", "safetensors", "pyarrow")
WORK = (
    "from checks import models, run, catalog; models.discover(); catalog.discover();"
    "import checks.sandbox, checks.evidence.model_runs"
)


@pytest.mark.parametrize(
    ("code", "also"),
    [
        ("import holdpoint; holdpoint.main(['--help'])", ("numpy", "pandas", "sklearn")),
        (WORK, ("sklearn",)),
    ],
)
def test_what_is_heavy_is_not_imported(code: str, also: tuple[str, ...]) -> None:
    text = (
        "import sys\n"
        f"try:\n    {code}\nexcept SystemExit:\n    pass\n"
        "print('LOADED', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.rpartition("LOADED")[2].split())
    assert not loaded & {*HEAVY, *also}
