"""Where one model runs, made when it is first asked for: interpreter and the repository's code.

`ModelRuns` asks it when a check needs the model, so a run that needs none installs nothing. The
tool's own interpreter is taken where it has what the model needs; otherwise an environment of the
model's own is built, or found in the cache. Versions are read from folders, never asked of the
child.
"""

from __future__ import annotations

import os
import platform
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from checks import models
from checks.environment.build import Builder, BuildError, cache_folder
from checks.environment.code import snapshot
from checks.environment.decide import SHAPING, contents, differences, same
from checks.environment.find import find
from checks.environment.installed import installed
from checks.environment.needs import Needs, needs
from checks.environment.wanted import Requirements, RequirementsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.config import ModelConfig
    from checks.environment.code import Snapshot
    from checks.evidence.model_runs import ModelFile
    from checks.evidence.repository import Repository
    from checks.sandbox import Code

Mode = Literal["auto", "own", "tool"]
MOST_NOTES = 10


class HomeError(Exception):
    """The model has no place to run; one sentence, what to do, and in which file."""

    def __init__(self, sentence: str, fix: str, where: str | None = None) -> None:
        super().__init__(sentence)
        self.fix = fix
        self.where = where


@dataclass(frozen=True)
class Place:
    """An interpreter that has the model's packages, and the code that it may import."""

    interpreter: Path
    code: Code | None = None
    notes: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)  # of the packages that it needs


class Home:
    """Makes the place once. Closing removes what was made for this run."""

    def __init__(
        self,
        repository: Repository,
        model: ModelFile,
        interpreter: Path,
        wanted: ModelConfig,
    ) -> None:
        """`interpreter` is the tool's own; `wanted` says where and with what the model runs."""
        self._repository = repository
        self._model = model
        self._interpreter = interpreter
        self._wanted = wanted
        self._stack = ExitStack()
        self._place: Place | None = None

    @property
    def versions(self) -> Mapping[str, str]:
        """The versions that the model ran with; empty when it did not."""
        return self._place.versions if self._place else {}

    def open(self) -> Place:
        """The place, the same at every call. Raises HomeError."""
        if self._place is None:
            copied = self._stack.enter_context(snapshot(self._repository, self._model.path))
            self._place = self._make(copied)
        return self._place

    def close(self) -> None:
        """Removes the copy of the code. Safe to call twice."""
        self._stack.close()

    def _make(self, copied: Snapshot) -> Place:
        wish = needs(self._repository, copied.roots, self._model, self._entry())
        asked, notes = self._requirements()
        why = differences(wish, asked, installed(self._interpreter))
        if self._wanted.environment == "own" or (self._wanted.environment == "auto" and why):
            interpreter = self._build(contents(wish, asked), asked.source)
            notes += asked.left_out[:MOST_NOTES]
            reason = f", because {'; '.join(why)}" if why else ""
            from_where = asked.source or "the versions it recorded"
            notes += (f"The model ran in an environment made from {from_where}{reason}.",)
        else:
            interpreter = self._interpreter
            if why:
                notes += (f"The model ran with Holdpoint's packages, though {'; '.join(why)}.",)
        found = installed(interpreter).versions
        names = sorted(wish.packages() | set(SHAPING))
        versions = {name: found[name] for name in names if name in found}
        notes += tuple(_unlike(wish, versions))
        ran = {"python": platform.python_version(), **versions}
        return Place(interpreter, copied.code, (*copied.notes, *notes), ran)

    def _entry(self) -> str | None:
        """The function that makes the model, where it is one of the repository."""
        return self._wanted.constructor or models.entry(self._wanted.path or "")

    def _requirements(self) -> tuple[Requirements, tuple[str, ...]]:
        """What the repository asks for; a file that cannot be read is a note where none is asked
        for by name.
        """
        try:
            return find(self._repository, self._model.path, self._wanted.requirements), ()
        except RequirementsError as error:
            if self._wanted.requirements is None and self._wanted.environment != "own":
                return Requirements(), (
                    f"Requirements that cannot be read were left out: {error}.",
                )
            fix = "mend it, or name another file as model.requirements"
            raise HomeError(f"the model's requirements cannot be used: {error}", fix) from error

    def _build(self, requirements: Requirements, source: str | None) -> Path:
        try:
            builder = Builder(self._cache(), self._interpreter)
            return builder.interpreter(requirements)
        except BuildError as error:
            place = f"{source}: " if error.is_theirs and source else ""
            raise HomeError(str(error), f"{place}{error.fix}", source) from error

    def _cache(self) -> Path:
        """Never in the checkout, where a change could bring environments of its own along."""
        folder = cache_folder(os.environ)
        if folder.resolve().is_relative_to(self._repository.root.resolve()):
            raise BuildError(
                f"environments cannot be kept in the repository that is judged ({folder})",
                "set HOLDPOINT_CACHE to a folder outside of it",
            )
        return folder


def _unlike(wish: Needs, versions: Mapping[str, str]) -> list[str]:
    """Where the model ran with another version than it was saved with."""
    return [
        f"The model was saved by {package} {saved} and ran with {versions[package]}."
        for package, saved in wish.recorded.items()
        if package in versions and not same(package, saved, versions[package])
    ]
