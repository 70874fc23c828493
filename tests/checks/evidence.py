"""Judges an example again and again with pieces of its evidence taken away, without waiting.

What only asks the model (`Needs.MODEL`) gives the same verdict for the same model, rows and
settings, so it is judged once; the others are judged anew each time, with the model's answers
remembered. When the data, the environment or the configuration go, everything is judged anew, with
the answers and timings of the same bytes run by the same packages remembered.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, TypeVar, cast

from checks import catalog, run
from checks.check import Context, Needs
from checks.environment.home import Home
from checks.errors import CannotJudgeError
from checks.evidence.data import Reader
from checks.evidence.model_runs import ModelRuns
from checks.evidence.repository import scan
from tests.patience import patient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from checks.check import Check
    from checks.config import Config
    from checks.evidence.answers import Predictions
    from checks.evidence.timings import Timings
    from checks.sandbox import Table

T = TypeVar("T")
Scores = dict[str, float]
# What a run of the model depends on.
MEASURED_FROM = ("model/model.joblib", "data/evaluation.csv", "data/training.csv",
                 "holdpoint.yml", "requirements.lock", "requirements.txt")  # fmt: skip


class Remembering(ModelRuns):
    """Asks the same model, run by the same packages, once for each table and once for its times."""

    memory: dict[object, Any]

    def answers(self, inputs: Table) -> Predictions:
        """As before, or remembered."""
        digest = hashlib.sha256()
        for column in inputs.columns:
            digest.update(f"{column.name} {column.kind} {column.values.tolist()}".encode())
        return self._once(digest.digest(), lambda: super(Remembering, self).answers(inputs))

    def timings(self) -> Timings:
        """As before, or remembered."""
        return self._once("timings", super().timings)

    def _once(self, asked: object, ask: Callable[[], T]) -> T:
        self.model_inputs()  # what cannot be asked now is not remembered either
        key = asked, self.model.digest, str(sorted(self.versions.items()))
        if key not in self.memory:
            self.memory[key] = ask()
        return cast("T", self.memory[key])


class Judge:
    """One example and its scores. A context manager."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._memory: dict[object, Any] = {}
        self._config, self._runs = self._begin()
        self.whole: Scores = {}

    def __enter__(self) -> Judge:
        self.whole = self._all(self._config, self._runs)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._runs.__exit__(kind, error, trace)

    def without(self, paths: set[str]) -> Scores:
        """The scores of the tree as it is now, in which something of these paths was changed."""
        if not paths.isdisjoint(MEASURED_FROM):
            return self._anew()
        return {
            check.name: self.whole[check.name]
            if _only_model(check)
            else self._score(check, self._config, self._runs)
            for check in catalog.discover()
        }

    def _begin(self) -> tuple[Config, Remembering]:
        payload, name = run.find_config(self.root) or (b"", "holdpoint.yml")
        config = run.load_config(patient(payload), name)
        options, repository = run.Options(), scan(self.root)
        model = run.find_model(repository, config)
        reader = Reader(repository, options.interpreter, options.limits)
        home = Home(repository, model, options.interpreter, config.model)
        runs = Remembering(model, reader, config, None, home)
        runs.memory = self._memory
        return config, runs

    def _anew(self) -> Scores:
        try:
            config, runs = self._begin()
        except CannotJudgeError:
            return dict.fromkeys(self.whole, 0.0)
        with runs:
            return self._all(config, runs)

    def _all(self, config: Config, runs: Remembering) -> Scores:
        return {check.name: self._score(check, config, runs) for check in catalog.discover()}

    def _score(self, check: Check, config: Config, runs: Remembering) -> float:
        context = Context(scan(self.root), config, runs)
        return check.judge(check.collect(context), config).score or 0.0


def overall(scores: Scores) -> float:
    """The mean, as the report has it."""
    return sum(scores.values()) / len(scores)


def _only_model(check: Check) -> bool:
    return getattr(check, "needs", Needs.BOTH) is Needs.MODEL
