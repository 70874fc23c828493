"""Interpreters for the tests: the tool's own, and one that another uid can read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from checks.sandbox.interpreter import describe

if TYPE_CHECKING:
    from collections.abc import Iterator

CANDIDATES = ("/usr/bin/python3", "/usr/local/bin/python3", "/opt/python/bin/python3")
PACKAGES = (
    "numpy*",
    "scipy*",
    "cloudpickle*",
    "joblib*",
    "sklearn*",
    "scikit_learn*",
    "threadpoolctl*",
    "narwhals*",
)


def public_interpreter() -> Path:
    """A system Python of our own version that everybody may read; AssertionError without one."""
    for candidate in map(Path, CANDIDATES):
        if candidate.is_file() and describe(candidate).readable_to_others() and _same(candidate):
            return candidate
    version = ".".join(map(str, sys.version_info[:2]))
    raise AssertionError(
        f"The uid layer cannot be proven here: it needs a Python {version} that every user may "
        f"read at one of {', '.join(CANDIDATES)} "
        f"(on Debian: apt-get install python3-minimal)."
    )


def require_real_root() -> None:
    """AssertionError with the reason where the uid layer cannot be tried."""
    maps = Path("/proc/self/uid_map").read_text().split()
    assert os.geteuid() == 0, "The uid layer can only be proven as root; run the tests as root."
    assert int(maps[2]) > 1, "This user namespace maps one uid only; run the tests as real root."


def _same(candidate: Path) -> bool:
    code = "import sys; print(*sys.version_info[:2])"
    told = subprocess.run([candidate, "-I", "-S", "-c", code], capture_output=True, check=True)
    return told.stdout.split() == [str(part).encode() for part in sys.version_info[:2]]


@contextmanager
def public_environment() -> Iterator[Path]:
    """The interpreter of a virtual environment, readable to everybody, that has scikit-learn."""
    folder = Path(tempfile.mkdtemp(prefix="sandbox-environment-"))
    folder.chmod(0o755)
    try:
        base = public_interpreter()
        subprocess.run([base, "-m", "venv", "--without-pip", folder / "venv"], check=True)
        target = next((folder / "venv" / "lib").glob("python3*/site-packages"))
        source = Path(sysconfig.get_path("purelib"))
        for pattern in PACKAGES:
            for package in source.glob(pattern):
                if package.is_dir():
                    shutil.copytree(package, target / package.name, copy_function=_link)
                else:
                    _link(str(package), str(target / package.name))
        yield folder / "venv" / "bin" / "python"
    finally:
        shutil.rmtree(folder)


def _link(source: str, target: str) -> None:
    """A hard link: two hundred megabytes are not copied where they need not be."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
