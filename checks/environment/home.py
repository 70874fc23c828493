"""Where one model runs, made when it is first asked for: interpreter and the repository's code.

`ModelRuns` asks it when a check needs the model, so a run that needs none makes nothing.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from checks.environment.code import snapshot

if TYPE_CHECKING:
    from checks.evidence.repository import Repository
    from checks.sandbox import Code


@dataclass(frozen=True)
class Place:
    """An interpreter that has the model's packages, and the code that it may import."""

    interpreter: Path
    code: Code | None = None
    notes: tuple[str, ...] = ()


class Home:
    """Makes the place once. Closing removes what was made for this run."""

    def __init__(self, repository: Repository, model: str, interpreter: Path) -> None:
        self._repository = repository
        self._model = model
        self._interpreter = interpreter
        self._stack = ExitStack()
        self._place: Place | None = None

    def open(self) -> Place:
        """The place, the same at every call."""
        if self._place is None:
            copied = self._stack.enter_context(snapshot(self._repository, self._model))
            self._place = Place(self._interpreter, copied.code, copied.notes)
        return self._place

    def close(self) -> None:
        """Removes the copy of the code. Safe to call twice."""
        self._stack.close()
        self._place = None
