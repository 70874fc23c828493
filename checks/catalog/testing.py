"""Would a mistake in the code, the service or the model be noticed before callers notice it?

What it looks for
    Python tests by what they do: they are read as syntax trees, with the helpers, fixtures and
    set-up that they use, and never imported or run. Unit: calls the repository's own code in the
    same process. Integration: talks to something (an HTTP client, a test client, a process, a
    container). Performance: compares a measured time or memory in an assertion, or a Locust or k6
    script. Model behaviour: compares predictions in an assertion, as an invariance, a direction or
    a minimum (Ribeiro et al. 2020, CheckList). Security: sends something hostile, or comes without
    rights, and asserts that it is refused; or a scanner in CI. A test that asserts nothing or is
    always skipped does not count and is named. Also, without points: whether CI runs the tests, and
    the ML Test Score (Breck et al. 2017) as a table.

Why
    A model that is wrong still answers. Only a test that asserts something about the answers, the
    service and the hostile case notices; a folder full of tests that cannot fail does not.

How it is scored
    Unit 0.3, integration 0.2, performance 0.2, model behaviour 0.1, security 0.1, coverage
    configured or reported 0.1. One test of a kind is enough, so that removing tests never raises
    the score; how many there are is in the details. What is only declared is worth half. Passed at
    0.7, critical below 0.5.

How to fix
    Every finding names the file. `examples/lending/tests` has a test of every kind.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from checks.check import Needs
from checks.config import share
from checks.evidence import commands, documents, manifests, ml_test_score, python_code, suites
from checks.evidence.release import Defect
from checks.items import Item, defect_finding, item_finding, remark_finding, unreadable_finding
from checks.report import Evidence, Location, Severity, State, Verdict
from checks.scoring import verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from checks.check import Context
    from checks.config import Config
    from checks.evidence.python_code import Module
    from checks.evidence.suites import Test

NAME = "testing"
MOST_SHOWN = 20  # tests that assert nothing
# What the code uses that stands for one of the ML Test Score's tests.
_LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "schema": ("pandera", "great_expectations", "pydantic", "tensorflow_data_validation"),
    "tuned": (
        *("optuna", "hyperopt", "ray.tune", "sklearn.model_selection.GridSearchCV"),
        "sklearn.model_selection.RandomizedSearchCV",
    ),
    "baseline": ("sklearn.dummy",),
    "inclusion": ("fairlearn", "aif360"),
    "drift": ("evidently", "alibi_detect", "nannyml", "whylogs"),
}


@dataclass(frozen=True)
class Settings:
    """What can be set under `checks: {testing: ...}` in holdpoint.yml."""

    passed_at: float = share(0.7)
    critical_below: float = share(0.5)


ITEMS: Mapping[str, Item] = {
    "unit.any": Item("unit tests", 0.3, "tests/: test the repository's own functions"),
    "integration.any": Item(
        "integration tests", 0.2, "tests/: start the server and ask it over HTTP"
    ),
    "performance.any": Item(
        "performance tests", 0.2, "tests/: assert how long a prediction may take"
    ),
    "model.any": Item(
        "tests of the model's behaviour",
        0.1,
        "tests/: assert what the model predicts when an input changes",
    ),
    "security.any": Item(
        "security tests or scans",
        0.1,
        "tests/: send hostile input and assert that it is refused",
        Severity.MINOR,
    ),
    "coverage.any": Item(
        "a coverage report", 0.1, ".coveragerc: measure which lines the tests run", Severity.MINOR
    ),
}


@dataclass(frozen=True)
class Gathered:
    """What was found for each item, the tests themselves, and what the ML Test Score saw."""

    found: Mapping[str, tuple[Evidence, ...]]
    tests: tuple[Test, ...] = ()
    in_ci: tuple[Location, ...] = ()
    rubric: Mapping[str, Location] = field(default_factory=dict)
    unreadable: tuple[Evidence, ...] = ()


class Testing:
    """The check; see the module's text."""

    name = NAME
    title = "Testing"
    settings: type[Any] = Settings
    needs = Needs.TREE
    items: Mapping[str, float] = {
        "unit": 0.3,
        "integration": 0.2,
        "performance": 0.2,
        "model": 0.1,
        "security": 0.1,
        "coverage": 0.1,
    }
    rules = (*ITEMS, "defect.*", "ci", "ml_test_score", "unreadable")

    def collect(self, context: Context) -> Gathered:
        """Reads tests, workflows and settings; starts nothing."""
        repository = context.repository
        modules, unreadable = python_code.collect(repository)
        tests = suites.collect(modules)
        load = suites.load_tests(repository, modules)
        scans = commands.find(repository, suites.SCANS)
        coverage = (*suites.coverage(repository), *commands.find(repository, suites.COVERS))
        found = {f"{kind}.any": _of_kind(tests, kind) for kind in ("unit", "integration", "model")}
        found["performance.any"] = _of_kind(tests, "performance") + _found(load, "a load test")
        found["security.any"] = _of_kind(tests, "security") + _found(scans, "scanned in CI")
        found["coverage.any"] = _found(coverage, "measured")
        return Gathered(
            found=found,
            tests=tests,
            in_ci=commands.find(repository, suites.RUNS_TESTS),
            rubric=_rubric(context, modules, tests, found),
            unreadable=unreadable,
        )

    def judge(self, evidence: Gathered, config: Config) -> Verdict:
        """Gives each item's points once."""
        settings: Settings = config.of(self)
        findings = [
            item_finding(f"{NAME}.{name}", item, evidence.found.get(name, ()), config)
            for name, item in ITEMS.items()
        ]
        findings += [defect_finding(NAME, each) for each in _defects(evidence)]
        findings += [remark_finding(NAME, each) for each in _remarks(evidence)]
        findings += [unreadable_finding(NAME, each) for each in evidence.unreadable]
        counted = sum(each.counts for each in evidence.tests)
        message = f"{counted} of {len(evidence.tests)} tests count"
        if not evidence.tests:
            message = "no tests were found"
        result = verdict(NAME, findings, settings, message)
        return replace(result, details=_details(evidence))


