"""Prints the part of requirements.lock that some extras need, hashes included.

Called while the image is built, so that each image installs exactly what its rooms use, from the
one lock file. pip resolves the extras' names under the lock's versions (a dry run); the lock's own
entries, with their hashes, are then what gets installed.

    python3 subset.py checks > checks.lock
    python3 subset.py --torch > torch.lock      # what torch needs beside it, without CUDA
    python3 subset.py --torch-version           # torch itself, whose CPU wheel has another hash
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

_CUDA = ("nvidia-", "cuda-", "triton", "torch")
_ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==", re.MULTILINE)


def entries(lock: str) -> dict[str, list[str]]:
    """The lock's entries by normalised name; a name may have several, told apart by markers."""
    starts = [found.start() for found in _ENTRY.finditer(lock)]
    found: dict[str, list[str]] = {}
    for start, end in zip(starts, [*starts[1:], len(lock)], strict=True):
        entry = lock[start:end].rstrip() + "\n"
        found.setdefault(normal(entry.partition("==")[0]), []).append(entry)
    return found


def normal(name: str) -> str:
    """A distribution's name as the packaging rules compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(project: dict[str, Any], extras: list[str]) -> list[str]:
    """The requirements of the project and these extras; KeyError names an unknown extra."""
    extra_needs = [need for extra in extras for need in project["optional-dependencies"][extra]]
    return [*project["dependencies"], *extra_needs]


def resolved(requirements: list[str], constraints: str) -> list[str]:
    """The names that pip would install for the requirements under these versions."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(constraints)
        file.flush()
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        command = [*pip, "--report", "-", "--constraint", file.name, *requirements]
        report = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return [normal(each["metadata"]["name"]) for each in report["install"]]


def subset(lock: str, project: dict[str, Any], extras: list[str]) -> str:
    """The entries for the extras. Raises KeyError for a package that the lock does not hold."""
    found = entries(lock)
    versions = [entry.splitlines()[0].rstrip(" \\") for each in found.values() for entry in each]
    names = resolved(wanted(project, extras), "\n".join(versions))
    return "".join(entry for name in sorted(names) for entry in found[name])


def beside_torch(torch_lock: str, lock: str) -> str:
    """The torch lock's entries that neither are torch or CUDA nor stand in `lock` already."""
    held = entries(lock)
    return "".join(
        entry
        for name, found in sorted(entries(torch_lock).items())
        if not name.startswith(_CUDA) and (name not in held or name == "safetensors")
        for entry in found
    )


def torch_requirement(torch_lock: str) -> str:
    """`torch==<version>`. Raises KeyError where the lock has none."""
    return entries(torch_lock)["torch"][0].split()[0]


def main(asked: list[str]) -> str:
    lock = Path("requirements.lock").read_text()
    if asked == ["--torch"]:
        return beside_torch(Path("requirements-torch.lock").read_text(), lock)
    if asked == ["--torch-version"]:
        return torch_requirement(Path("requirements-torch.lock").read_text())
    return subset(lock, tomllib.loads(Path("pyproject.toml").read_text())["project"], asked)


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]))
