"""The testing check: each kind of test by what it does, and those that cannot fail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import catalog, config
from checks.catalog.testing import CHECK, ITEMS, Gathered
from checks.config import Config
from checks.evidence import commands, python_code, repository, suites
from checks.report import Evidence, Grade, Location, Severity, State
from tests.checks.conftest import finding_of, judge, verdict_of
from tests.checks.trees import require_not_better

if TYPE_CHECKING:
    from checks.evidence.suites import Test as Case

OWN = "def area(a):\n    return a * a\n"


def read(root: Path, **files: str) -> tuple[Case, ...]:
    """The tests of a repository of these Python files, which has a module `shape`."""
    for name, text in {"shape": OWN, **files}.items():
        target = root / f"{name.replace('__', '/')}.py"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    modules, unreadable = python_code.collect(repository.scan(root))
    assert unreadable == ()
    return suites.collect(modules)


UNIT = "from shape import area\ndef test_it():\n    assert area(2) == 4\n"
KINDS = {
    "unit": UNIT,
    "unit method": (
        "import unittest, shape as s\nclass A(unittest.TestCase):\n"
        "    def test_it(self):\n        self.assertEqual(s.area(2), 4)\n"
    ),
    "integration": (
        "import httpx as h\ndef ask(): return h.get('/x')\n"
        "def test_it():\n    assert ask().status_code == 200\n"
    ),
    "integration fixture": (
        "import pytest\nfrom fastapi.testclient import TestClient\n"
        "@pytest.fixture\ndef client(): return TestClient(None)\n"
        "def test_it(client):\n    assert client.get('/') == 1\n"
    ),
    "integration setup": (
        "import subprocess\nfrom unittest import TestCase\nclass A(TestCase):\n"
        "    def setUp(self): subprocess.run(['x'])\n"
        "    def test_it(self):\n        self.assertTrue(self.x)\n"
    ),
    "performance": (
        "import time\ndef test_it(x):\n    a = time.perf_counter()\n    x()\n"
        "    b = time.perf_counter()\n    took = (b - a) * 1000\n    assert took < 50\n"
    ),
    "performance timeit": (
        "import timeit\ndef slow(): return min(timeit.repeat('x'))\n"
        "def test_it():\n    assert slow() <= 1\n"
    ),
    "model": "def test_it(model):\n    assert model.predict([1])[0] == 'no'\n",
    "model invariance": (
        "import numpy as np\ndef test_it(model):\n    a = model.predict([1])\n"
        "    np.testing.assert_allclose(a, model.predict([2]))\n"
    ),
    "model directional": (
        "def test_it(model):\n    low, high = (model.predict_proba([x]) for x in (1, 2))\n"
        "    assert low < high\n"
    ),
    "security": (
        "def test_it(client):\n    answer = client.post('/', data='<script>')\n"
        "    assert answer.status_code == 400\n"
    ),
    "security raises": (
        "import pytest\nBAD = ['../../x', 'a' * 100_000]\ndef test_it(load):\n"
        "    for x in BAD:\n        with pytest.raises(ValueError):\n            load(x)\n"
    ),
    "security denied": "def test_it(client):\n    assert client.get('/').status_code == 401\n",
}


@pytest.mark.parametrize("name", KINDS)
def test_kinds(tmp_path: Path, name: str) -> None:
    (case,) = read(tmp_path, anywhere__test_x=KINDS[name])
    assert case.counts
    assert case.kinds == {name.partition(" ")[0]}
    if name.startswith("model"):
        wanted = name.partition(" ")[2] or "minimum functionality"
        assert case.trace.behaviours == {wanted}


@pytest.mark.parametrize(
    "body",
    [
        "area(2)",
        "assert True",
        "assert 1 == 1",
        "assert 'always'",
        "print(area(2))",
        "try:\n        area('x')\n    except Exception:\n        pass",
        "'assert area(2) == 4'",
    ],
)
def test_a_test_that_asserts_nothing_does_not_count(tmp_path: Path, body: str) -> None:
    (case,) = read(tmp_path, test_x=f"from shape import area\ndef test_it():\n    {body}\n")
    assert not case.counts


@pytest.mark.parametrize(
    "skip",
    [
        "@pytest.mark.skip\ndef test_it():\n    assert area(2) == 4",
        "@pytest.mark.skip(reason='x')\ndef test_it():\n    assert area(2) == 4",
        "def test_it():\n    pytest.skip('x')\n    assert area(2) == 4",
    ],
)
def test_a_test_that_is_always_skipped_does_not_count(tmp_path: Path, skip: str) -> None:
    (case,) = read(tmp_path, test_x=f"import pytest\nfrom shape import area\n{skip}\n")
    assert not case.counts


GRAPH = """\
import onnxruntime

def ask(rows): return onnxruntime.InferenceSession("m.onnx").run(None, rows)

