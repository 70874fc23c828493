"""The order of checks, what runs beside what, progress, and what a time budget leaves out."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from checks import catalog, progress, schedule
from checks.check import Check, Context, Needs
from checks.config import Config
from checks.evidence.repository import Repository, scan
from checks.report import Verdict
from checks.schedule import Budget, Job
from tests.checks.conftest import LENDING, judge
from tests.checks.test_cli import holdpoint

if TYPE_CHECKING:
    from pathlib import Path

    from checks.evidence.model_runs import ModelFile

MODEL, TREE, BOTH = Needs.MODEL, Needs.TREE, Needs.BOTH


@dataclass(frozen=True)
class Named:
    """As much of a check as the schedule looks at."""

    name: str
    needs: Needs = BOTH
    timed: bool = False


@dataclass
class Clock:
    """A clock that a test moves."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Log:
    """A judge and a progress that write down what happened, and in which thread."""

    clock: Clock = field(default_factory=Clock)
    events: list[tuple[str, bool]] = field(default_factory=list)
    threads: dict[str, int] = field(default_factory=dict)
    alive: dict[str, int] = field(default_factory=dict)
    told: list[tuple[str, bool]] = field(default_factory=list)
    takes: float = 1.0

    def judge(self, job: Job) -> Verdict:
        name = job.check.name
        self.events.append((name, job.of_base))
        self.threads[name] = threading.get_ident()
        self.alive[name] = sum(t.name.startswith("holdpoint-tree") for t in threading.enumerate())
        self.clock.now += self.takes
        return Verdict(name, True, 1.0, "m")

    def begin(self, jobs: int) -> None:
        self.told.append((f"{jobs} jobs", False))

    def done(self, job: Job, verdict: Verdict | None) -> None:
        self.told.append((job.check.name, verdict is not None))

    def end(self) -> None:
        self.told.append(("end", False))


def jobs(*checks: Named, base: bool = True, same: bool = False) -> list[Job]:
    own = [Job(cast("Check", each), cast("Context", None)) for each in checks]
    theirs = [Job(job.check, job.context, True, same) for job in own]
    return own + (theirs if base else [])


FOUR = (Named("a", MODEL), Named("speed", MODEL, timed=True), Named("t", TREE), Named("b", BOTH))


def test_what_is_timed_runs_alone_and_trees_are_read_beside_the_model() -> None:
    log = Log()
    found = schedule.run(jobs(*FOUR), log.judge, Budget(None, log.clock, 0.0), log)
    assert len(found) == 8
    order = [event for event in log.events if event[0] != "t"]
    assert order == [
        ("speed", False), ("a", False), ("b", False), ("a", True), ("b", True), ("speed", True),
    ]  # fmt: skip
    assert log.alive["speed"] == 0, "no thread of ours beside a measurement of time"
    assert log.threads["t"] != threading.get_ident()
    assert {log.threads[name] for name in ("a", "b", "speed")} == {threading.get_ident()}
    assert [event for event in log.events if event[0] == "t"] == [("t", False), ("t", True)]


def test_the_same_model_is_asked_once() -> None:
    log = Log()
    found = schedule.run(jobs(*FOUR, same=True), log.judge, Budget(None, log.clock, 0.0))
    assert [name for name, of_base in log.events if of_base and name != "t"] == ["b"]
    assert found["a", True].score == found["a", False].score


def test_what_the_budget_leaves_out_fails_closed() -> None:
    log = Log(takes=10.0)
    checks = (Named("first", MODEL), Named("second", MODEL), Named("third", BOTH))
    budget = Budget(15.0, log.clock, 0.0)
    found = schedule.run(jobs(*checks), log.judge, budget, log)
    assert [found[name, False].score for name in ("first", "second", "third")] == [1.0, 1.0, None]
    late = found["third", False]
    assert (late.critical, late.passed) == (True, False)
    assert late.message == "left out: the time budget of 15 s was used up before it began"
    assert not any(of_base for _, of_base in found), "the base is what is left out first"
    assert ("third", True) in log.told
    assert ("first", False) in log.told


