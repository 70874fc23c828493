"""Decides whether an interpreter will do for a model, and what an environment of its own holds.

Used by `checks.environment.home`. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from checks.environment.needs import package_of
from checks.evidence.dependencies import provides

if TYPE_CHECKING:
    from checks.environment.installed import Installed
    from checks.environment.needs import Needs
    from checks.environment.wanted import Requirements

# A patch release of these reads what another one of the same minor release wrote.
SAME_MINOR = frozenset({"scikit-learn", "numpy", "pandas", "scipy"})
ANY_VERSION = frozenset({"joblib"})  # its files are not bound to a version
SHAPING = ("numpy", "pandas")  # what the child makes a model's input of


def differences(needs: Needs, requirements: Requirements, here: Installed) -> tuple[str, ...]:
    """Why the model needs another environment than the one that is here; empty when it needs none.

    What the requirements fix counts before what the model recorded, because it is what will serve.
    Without any requirements a module that is missing is no reason: nobody says what to install.
    """
    pins = requirements.pins()
    found = []
    for module in sorted(needs.modules):
        package = package_of(module)
        asked, have = pins.get(package) or needs.recorded.get(package), here.versions.get(package)
        if have is None and module not in here.modules:
            if requirements.packages:
                found.append(f"{package} is not installed with Holdpoint")
        elif asked and have and not same(package, asked, have):
            found.append(f"it needs {package} {asked} and Holdpoint has {have}")
    return tuple(found)


def same(package: str, one: str, other: str) -> bool:
    """Whether two versions of a package read each other's models."""
    if package in ANY_VERSION or one == other:
        return True
    try:
        first, second = Version(one), Version(other)
    except InvalidVersion:
        return False
    if package in SAME_MINOR:
        return first.release[:2] == second.release[:2]
    return first.public == second.public  # torch 2.4+cpu is torch 2.4


def contents(needs: Needs, requirements: Requirements) -> Requirements:
    """What to install: the requirements, what was recorded, and what the child itself needs.

    A range is kept to the recorded version where it allows that one. Beyond the requirements only
    packages that they fix, or whose version the model recorded, are added: a module's name alone
    says too little about who publishes the package.
    """
    mentioned = requirements.names()
    recorded = [
        f"{package}=={version}"
        for package, version in needs.recorded.items()
        if not any(provides(name, package) for name in mentioned)
    ]
    locked = sorted(needs.packages() & mentioned)
    joblib = ["joblib"] if "joblib" in needs.modules else []
    kept = requirements.kept_to(needs.recorded)
    return kept.with_packages([*recorded, *locked, *joblib, *SHAPING])
