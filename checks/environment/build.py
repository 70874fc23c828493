"""Builds an environment of wheels, once for each set of requirements, and finds it again.

Used by `checks.environment.home`. `uv` makes it with the network on, before any model is near: it
installs wheels only, so nothing of a package runs; it reads no configuration of the repository or
of its user, and its own environment holds no secrets. Nothing in the finished environment is ever
run here, only in the sandbox.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import uv

from checks.environment.refusal import explained

if TYPE_CHECKING:
    from checks.environment.wanted import Requirements

LIMIT_S = 900.0  # to download and unpack; torch with its libraries takes minutes
POLL_S = 0.2
LAYOUT = "1"  # raised when environments are made in another way
# The person's own: where the registry is and how the network is reached. Never the repository's.
PASSED = (
    *("PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_OFFLINE"),
    "UV_TORCH_BACKEND",
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
)


class BuildError(Exception):
    """The environment could not be made; one sentence, and what to do.

    `is_theirs` says that it is to be done in the requirements.
    """

    def __init__(self, sentence: str, fix: str, *, is_theirs: bool = False) -> None:
        super().__init__(sentence)
        self.fix = fix
        self.is_theirs = is_theirs


@dataclass(frozen=True)
class Builder:
    """Makes environments of one interpreter in one folder."""

    cache: Path
    python: Path = field(default_factory=lambda: Path(sys.executable))
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    limit_s: float = LIMIT_S

    def interpreter(self, requirements: Requirements) -> Path:
        """The interpreter that has these packages, made if need be. Raises BuildError."""
        name = digest(requirements, self.python)
        target = self.cache / "environments" / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.is_dir():
                with _locked(target.with_suffix(".lock"), self.limit_s):
                    if not target.is_dir():
                        self._make(requirements, target)
        except OSError as error:
            raise BuildError(
                f"the model's environment cannot be kept in {target.parent}: "
                f"{error.strerror or error}",
                "set HOLDPOINT_CACHE to a folder that can be written",
            ) from error
        return target / "bin" / "python"

    def _make(self, requirements: Requirements, target: Path) -> None:
        """Into a folder beside it that gets its name at the end, so that half of one never counts.

        With the folder's own links checked: a wheel may put files anywhere into an environment.
        """
        folder = Path(tempfile.mkdtemp(prefix=f"{target.name[:16]}.", dir=target.parent))
        folder.chmod(0o755)  # another uid may have to read it
        ended = time.monotonic() + self.limit_s
        try:
            self._uv(["venv", "--allow-existing", "--python", str(self.python), str(folder)], ended)
            before = _frame(folder)
            self._install(requirements, folder, ended)
            if _frame(folder) != before:
                fix = "look at what the packages in the requirements install"
                raise BuildError("a package replaced the environment's own interpreter", fix)
            folder.rename(target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _install(self, requirements: Requirements, folder: Path, ended: float) -> None:
        with tempfile.TemporaryDirectory(prefix="holdpoint-requirements-") as scratch:
            packages, constraints = Path(scratch, "packages.txt"), Path(scratch, "constraints.txt")
            packages.write_text("".join(f"{w.as_text()}\n" for w in requirements.packages))
            constraints.write_text("".join(f"{w.as_text()}\n" for w in requirements.constraints))
            self._uv(
                [
                    *("pip", "install", "--only-binary", ":all:", "--no-sources"),
                    *("--python", str(folder / "bin" / "python")),
                    *("--requirements", str(packages), "--constraints", str(constraints)),
                ],
                ended,
            )

    def _uv(self, arguments: list[str], ended: float) -> None:
        environment = {name: self.environ[name] for name in PASSED if name in self.environ}
        environment |= {
            "HOME": "/nonexistent",
            "UV_CACHE_DIR": str(self.cache / "wheels"),
            "UV_PYTHON_DOWNLOADS": "never",
        }
        command = [uv.find_uv_bin(), "--no-config", "--quiet", "--color", "never", *arguments]
        try:
            done = subprocess.run(
                command,
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=max(ended - time.monotonic(), 1),
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise BuildError(
                f"the model's environment was not installed within {self.limit_s:g} s",
                "name a shorter requirements file as model.requirements",
            ) from error
        if done.returncode != 0:
            said, fix, is_theirs = explained(done.stderr.decode(errors="replace"), described())
            raise BuildError(said, fix, is_theirs=is_theirs)


def cache_folder(environ: Mapping[str, str]) -> Path:
    """`holdpoint` in the folder that HOLDPOINT_CACHE or XDG_CACHE_HOME names, or in ~/.cache.

    Raises BuildError.
    """
    for name in ("HOLDPOINT_CACHE", "XDG_CACHE_HOME"):
        if environ.get(name):
            return Path(environ[name]).absolute() / "holdpoint"
    home = os.path.expanduser("~")
    if home.startswith("~"):
        what = "there is no home folder to keep the model's environment in"
        raise BuildError(what, "set HOLDPOINT_CACHE to a folder that can be written")
    return Path(home, ".cache", "holdpoint")


def described() -> str:
    """The Python and platform that wheels are needed for, in words."""
    return f"Python {platform.python_version()} on {sysconfig.get_platform()}"


def digest(requirements: Requirements, python: Path) -> str:
    """The name of an environment: whatever changes what is in it changes this."""
    parts = [
        *(LAYOUT, str(python.resolve()), sys.version, sysconfig.get_platform()),
        [each.as_text() for each in requirements.packages],
        [each.as_text() for each in requirements.constraints],
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _frame(folder: Path) -> tuple[bytes, list[str]]:
    """What says which interpreter an environment has."""
    links = [folder / "bin" / "python", folder / "lib64"]
    texts = [os.readlink(link) if link.is_symlink() else "" for link in links]
    configuration = folder / "pyvenv.cfg"
    return b"" if configuration.is_symlink() else configuration.read_bytes(), texts


@contextlib.contextmanager
def _locked(path: Path, limit_s: float) -> Iterator[None]:
    """One builder at a time; the kernel frees the lock of one that died. Raises BuildError."""
    import fcntl  # noqa: PLC0415 - not everywhere

    ended = time.monotonic() + limit_s
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > ended:
                    what = (
                        f"another run has been building the model's environment for {limit_s:g} s"
                    )
                    raise BuildError(what, f"end it, or remove {path.parent}") from error
                time.sleep(POLL_S)
        yield
