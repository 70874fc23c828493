"""Builds the Go modules under go/, each into a cache folder named after what it is built from."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.testbed import cache, toolchain
from tests.testbed.progress import run_slowly, say

_SOURCES = Path(__file__).with_name("go")


@dataclass(frozen=True)
class GoProgram:
    """One program: the folder below go/, the package to build in it, and what a person is told.

    `version_of` names the module whose version the program should report; `version_flags` are
    linker variables, with {version} and {minor} to be filled in.
    """

    name: str
    package: str
    title: str
    takes: str
    version_of: str
    version_flags: tuple[str, ...] = ()

    @property
    def sources(self) -> Path:
        return _SOURCES / self.name

    def version(self) -> str:
        """The version of `version_of` in go.mod, such as `v1.36.1`."""
        pattern = rf"^\s*(?:require )?{re.escape(self.version_of)} (v\S+)"
        found = re.search(pattern, (self.sources / "go.mod").read_text(), re.MULTILINE)
        if not found:
            raise RuntimeError(f"{self.sources / 'go.mod'} requires no {self.version_of}.")
        return found[1]

    def cache_name(self) -> str:
        digest = hashlib.sha256()
        for file in ("go.mod", "go.sum", "main.go"):
            path = self.sources / file
            digest.update(path.read_bytes() if path.exists() else b"")
        return f"{self.name}-{digest.hexdigest()[:16]}"


_KUBERNETES_VERSION = "k8s.io/component-base/version"
CONTROL_PLANE = GoProgram(
    name="controlplane",
    package=".",
    title="building etcd, kube-apiserver, kube-controller-manager and kube-scheduler",
    takes="once; about 5 minutes on two cores",
    version_of="k8s.io/kubernetes",
    version_flags=(
        f"{_KUBERNETES_VERSION}.gitVersion={{version}}",
        f"{_KUBERNETES_VERSION}.gitMajor=1",
        f"{_KUBERNETES_VERSION}.gitMinor={{minor}}",
        f"{_KUBERNETES_VERSION}.gitTreeState=clean",
    ),
)
TRAEFIK = GoProgram(
    name="traefik",
    package="github.com/traefik/traefik/v3/cmd/traefik",
    title="building Traefik",
    takes="once; about 8 minutes on two cores",
    version_of="github.com/traefik/traefik/v3",
    version_flags=("github.com/traefik/traefik/v3/pkg/version.Version={version}",),
)
ACTIONLINT = GoProgram(
    name="actionlint",
    package="github.com/rhysd/actionlint/cmd/actionlint",
    title="building actionlint",
    takes="once; about half a minute",
    version_of="github.com/rhysd/actionlint",
)
HELM = GoProgram(
    name="helm",
    package="helm.sh/helm/v3/cmd/helm",
    title="building Helm",
    takes="once; about 3 minutes on two cores",
    version_of="helm.sh/helm/v3",
    version_flags=("helm.sh/helm/v3/internal/version.version={version}",),
)
ISTIO = GoProgram(  # only its CRD files are used; nothing is built
    name="istio",
    package="",
    title="fetching Istio's CRDs",
    takes="once; a few seconds",
    version_of="istio.io/api",
)
PROGRAMS = (CONTROL_PLANE, TRAEFIK, ACTIONLINT, HELM)


def _environment() -> dict[str, str]:
    # CGO off: a static program, and no C compiler needed. GOWORK off: a workspace file above the
    # checkout would change what is built. GOTOOLCHAIN local: no toolchain is fetched.
    fixed = {"CGO_ENABLED": "0", "GOWORK": "off", "GOTOOLCHAIN": "local"}
    return {**os.environ, **fixed, "GOFLAGS": "-trimpath -buildvcs=false -mod=readonly"}


def built(program: GoProgram) -> Path:
    """The path of the program's executable; builds it first when the cache does not hold it."""

    def make(folder: Path) -> None:
        version = program.version()
        fill = {"version": version, "minor": version.split(".")[1]}
        variables = " ".join(f"-X {flag.format(**fill)}" for flag in program.version_flags)
        run_slowly(
            f"{program.title} {version}",
            [
                *(toolchain.go(), "build", "-ldflags", f"-s -w {variables}"),
                *("-o", str(folder / program.name), program.package),
            ],
            cwd=program.sources,
            env=_environment(),
            takes=program.takes,
        )

    return cache.made_once(program.cache_name(), make, say) / program.name


def module_folder(program: GoProgram, module: str) -> Path:
    """The (read-only) sources of a module that `program` depends on, checked against go.sum."""
    result = subprocess.run(
        [toolchain.go(), "mod", "download", "-json", module],
        cwd=program.sources,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise RuntimeError(
            f"Go could not fetch the module {module}: {result.stdout or result.stderr}"
        )
    return Path(json.loads(result.stdout)["Dir"])
