"""A pull request cannot grade itself: what it changes in its own rules improves no verdict of it.

Each trick is committed on the branch that is judged, by the command line, against the base branch
and against the merge base. The positive control is the same tree judged without a base, where the
trick works.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.action.checkouts import Checkout
from tests.checks.conftest import LENDING
from tests.checks.histories import EXAMPLES, copy_of
from tests.checks.test_cli import holdpoint

JUDGED = ("model_performance", "model_fairness", "deployment", "scalability", "security")
READ_ONLY = ("scalability", "monitoring", "deployment", "documentation", "testing", "security")
Rules = dict[str, Any]
Verdicts = dict[str, tuple[Any, ...]]


NOBODY = {"protected_attributes": [], "no_attributes_because": "houses are no people"}
WAIVER = {"rule": "security.secret", "reason": "r", "owner": "o", "expires": "2999-01-01"}


def _tolerate(rules: Rules) -> None:
    rules["checks"]["model_performance"] = {"accuracy": 0.5}
    rules["checks"]["model_fairness"]["threshold"] = 0.9
    rules["checks"]["deployment"] = {"passed_at": 0, "critical_below": 0}


def _explain_away(rules: Rules) -> None:
    rules["checks"]["model_fairness"] = NOBODY
    rules["waivers"] = [WAIVER]
    items = ("deployment.strategy", "scalability.horizontal")
    rules["declarations"] = {item: {"says": "it is so", "by": "o"} for item in items}


# The edits, and the checks that each would help.
TRICKS: dict[str, tuple[Callable[[Rules], None], tuple[str, ...]]] = {
    "tolerance": (_tolerate, ("model_performance", "model_fairness", "deployment")),
    "nobody, waiver, declarations": (
        _explain_away,
        ("model_fairness", "security", "deployment", "scalability"),
    ),
}


def _rules(root: Path) -> Rules:
    found: Rules = yaml.safe_load((root / "holdpoint.yml").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def change(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A branch without manifests and with a secret; its base asks for more than the model has."""
    checkout = Checkout(tmp_path_factory.mktemp("self") / "lending")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(LENDING, checkout.root, dirs_exist_ok=True, ignore=ignore)
    rules = _rules(checkout.root)
    rules["checks"]["model_performance"] = {"accuracy": 0.99, "critical_below": 0.99}
    checkout.commit({"holdpoint.yml": yaml.safe_dump(rules)}, "base")
    shutil.rmtree(checkout.root / "k8s")
    (checkout.root / "Dockerfile").unlink()
    secret = (EXAMPLES / "unready/config/settings.yml").read_text(encoding="utf-8")
    checkout.branch("change", {"config/settings.yml": secret})
    checkout.git("checkout", "-q", "main")
    checkout.commit({"README.md": "# lending\n\nmain went on\n"}, "meanwhile")
    checkout.git("checkout", "-q", "change")
    return checkout


def verdicts(root: Path, *arguments: str, only: tuple[str, ...] = JUDGED) -> Verdicts:
    """What each check came to, less its words, and how the command ended."""
    named = [f"--only={name}" for name in only]
    done = holdpoint(root, "--format=json", *named, *arguments)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    found: Verdicts = {
        each["check_name"]: (each["passed"], each["critical"], each["score"])
        for each in report["checks"]
    }
    changed = (report["base"] or {}).get("changes")
    return {**found, "": (done.returncode, report["overall_score"], report["is_ready"], changed)}


@pytest.fixture(scope="module")
def honest(change: Checkout) -> Verdicts:
    """The change without any trick, against its base."""
    found = verdicts(change.root, "--base=main")
    assert found[""] == (1, found[""][1], False, [])
    assert not any(passed for passed, _, _ in (found[name] for name in JUDGED))
    return found


def require_no_better(found: Verdicts, honest: Verdicts) -> None:
    """The same verdicts, and the edits of the rules shown."""
    assert {name: found[name] for name in JUDGED} == {name: honest[name] for name in JUDGED}
    assert found[""][:3] == honest[""][:3]
    assert found[""][3], "what was tried is shown"


@pytest.mark.parametrize("name", TRICKS)
def test_a_change_of_its_own_rules_improves_nothing(
    change: Checkout, honest: Verdicts, name: str
) -> None:
    edit, helps = TRICKS[name]
    rules = _rules(change.root)
    edit(rules)
    change.branch(f"trick-{len(name)}", {"holdpoint.yml": yaml.safe_dump(rules)})
    try:
        alone = verdicts(change.root)
        unmoved = [check for check in helps if alone[check] == honest[check]]
        assert unmoved == [], "the positive control"
        merge_base = change.git("merge-base", "main", "HEAD")
        assert merge_base != change.git("rev-parse", "main")
        for base in ("main", merge_base):
            require_no_better(verdicts(change.root, f"--base={base}"), honest)
    finally:
        change.git("checkout", "-q", "change")


def test_moving_the_rules_improves_nothing(change: Checkout, honest: Verdicts) -> None:
    change.git("checkout", "-q", "-b", "moved")
    change.git("rm", "-q", "holdpoint.yml")
    change.commit({}, "no rules")
    try:
        change.commit({".github/holdpoint.yml": "version: 1\n"}, "rules elsewhere")
        require_no_better(verdicts(change.root, "--base=main"), honest)
    finally:
        change.git("checkout", "-q", "change")


@pytest.mark.parametrize("example", ["lending", "unready"])
def test_deleting_the_manifests_improves_nothing(tmp_path: Path, example: str) -> None:
    root = copy_of(example, tmp_path / example)
    checkout = Checkout(root)
    before = verdicts(root, "--base=main", only=READ_ONLY)
    shutil.rmtree(root / "k8s")
    checkout.branch("change", {})
    after = verdicts(root, "--base=main", only=READ_ONLY)
    for name in READ_ONLY:
        passed, critical, score = after[name]
        was_passed, was_critical, was = before[name]
        assert score <= was, name
        assert (passed, not critical) <= (was_passed, not was_critical), name
    assert after[""][:2] <= (1, before[""][1])
    assert after[""][0] == 1
