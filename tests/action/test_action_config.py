"""Whose thresholds judge: the base's, from its objects or from GitHub, never the change's."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from checks.action_config import base_rules, own_rules
from checks.base.objects import BaseFile
from checks.errors import CannotJudgeError, ConfigError
from tests.action.checkouts import Checkout

if TYPE_CHECKING:
    from checks.base.rules import Rules

BASE = "model: {path: base.joblib}\nchecks: {model_performance: {accuracy: 0.9}}\n"
LAX = (
    "model: {path: mine.joblib}\nchecks: {model_performance: {accuracy: 0.1}}\n"
    "declarations: {deployment.rollback: {says: it is}}\n"
    "waivers: [{rule: deployment.risk, reason: r, owner: o, expires: 2999-01-01}]\n"
)
HERE = PurePosixPath()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "workspace")


def nowhere(path: str) -> BaseFile | None:
    return None


def threshold(rules: Rules) -> float | None:
    settings = rules.config.settings.get("model_performance")
    return settings.accuracy if settings else None


def test_the_bases_rules_judge_and_the_change_is_told(checkout: Checkout) -> None:
    base = checkout.commit({"holdpoint.yml": BASE, "base.joblib": "a model"}, "base")
    checkout.branch("change", {"holdpoint.yml": LAX})
    rules = base_rules(checkout.root, HERE, base, nowhere)
    assert threshold(rules) == 0.9
    assert rules.config.model.path == "mine.joblib", "the change says where its model lies"
    assert rules.against is not None
    assert rules.against.model.path == "base.joblib"
    assert (rules.config.declarations, rules.config.waivers) == ((), ())
    assert "edits holdpoint.yml" in rules.notes[0]
    assert rules.against.changes[1:] == (
        "model.path: base.joblib becomes mine.joblib",
        "checks.model_performance.accuracy: 0.9 becomes 0.1",
        "waiver added: deployment.risk until 2999-01-01 by o",
        "declaration added: deployment.rollback",
    )


def test_deleting_them_changes_nothing(checkout: Checkout) -> None:
    base = checkout.commit({"holdpoint.yml": BASE}, "base")
    checkout.git("rm", "-q", "holdpoint.yml")
    checkout.commit({}, "no rules")
    assert threshold(base_rules(checkout.root, HERE, base, nowhere)) == 0.9


def test_nothing_is_told_where_nothing_changed(checkout: Checkout) -> None:
    base = checkout.commit({"holdpoint.yml": BASE}, "base")
    checkout.branch("change", {"other.txt": "x"})
    assert base_rules(checkout.root, HERE, base, nowhere).notes == ()


def test_the_first_configuration_names_its_files_but_not_its_thresholds(
    checkout: Checkout,
) -> None:
    base = checkout.commit({}, "base")
    checkout.branch("change", {"holdpoint.yml": LAX})
    rules = base_rules(checkout.root, HERE, base, nowhere)
    assert threshold(rules) is None
    assert rules.config.model.path == "mine.joblib"
    assert (rules.config.declarations, rules.config.waivers) == ((), ())
    assert "counts once merged" in rules.notes[0]


def test_github_is_asked_where_the_objects_are_missing(checkout: Checkout) -> None:
    checkout.commit({"models/fraud/holdpoint.yml": LAX}, "only commit")
    files = {"models/fraud/holdpoint.yml": BaseFile(BASE.encode())}
    asked: list[str] = []

    def fetch(path: str) -> BaseFile | None:
        asked.append(path)
        return files.get(path, BaseFile(None))

    rules = base_rules(checkout.root, PurePosixPath("models/fraud"), "f" * 40, fetch)
    assert threshold(rules) == 0.9
    assert asked[0] == "models/fraud/holdpoint.yml"


def test_rules_that_cannot_be_had_are_not_replaced_by_the_changes(checkout: Checkout) -> None:
    checkout.commit({"holdpoint.yml": LAX}, "only commit")
    with pytest.raises(CannotJudgeError, match="own thresholds"):
        base_rules(checkout.root, HERE, "f" * 40, nowhere)


def test_two_files_on_the_base_are_an_error(checkout: Checkout) -> None:
    base = checkout.commit({"holdpoint.yml": BASE, "holdpoint.yaml": LAX}, "base")
    checkout.git("rm", "-q", "holdpoint.yaml")
    with pytest.raises(ConfigError, match="both exist"):
        base_rules(checkout.root, HERE, base, nowhere)


def test_what_is_merged_counts_as_it_is(checkout: Checkout) -> None:
    checkout.commit({"holdpoint.yml": LAX}, "merged")
    assert threshold(own_rules(checkout.root)) == 0.1
