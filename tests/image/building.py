"""Builds the Dockerfile without a container engine: buildah in chroot isolation, on a base image
made here with debootstrap. Called by the tests of the image.

Base and layers are kept in the cache outside the checkout, so that a change of ours builds only
what it touches. Certificates that this machine adds are lent to the build and stay out of the
image.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.testbed import cache
from tests.testbed.progress import run_slowly, say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUITE = "bookworm"  # as the Dockerfile's own base
PACKAGES = "python3,python3-venv,ca-certificates"
BASE = f"localhost/holdpoint-base:{SUITE}"
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
TOOLS = ("buildah", "debootstrap")


def missing() -> list[str]:
    """What is needed and not here."""
    absent = [tool for tool in TOOLS if shutil.which(tool, path=_path()) is None]
    return absent if os.geteuid() == 0 else ["root", *absent]


def _path() -> str:
    return f"{os.environ['PATH']}{os.pathsep}/usr/sbin{os.pathsep}/sbin"


class Builder:
    """One store of images, in the cache."""

    def __init__(self, scratch: Path) -> None:
        self.store = cache.root() / "images"
        self.store.mkdir(parents=True, exist_ok=True)
        self._scratch = scratch

    def command(self, *arguments: str) -> list[str]:
        store = ["--root", str(self.store), "--runroot", str(self._scratch / "run")]
        return ["buildah", *store, *arguments]

    def ask(self, *arguments: str) -> str:
        done = subprocess.run(
            self.command(*arguments), capture_output=True, text=True, check=True, env=self._env()
        )
        return done.stdout.strip()

    def build(self, context: Path, *arguments: str, tag: str = "localhost/holdpoint") -> str:
        """The name of the image built from `context`."""
        self._base()
        lend = ["--volume", f"{_CERTIFICATES}:{_CERTIFICATES}:ro"]
        lend += ["--env", f"PIP_CERT={_CERTIFICATES}"]
        run_slowly(
            f"building the image {tag}",
            self.command(
                *("build", "--isolation", "chroot", "--layers", "--pull-never", *lend),
                *("--build-arg", f"BASE={BASE}", "--tag", tag, *arguments),
                str(context),
            ),
            cwd=context,
            env=self._env(),
            takes="about 3 minutes, less when only our sources changed",
        )
        return tag

    @contextlib.contextmanager
    def container(self, image: str) -> Iterator[str]:
        """A working container of the image; its name."""
        name = self.ask("from", "--pull-never", image)
        try:
            yield name
        finally:
            self.ask("rm", name)

    def _env(self) -> dict[str, str]:
        return {**os.environ, "PATH": _path(), "TMPDIR": str(self._scratch)}

    def _base(self) -> None:
        if BASE in self.ask("images", "--format", "{{.Name}}:{{.Tag}}").split():
            return
        root = cache.made_once(f"debian-{SUITE}", self._debian, say)
        name = self.ask("from", "scratch")
        self.ask("add", name, str(root / "root.tar"), "/")
        self.ask("commit", "--rm", name, BASE)

    def _debian(self, folder: Path) -> None:
        root = self._scratch / "debian"
        run_slowly(
            "making a Debian base image",
            ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(root)],
            cwd=folder,
            env=self._env(),
            takes="once; about a minute",
        )
        tar = ["tar", "--create", "--file", str(folder / "root.tar"), "--directory", str(root)]
        subprocess.run([*tar, "--exclude=./var/cache/apt/archives/*.deb", "."], check=True)
        shutil.rmtree(root)