def test_trouble_in_either_thread_ends_the_run_and_the_bar() -> None:
    for culprit in ("a", "t"):
        log = Log()

        def fails(job: Job, log: Log = log, culprit: str = culprit) -> Verdict:
            if job.check.name == culprit:
                raise RuntimeError(culprit)
            return log.judge(job)

        with pytest.raises(RuntimeError, match=culprit):
            schedule.run(jobs(*FOUR), fails, Budget(None, log.clock, 0.0), log)
        assert log.told[-1] == ("end", False)


class Nothing:
    """Stands for what a collector said that it does not look at."""

    model: ModelFile

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"it looked at {name}")


@pytest.mark.parametrize(
    "check",
    [c for c in catalog.discover() if getattr(c, "needs", BOTH) is TREE],
    ids=lambda check: check.name,
)
def test_a_check_of_the_tree_runs_no_model(check: Check, lending: Path) -> None:
    from checks import run  # noqa: PLC0415 - only this test

    found = run.find_config(lending)
    assert found is not None
    config = run.load_config(*found)
    nothing = Nothing()
    nothing.model = run.find_model(scan(lending), config)  # its bytes are no run of it
    check.collect(Context(scan(lending), config, cast("Any", nothing)))


def test_a_check_of_the_model_reads_no_tree() -> None:
    wanted = [c for c in catalog.discover() if getattr(c, "needs", BOTH) is MODEL]
    assert {check.name for check in wanted} >= {"model_performance", "inference_performance"}
    for check in wanted:
        context = Context(cast("Repository", Nothing()), Config(), cast("Any", Nothing()))
        with pytest.raises(AssertionError, match=r"it looked at (evaluation|\w*tions|timings|mod)"):
            check.collect(context)


def test_lines_say_whose_which_how_and_how_long() -> None:
    stream = io.StringIO()
    shown = progress.chosen(stream)
    shown.begin(12)
    mine, base = jobs(Named("model_performance"))
    shown.done(mine, Verdict("x", True, 0.987, "m", seconds=1.26))
    shown.done(base, None)
    assert stream.getvalue().splitlines() == [
        "[ 1/12] Model performance               passed    0.99  1.3 s",
        "[ 2/12] base: Model performance         left out",
    ]


def test_a_terminal_gets_a_bar_that_goes_away() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    shown = progress.chosen(stream)
    shown.begin(1)
    shown.done(jobs(Named("testing"))[0], Verdict("x", True, 1.0, "m", seconds=0.5))
    shown.end()
    assert "1/1" in stream.getvalue()
    assert "Testing" in stream.getvalue()
    assert stream.getvalue().endswith("\r"), "the line is free again"


def test_the_command_tells_and_can_be_quiet() -> None:
    arguments = (LENDING, "--only", "deployment", "--format=json")
    assert "[1/1] Deployment" in holdpoint(*arguments).stderr
    assert holdpoint(*arguments, "--quiet").stderr == ""


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon"])
def test_a_budget_is_a_number_of_seconds(text: str) -> None:
    done = holdpoint(LENDING, "--budget", text)
    assert done.returncode == 2
    assert "is no number of seconds" in done.stderr


def test_the_configuration_says_the_budget(lending: Path) -> None:
    with (lending / "holdpoint.yml").open("a") as file:
        file.write("run: {budget_seconds: 0}\n")
    report = judge(lending)
    assert not report.is_ready
    assert report.overall_score == 0.0
    assert all(verdict.critical for verdict in report.verdicts)
    assert all("left out" in issue for issue in report.critical_issues)


def test_every_verdict_says_how_long_it_took(lending: Path) -> None:
    report = judge(lending, "deployment", "security")
    assert all((verdict.seconds or 0) > 0 for verdict in report.verdicts)
    assert report.seconds is not None
    assert report.seconds >= max(verdict.seconds or 0 for verdict in report.verdicts)
