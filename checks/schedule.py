"""In which order the checks run, what runs beside what, and what a time budget leaves out.

Called by `checks.run`. What measures time goes first, while nothing else of ours runs: no thread
has been started, and another child, if there is one, waits on its pipe. Then the checks that only
read the tree are judged in one thread, while this one asks the models; a child is opened and
closed here, because the kernel ends it with the thread that opened it. The base's timings come
last, when that thread has ended. It decides nothing about scores.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

from checks.check import Check, Context, Needs
from checks.report import Verdict
from checks.scoring import unjudged

Ticks = Callable[[], float]
Found = Mapping[tuple[str, bool], Verdict]  # by check's name, and whether it is the base's


@dataclass(frozen=True)
class Job:
    """One check of one tree. `of_base` marks the base's, which come after the change's own."""

    check: Check
    context: Context
    of_base: bool = False
    same_model: bool = False  # the base's model is the change's, and so is its code

    @property
    def needs(self) -> Needs:
        """What its collector looks at."""
        return getattr(self.check, "needs", Needs.BOTH)

    @property
    def timed(self) -> bool:
        """Whether it measures time."""
        return bool(getattr(self.check, "timed", False))


class Progress(Protocol):
    """Who is told how far the run is. Called from several threads, one at a time."""

    def begin(self, jobs: int) -> None:
        """So many checks are to be judged."""

    def done(self, job: Job, verdict: Verdict | None) -> None:
        """One is judged, or left out (None)."""

    def end(self) -> None:
        """The run has ended, well or not."""


class Silent:
    """A progress that nobody looks at."""

    def begin(self, jobs: int) -> None:
        """Nothing."""

    def done(self, job: Job, verdict: Verdict | None) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Budget:
    """Seconds that the run may take, by a clock that only goes forward. None: as many as it takes.

    What has begun is not interrupted; a request to a child has its own limit.
    """

    seconds: float | None
    ticks: Ticks
    began: float

    @property
    def spent(self) -> bool:
        """Whether the time is up."""
        return self.seconds is not None and self.ticks() - self.began >= self.seconds


def run(
    jobs: Sequence[Job],
    judge: Callable[[Job], Verdict],
    budget: Budget,
    progress: Progress | None = None,
) -> Found:
    """Every job's verdict by check and side; what the budget left out of the base is missing."""
    room = _Room(judge, budget, progress or Silent())
    room.progress.begin(len(jobs))
    try:
        _in_order(room, jobs)
    finally:
        room.progress.end()
    return room.verdicts


def _in_order(room: _Room, jobs: Sequence[Job]) -> None:
    own = [job for job in jobs if not job.of_base]
    theirs = [job for job in jobs if job.of_base]
    room.all(job for job in own if job.timed)
    beside = [job for job in (*own, *theirs) if job.needs is Needs.TREE]
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="holdpoint-tree") as pool:
        reading = pool.submit(room.all, beside)
        try:
            room.all(j for j in (*own, *theirs) if j.needs is not Needs.TREE and not j.timed)
        except BaseException:
            room.stopped = True
            raise
        reading.result()
    room.all(job for job in theirs if job.timed)


class _Room:
    """What the two threads share."""

    def __init__(self, judge: Callable[[Job], Verdict], budget: Budget, progress: Progress) -> None:
        self.verdicts: dict[tuple[str, bool], Verdict] = {}
        self.progress = progress
        self.stopped = False
        self._judge = judge
        self._budget = budget
        self._lock = threading.Lock()

    def all(self, jobs: Iterable[Job]) -> None:
        """Judges one after the other; what the budget leaves out of the base has no verdict."""
        for job in jobs:
            if self.stopped:
                return
            verdict = self._one(job)
            with self._lock:
                if verdict is not None:
                    self.verdicts[job.check.name, job.of_base] = verdict
                self.progress.done(job, verdict)

    def _one(self, job: Job) -> Verdict | None:
        if not self._budget.spent:
            began = self._budget.ticks()
            verdict = self._known(job) or self._judge(job)
            return replace(verdict, seconds=round(self._budget.ticks() - began, 3))
        return None if job.of_base else left_out(job, self._budget.seconds or 0.0)

    def _known(self, job: Job) -> Verdict | None:
        """The same model on the same rows by the same settings has the same verdict."""
        if not job.of_base or job.needs is not Needs.MODEL or not job.same_model:
            return None
        return self.verdicts.get((job.check.name, False))


def left_out(job: Job, seconds: float) -> Verdict:
    """The verdict of a check that the budget left out: it fails closed."""
    name = job.check.name
    sentence = f"left out: the time budget of {seconds:g} s was used up before it began"
    fix = "give the run more time (--budget, or budget_seconds in holdpoint.yml)"
    return unjudged(name, f"{name}.budget", sentence, fix)