def test_it(): assert (ask(1) > ask(2)).all()
"""


@pytest.mark.parametrize(
    ("code", "behaviour"),
    [
        ("def test_it(network, x):\n    assert (network(x) == network(x + 1)).all()", "invariance"),
        (GRAPH, "directional"),
    ],
)
def test_networks_and_graphs_are_asked_too(tmp_path: Path, code: str, behaviour: str) -> None:
    (case,) = read(tmp_path, test_x=code)
    assert case.trace.behaviours == {behaviour}


def test_making_a_model_asks_it_nothing(tmp_path: Path) -> None:
    (case,) = read(tmp_path, test_x="def test_it():\n    assert Model('m').path == 'm'\n")
    assert case.trace.behaviours == frozenset()


def test_what_is_no_test_and_what_is_no_kind(tmp_path: Path) -> None:
    deadline = (
        "import time\ndef test_wait(x):\n    end = time.monotonic() + 5\n"
        "    assert time.monotonic() < end\n"
    )
    found = read(
        tmp_path,
        train="def test_split():\n    assert area\n",
        tests__unit__helper="def test_it():\n    assert 1 > x\n",
        tests__performance__test_named=UNIT,
        test_deadline=deadline,
        test_class="class Helper:\n    def test_it(self):\n        assert self.x\n",
    )
    assert [(case.name, case.kinds) for case in found] == [
        ("test_wait", frozenset()),
        ("test_it", frozenset({"unit"})),
    ]


def test_helpers_elsewhere_assert_for_a_test(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        tests__helping="def check(x):\n    assert x == 4\ndef look(x):\n    print(x)\n",
        tests__test_x=(
            "from shape import area\nfrom tests.helping import check, look\n"
            "def test_one():\n    check(area(2))\ndef test_two():\n    look(area(2))\n"
        ),
    )
    assert [case.counts for case in found] == [True, False]


def test_broken_huge_and_deep_files_are_named_not_fatal(tmp_path: Path) -> None:
    files = {
        "a.py": b"def (",
        "b.py": b"\0",
        "c.py": b"x = " + b"(" * 5000,
        "d.py": b"# " + b"x" * (1 << 20),
        "e.py": b"x = '\\d'\nassert (1, 'x')\n",
        "f.py": b"x = " + b"-" * 50_000 + b"1",
    }
    for name, payload in files.items():
        (tmp_path / name).write_bytes(payload)
    modules, unreadable = python_code.collect(repository.scan(tmp_path))
    assert [each.path for each in modules] == ["e.py"]
    assert len(unreadable) == 5
    assert "a.py:1 is not Python" in unreadable[0].why


def test_load_tests_coverage_and_ci(tmp_path: Path) -> None:
    (tmp_path / "load.js").write_text("import http from 'k6/http';\nexport let o = {thresholds: 1}")
    (tmp_path / "idle.js").write_text("import http from 'k6/http';\n")
    (tmp_path / "user.py").write_text("import locust\nclass U(locust.HttpUser):\n    pass\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n[tool.coverage.run]\n")
    (tmp_path / "setup.cfg").write_text("[metadata]\n")
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "ci.yml").write_text(
        "on: push\njobs:\n  a:\n    steps:\n      - run: make lint test\n      - run: pip-audit\n"
        "      - run: echo pytest --cov\n"
    )
    tree = repository.scan(tmp_path)
    modules, _ = python_code.collect(tree)
    assert suites.load_tests(tree, modules) == (Location("user.py", 2), Location("load.js", 1))
    assert suites.coverage(tree) == (Location("pyproject.toml", 2),)
    ci = [commands.find(tree, p) for p in (suites.RUNS_TESTS, suites.SCANS, suites.COVERS)]
    assert [[where.line for where in found] for found in ci] == [[5], [6], []]


def test_lending_without_its_tests_and_without_ci(lending: Path) -> None:
    (lending / ".github" / "workflows" / "deploy.yml").unlink()
    (lending / "tests" / "test_model.py").write_text("def test_it():\n    pass\n")
    report = judge(lending, "testing")
    assert finding_of(report, "testing.performance.any").grade is Grade.MISSING
    assert finding_of(report, "testing.model.any").earned == 0
    assert finding_of(report, "testing.defect.ci").severity is Severity.MAJOR
    idle = finding_of(report, "testing.defect.no_assertion")
    assert idle.where == Location("tests/test_model.py", 1)
    verdict = verdict_of(report, "testing")
    assert verdict.score == pytest.approx(0.7)
    table = verdict.details["ml_test_score"]
    assert isinstance(table, dict)
    assert len(table["rows"]) == 28
    assert table["sections"]["infrastructure"] >= 2
    for path in (lending / "tests").glob("test_*.py"):
        path.unlink()
    (lending / ".coveragerc").unlink()
    verdict = verdict_of(judge(lending, "testing"), "testing")
    assert (verdict.score, verdict.critical) == (0.0, True)
    assert verdict.message == "no tests were found"


names = st.sets(st.sampled_from(sorted(ITEMS)))


def gathered(found: set[str]) -> Gathered:
    """What a tree with evidence for these items yields."""
    there = (Evidence("found", State.FOUND, "there", Location("f", 1)),)
    return Gathered(dict.fromkeys(found, there))


@given(names, names)
def test_removing_evidence_never_raises_the_score(kept: set[str], lost: set[str]) -> None:
    more, less = (CHECK.judge(gathered(each), Config()) for each in (kept | lost, kept))
    require_not_better(less, more)


def test_a_declaration_is_worth_half() -> None:
    text = b"declarations: [{item: testing.unit, says: elsewhere}]"
    settings = config.load(text, "holdpoint.yml", catalog.discover())
    assert CHECK.judge(gathered(set(ITEMS) - {"unit.any"}), settings).score == 0.85


def test_the_items_are_worth_what_they_should_be() -> None:
    assert {f"{name}.any": worth for name, worth in CHECK.items.items()} == {
        name: item.worth for name, item in ITEMS.items()
    }