CHECK = Testing()


def _of_kind(tests: Iterable[Test], kind: str) -> tuple[Evidence, ...]:
    return tuple(
        Evidence("found", State.FOUND, _said(each, kind), each.where)
        for each in tests
        if each.counts and kind in each.kinds
    )


def _said(test: Test, kind: str) -> str:
    behaviours = f" ({', '.join(sorted(test.trace.behaviours))})" if kind == "model" else ""
    return f"{test.name[:100]}{behaviours}"


def _found(places: Iterable[Location], what: str) -> tuple[Evidence, ...]:
    return tuple(Evidence("found", State.FOUND, what, where) for where in places)


def _defects(evidence: Gathered) -> list[Defect]:
    idle = [each for each in evidence.tests if not each.counts]
    defects = [_idle(each) for each in idle[:MOST_SHOWN]]
    counting = [each for each in evidence.tests if each.counts]
    if counting and not evidence.in_ci:
        fix = ".github/workflows/: add a step that runs the tests"
        where = counting[0].where
        defects.append(Defect("ci", Severity.MAJOR, "no CI workflow runs the tests", where, fix))
    return defects


def _idle(test: Test) -> Defect:
    what = "is always skipped" if test.skipped else "asserts nothing, so it cannot fail"
    fix = f"{test.where.path}: let {test.name[:100]} run and assert something"
    item = "skipped" if test.skipped else "no_assertion"
    return Defect(item, Severity.MINOR, f"{test.name[:100]} {what}", test.where, fix)


def _remarks(evidence: Gathered) -> list[Evidence]:
    points = ml_test_score.totals(evidence.rubric)
    shown = ", ".join(f"{section} {value:g}" for section, value in points.items())
    sentence = (
        f"ML Test Score (Breck et al. 2017): at least {min(points.values()):g}, "
        f"the least of {shown} (of 7 each)"
    )
    remarks = [Evidence("ml_test_score", State.ABSENT, sentence)]
    if evidence.in_ci:
        remarks.append(Evidence("ci", State.FOUND, "CI runs tests", evidence.in_ci[0]))
    return remarks


def _details(evidence: Gathered) -> dict[str, object]:
    counting = [each for each in evidence.tests if each.counts]
    kinds = ("unit", "integration", "performance", "model", "security")
    return {
        "tests": len(evidence.tests),
        "counting": len(counting),
        "kinds": {kind: sum(kind in each.kinds for each in counting) for kind in kinds},
        "ml_test_score": {
            "sections": ml_test_score.totals(evidence.rubric),
            "rows": ml_test_score.table(evidence.rubric),
        },
    }


def _rubric(
    context: Context,
    modules: Sequence[Module],
    tests: Sequence[Test],
    found: Mapping[str, tuple[Evidence, ...]],
) -> dict[str, Location]:
    """Which of the ML Test Score's tests something was found for, and where."""
    counting = [each for each in tests if each.counts]
    fits = [each for each in counting if any(n.endswith(".fit") for n in each.trace.calls)]
    repository = context.repository
    places: dict[str, list[Location]] = {
        "unit": _places(found["unit.any"]),
        "integration": _places(found["integration.any"]),
        "performance": _places(found["performance.any"]),
        "fitted": [each.where for each in fits],
        "reproduced": [each.where for each in fits if "invariance" in each.trace.behaviours],
        "quality": [x.where for x in counting if "minimum functionality" in x.trace.behaviours],
        "canary": [
            each.at(each.strategy.line)
            for each in manifests.collect(repository).workloads
            if each.valid and each.strategy and each.strategy.name in manifests.ADVANCED
        ],
        "rollback": [
            *commands.find(repository, commands.ROLL_BACK),
            *documents.roll_back_sections(list(documents.sections(repository))),
        ],
        "updates": [
            Location(file.path, 1)
            for file in repository.matching(".github/dependabot.yml", "renovate.json")
        ],
    }
    for key, libraries in _LIBRARIES.items():
        places[key] = list(_using(modules, libraries))
    return {key: where[0] for key, where in places.items() if where}


def _places(found: tuple[Evidence, ...]) -> list[Location]:
    return [each.where for each in found if each.where]


def _using(modules: Sequence[Module], libraries: tuple[str, ...]) -> Iterable[Location]:
    for module in modules:
        for name in module.names.values():
            if any(name == each or name.startswith(f"{each}.") for each in libraries):
                yield Location(module.path, module.line_of_import(name))
                break
