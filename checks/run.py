"""One readiness run: collect evidence, judge it, put the report together.

Called by the command line and by the Action. The configuration and the clock are arguments, so the
publisher can pass the base branch's configuration and a test its own time. Raises CannotJudgeError
(nothing to judge, or no sandbox) and ConfigError; everything else that goes wrong is a finding.
"""

from __future__ import annotations

import importlib.metadata
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from checks import catalog, judge, judging, models, schedule, waivers
from checks import config as config_module
from checks.base import side
from checks.errors import CannotJudgeError, ConfigError
from checks.evidence import git
from checks.evidence.model_runs import MAX_MODEL, ModelFile
from checks.evidence.repository import FileError, Repository, digest, scan
from checks.report import ModelIdentity, Report
from checks.sandbox import Limits

if TYPE_CHECKING:
    from checks.base.rules import Against
    from checks.check import Check
    from checks.config import Config
    from checks.environment.home import Mode

TWELVE = len(catalog.ORDER)
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Options:
    """How to run. `commit` and `repository` bind the report; without them git is asked."""

    only: tuple[str, ...] = ()
    trust_model: bool = False
    interpreter: Path = field(default_factory=lambda: Path(sys.executable))
    # Two cores busy for the minutes that the time budgets of all measurements add up to.
    limits: Limits = field(default_factory=lambda: Limits(cpu_s=600))
    commit: str | None = None
    repository: str | None = None
    against: Against | None = None  # the base to compare with
    notes: tuple[str, ...] = ()
    budget_s: float | None = None  # over the configuration's
    progress: schedule.Progress | None = None
    environment: Mode | None = None  # None: as the configuration says


def utc_now() -> datetime:
    """The clock of a real run."""
    return datetime.now(UTC)


def find_config(root: Path) -> tuple[bytes, str] | None:
    """The repository's configuration file as bytes and its name; None when it has none.

    Raises ConfigError when there are several, because nobody could say which one counts.
    """
    repository = Repository(root, ())
    found = []
    for name in config_module.FILE_NAMES:
        try:
            found.append((repository.read_bytes(name, 1 << 20), name))
        except FileError as error:
            if (root / name).is_symlink() or "does not exist" not in str(error):
                raise ConfigError(str(error)) from error
    if len(found) > 1:
        names = " and ".join(name for _, name in found)
        raise ConfigError(f"{names} both exist; keep one of them")
    return found[0] if found else None


def load_config(payload: bytes, source_name: str) -> Config:
    """The configuration in a file's bytes, with the settings of this version's checks."""
    return config_module.load(payload, source_name, catalog.discover())


def run(
    root: Path,
    *,
    config: Config,
    options: Options | None = None,
    clock: Clock = utc_now,
    ticks: schedule.Ticks = time.monotonic,
) -> Report:
    """Judges the model of the repository at `root`."""
    options = options or Options()
    started, began = clock(), ticks()
    checks = _chosen(options.only)
    repository = scan(root)
    model = find_model(repository, config)
    seconds = config.run.budget_seconds if options.budget_s is None else options.budget_s
    limits = replace(options.limits, wall_s=max(1.0, min(options.limits.wall_s, seconds)))
    budget = schedule.Budget(seconds, ticks, began)
    work = judging.Work(config, replace(options, limits=limits), checks, _day(started), budget)
    if options.against is None:
        judged = work.alone(repository, model)
    else:
        with side.prepared(options.against, repository, model, config, find_model) as base:
            judged = work.compared(base, model, options.against)
    verdicts = judged.verdicts
    notes = (*options.notes, *_scope_notes(checks, options), *config.notes, *judged.notes)
    notes = (*notes, *waivers.notes(config.waivers, verdicts, _day(started)))
    overall = judge.judge(verdicts, complete=len(checks) == len(catalog.discover()))
    head = git.head_commit(root)
    if head is not None and not git.is_committed(root, model.path, model.payload):
        notes = (*notes, f"{model.path} is not as committed: it was changed, or LFS holds it.")
    return Report(
        timestamp=started.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        commit=options.commit or head,
        models=(ModelIdentity(model.path, model.digest, model.adapter.name, model.size),),
        data_digest=judged.data_digest,
        verdicts=verdicts,
        overall_score=overall.score,
        is_ready=overall.is_ready,
        critical_issues=overall.critical_issues,
        recommendations=overall.recommendations,
        next_steps=overall.next_steps,
        repository=options.repository,
        versions={**versions(), **judged.ran_with},
        notes=(*repository.notes, *notes),
        base=judged.base,
        seconds=round(ticks() - began, 3),
    )


def find_model(repository: Repository, config: Config) -> ModelFile:
    """The model file that is configured, or the repository's only one. Raises CannotJudgeError."""
    path = config.model.path or _only_model(repository)
    adapter = models.find(path, config.model.format)
    entry = models.entry(path)
    if entry is not None:
        path = config.model.weights or _source(repository, entry)
    try:
        payload = repository.read_bytes(path, MAX_MODEL)
    except FileError as error:
        where = f"; model.path in {config.source} names it" if config.source else ""
        raise CannotJudgeError(f"the model cannot be read: {error}{where}") from error
    return ModelFile(path, payload, digest(payload), adapter)


def versions() -> dict[str, str]:
    """What the figures were made with."""
    found = {"python": platform.python_version()}
    for name in ("holdpoint", "numpy", "pandas", "scikit-learn", "joblib"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _chosen(only: tuple[str, ...]) -> tuple[Check, ...]:
    wanted = {catalog.find(name).name for name in only}
    return tuple(c for c in catalog.discover() if not wanted or c.name in wanted)


def _day(started: datetime) -> date:
    """The day of the report's timestamp, on which a waiver counts or no longer does."""
    return started.astimezone(UTC).date()


def _only_model(repository: Repository) -> str:
    suffixes = models.suffixes()
    found = [file.path for file in repository.files if file.path.lower().endswith(suffixes)]
    if len(found) == 1:
        return found[0]
    name = config_module.FILE_NAMES[0]
    if not found:
        known = " ".join(suffixes)
        raise CannotJudgeError(
            f"no model file was found ({known}), so there is nothing to judge; commit the trained "
            f"model (Git LFS is fine), or set model.path in {name}"
        )
    shown = ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
    folders = [path.rpartition("/")[0] for path in found]
    alone = f"judge one by its folder (`holdpoint check {folders[0]}`) or " if all(folders) else ""
    raise CannotJudgeError(
        f"{len(found)} model files were found ({shown}); {alone}say which one by model.path in "
        f"{name}, which `holdpoint init` writes"
    )


def _source(repository: Repository, entry: str) -> str:
    """The file of a "package.module:function". Raises CannotJudgeError."""
    name = entry.partition(":")[0].replace(".", "/")
    endings = (f"/{name}.py", f"/{name}/__init__.py")
    found = [file.path for file in repository.files if f"/{file.path}".endswith(endings)]
    if not found:
        raise CannotJudgeError(
            f"model.path names {entry}, but there is no {name}.py; name a function of one of "
            "this repository's Python files"
        )
    return min(found, key=lambda path: (path.count("/"), path))


def _scope_notes(checks: tuple[Check, ...], options: Options) -> tuple[str, ...]:
    known = len(catalog.discover())
    notes = []
    if known < TWELVE:
        notes.append(
            f"{known} of {TWELVE} checks are built into this version; the others were not judged."
        )
    if len(checks) < known:
        notes.append(f"Only {', '.join(check.name for check in checks)} was asked for.")
    if options.trust_model:
        notes.append(
            "The model was trusted (--trust-model): a missing sandbox would not have stopped it."
        )
    return tuple(notes)
