"""What a repository's requirements come to: packages, pins to keep to, what was left out.

Made by the readers of requirements and lock files; used by `checks.environment.home`. Pure data.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from checks.sandbox.errors import clean

MAX_LINE = 1000
MAX_LINES = 2_000


class RequirementsError(Exception):
    """A requirements file that cannot be used; one sentence."""


@dataclass(frozen=True)
class Wanted:
    """One package: a PEP 508 line without an address, and the digests that its wheel may have."""

    line: str
    hashes: tuple[str, ...] = ()

    @property
    def requirement(self) -> Requirement:
        """The line, parsed."""
        return Requirement(self.line)

    @property
    def name(self) -> str:
        """The package's normal name."""
        return canonicalize_name(self.requirement.name)

    @property
    def pinned(self) -> str | None:
        """The one version that it allows, where it allows one here."""
        requirement = self.requirement
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            return None
        exact = [s.version for s in requirement.specifier if s.operator in {"==", "==="}]
        return exact[0] if len(exact) == 1 and not exact[0].endswith("*") else None

    def as_text(self) -> str:
        """The line of a requirements file."""
        return " ".join([self.line, *(f"--hash={digest}" for digest in self.hashes)])


@dataclass(frozen=True)
class Requirements:
    """What the files of `source` ask for. `constraints` fix versions of what comes along."""

    source: str | None = None
    packages: tuple[Wanted, ...] = ()
    constraints: tuple[Wanted, ...] = ()
    left_out: tuple[str, ...] = ()

    def pins(self) -> dict[str, str]:
        """The versions that are fixed, by normal name."""
        every = (*self.constraints, *self.packages)
        return {each.name: version for each in every if (version := each.pinned)}

    def names(self) -> frozenset[str]:
        """The normal names of everything that is mentioned."""
        return frozenset(each.name for each in (*self.packages, *self.constraints))

    def with_packages(self, lines: Iterable[str]) -> Requirements:
        """With these, where no package of that name is asked for yet."""
        asked = {each.name for each in self.packages}
        more = [each for each in map(Wanted, lines) if each.name not in asked]
        return replace(self, packages=(*self.packages, *more))

    def kept_to(self, recorded: dict[str, str]) -> Requirements:
        """Where a range allows the version that saved the model, exactly that one."""
        return replace(
            self, packages=tuple(_kept_to(each, recorded.get(each.name)) for each in self.packages)
        )


def wanted(line: str, hashes: tuple[str, ...] = ()) -> Wanted | None:
    """A line as it may be installed; None for what is no package of a registry."""
    try:
        requirement = Requirement(line[:MAX_LINE])
    except (InvalidRequirement, RecursionError):
        return None
    return None if requirement.url else Wanted(str(requirement), hashes)


def left_out(where: str, what: str, why: str = "only wheels of a registry are installed") -> str:
    """The sentence about something that was not installed."""
    return f"{where}: `{clean(what, 80)}` was left out: {why}."


def _kept_to(each: Wanted, version: str | None) -> Wanted:
    requirement = each.requirement
    if version is None or each.pinned or each.hashes:
        return each
    try:
        allowed = requirement.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return each
    if not allowed:
        return each
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    return Wanted(f"{requirement.name}{extras}=={version}{marker}")
