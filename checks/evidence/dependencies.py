"""Which versions the model was trained with, and which ones will serve it.

Used by the deployment check, and to choose where the model runs. scikit-learn writes its version
into everything it pickles, XGBoost into its boosters; they are read here from the bytes, nothing is
loaded. What serves is read from lock and requirements
files, with lines.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.evidence.compressed import unpack
from checks.evidence.repository import FileError
from checks.report import Location

if TYPE_CHECKING:
    from checks.evidence.repository import Repository

MAX_PLAIN = 256 << 20  # bytes of a decompressed model that are looked through
LOCKS = (
    "requirements*.lock",
    "requirements*.txt",
    "*requirements.txt",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "Pipfile.lock",
    "environment.yml",
)
# Opcodes of a pickled string that follow the attribute's name, with or without a memo between them.
_SKLEARN = re.compile(
    rb"_sklearn_version(?:\x94|q.|r.{4})?(?:\x8c.|X.{4})(\d+\.[0-9A-Za-z.+-]{1,30})", re.DOTALL
)
# XGBoost's binary JSON: three small integers.
_XGBOOST = re.compile(rb"version\[#L\0{7}\x03[iU](.)[iU](.)[iU](.)", re.DOTALL)
_PINNED = re.compile(r"^\s*-?\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*==?=?\s*([0-9][\w.+!-]*)")


@dataclass(frozen=True)
class Pin:
    """One package that a file fixes to one version."""

    package: str
    version: str
    where: Location


def trained_with(payload: bytes) -> dict[str, str]:
    """Versions that a joblib or pickle file says it was made with; empty when it says none."""
    plain = unpack(payload, MAX_PLAIN).payload
    found = {}
    versions = set(_SKLEARN.findall(plain))
    if versions:
        newest = max(versions, key=lambda version: [int(n) for n in re.findall(rb"\d+", version)])
        found["scikit-learn"] = newest.decode("ascii", "replace")
    xgboost = _XGBOOST.search(plain)
    if xgboost is not None:
        found["xgboost"] = ".".join(str(part[0]) for part in xgboost.groups())
    return found


def pins(repository: Repository, package: str) -> tuple[Pin, ...]:
    """Where the repository fixes the version of one package."""
    found: list[Pin] = []
    for file in repository.matching(*LOCKS):
        try:
            text = repository.read_text(file.path)
        except FileError:
            continue
        toml = file.name in {"poetry.lock", "uv.lock", "pdm.lock"}
        found += _toml_pins(text, file.path) if toml else _line_pins(text, file.path)
    return tuple(pin for pin in found if provides(pin.package, package))


def provides(name: str, package: str) -> bool:
    """Whether a package is `package`, be it as built for one kind of processor (`xgboost-cpu`)."""
    return (
        re.fullmatch(rf"{re.escape(_normal(package))}(?:-(?:cpu|gpu|cu\d+))?", _normal(name))
        is not None
    )


def _line_pins(text: str, path: str) -> list[Pin]:
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        match = _PINNED.match(line[:500])
        if match:
            found.append(Pin(match[1], match[2], Location(path, number)))
    return found


def _toml_pins(text: str, path: str) -> list[Pin]:
    try:
        packages = tomllib.loads(text).get("package", [])
    except (tomllib.TOMLDecodeError, RecursionError):
        return []
    found = []
    for each in packages if isinstance(packages, list) else []:
        name, version = each.get("name"), each.get("version")
        if isinstance(name, str) and isinstance(version, str):
            found.append(Pin(name, version, Location(path, _line_of(text, name))))
    return found


def _line_of(text: str, name: str) -> int | None:
    position = text.find(f'name = "{name}"')
    return text.count("\n", 0, position) + 1 if position >= 0 else None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
