"""The checks' verdicts on one tree, or on a change's and its base's in the same run.

Called by `checks.run`, which puts the report together. It opens what the collectors look at, and
leaves the order to `checks.schedule`.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from checks import schedule, waivers
from checks.base import compare
from checks.check import Check, Context, Needs
from checks.environment.home import Home
from checks.errors import CannotJudgeError
from checks.evidence.data import MAX_FILE, Reader
from checks.evidence.model_runs import ModelFile, ModelRuns
from checks.evidence.repository import FileError, Repository
from checks.sandbox import SandboxUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from checks.base.rules import Against
    from checks.base.side import BaseSide
    from checks.config import Config
    from checks.report import BaseReport, Verdict
    from checks.run import Options


@dataclass(frozen=True)
class Judged:
    """What came of judging one tree, or two."""

    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...]
    data_digest: str | None  # of the evaluation rows that were used
    ran_with: Mapping[str, str]  # versions of the packages in the model's environment
    base: BaseReport | None = None


@dataclass(frozen=True)
class Work:
    """What a tree, or two, are judged by."""

    config: Config
    options: Options
    checks: tuple[Check, ...]
    day: date
    budget: schedule.Budget

    def alone(self, repository: Repository, model: ModelFile) -> Judged:
        """Judges one tree."""
        with self._runs(repository, model, self.config) as runs:
            found = self._judge(self._jobs(Context(repository, self.config, runs)))
            return self._judged(found, repository, runs)

    def compared(self, base: BaseSide, model: ModelFile, against: Against) -> Judged:
        """Judges the change's tree and the base's."""
        other = None if base.same else base.model
        with ExitStack() as stack:
            theirs = None
            if other is not None and base.repository is not None:
                opened = self._runs(base.repository, other, base.config)
                theirs = stack.enter_context(opened)
            opened = self._runs(base.head, model, self.config, theirs)
            runs = stack.enter_context(opened)
            jobs = self._jobs(Context(base.head, self.config, runs))
            if base.repository is not None:
                context = Context(base.repository, base.config, theirs or runs)
                jobs += self._jobs(context, base)
            found = self._judge(jobs)
            judged = self._judged(found, base.head, runs)
        return replace(judged, base=compare.of(against, base, self.checks, found))

    def _runs(
        self,
        repository: Repository,
        model: ModelFile,
        config: Config,
        base: ModelRuns | None = None,
    ) -> ModelRuns:
        options = self.options
        reader = Reader(repository, options.interpreter, options.limits, options.trust_model)
        wanted = config.model
        if options.environment is not None:
            wanted = replace(wanted, environment=options.environment)
        home = Home(repository, model, options.interpreter, wanted)
        return ModelRuns(model, reader, config, base, home)

    def _jobs(self, context: Context, base: BaseSide | None = None) -> list[schedule.Job]:
        jobs = [schedule.Job(check, context) for check in self.checks]
        if base is None:
            return jobs
        jobs = [replace(job, of_base=True, same_model=base.same) for job in jobs]
        return [job for job in jobs if base.model or job.needs is Needs.TREE]

    def _judge(self, jobs: list[schedule.Job]) -> schedule.Found:
        try:
            return schedule.run(jobs, self._one, self.budget, self.options.progress)
        except SandboxUnavailable as error:
            raise CannotJudgeError(str(error)) from error

    def _one(self, job: schedule.Job) -> Verdict:
        check, config = job.check, job.context.config
        verdict = check.judge(check.collect(job.context), config)
        return waivers.apply(verdict, config.waivers, self.day, config.of(check))

    def _judged(self, found: schedule.Found, repository: Repository, runs: ModelRuns) -> Judged:
        return Judged(
            tuple(found[check.name, False] for check in self.checks),
            tuple(runs.notes),
            _data_digest(repository, self.config),
            runs.versions,
        )


def _data_digest(repository: Repository, config: Config) -> str | None:
    try:
        return repository.digest_of(config.data.evaluation or "", MAX_FILE)
    except FileError:
        return None
