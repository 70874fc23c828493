"""holdpoint.yml: what it may say, and errors that name file, line, key and the nearest name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import catalog, config
from checks.errors import ConfigError

if TYPE_CHECKING:
    from checks.config import Config


def load(text: str) -> Config:
    """The configuration with this version's checks."""
    return config.load(text.encode(), "holdpoint.yml", catalog.discover())


WHOLE = """\
version: 1
model: {path: m.joblib, format: joblib, task: classification}
data:
  evaluation: data/e.csv
  training: data/t.csv
  target: deny
  positive_label: yes
  ignore: [a, b]
declarations:
  - item: deployment.rollback
    says: the platform team rolls back
    link: https://wiki.example.com/rollback
checks:
  model_performance: {accuracy: 0.9, roc_auc: 0.7}
  deployment: {risk: high}
"""


def test_everything_that_can_be_said() -> None:
    found = load(WHOLE)
    assert found.model.path == "m.joblib"
    assert found.data.positive_label == "yes"
    assert found.data.ignore == ("a", "b")
    performance = found.of(catalog.find("model_performance"))
    assert (performance.accuracy, performance.roc_auc, performance.f1) == (0.9, 0.7, 0.8)
    assert found.of(catalog.find("deployment")).risk == "high"
    assert found.of(catalog.find("inference_performance")).p99_ms == 500
    declaration = found.declared("deployment.rollback")
    assert declaration is not None
    assert declaration.where is not None
    assert declaration.where.line == 10


def test_json_says_the_same() -> None:
    text = json.dumps({"model": {"path": "m.pkl"}, "data": {"target": "y", "evaluation": "e.csv"}})
    assert load(text).model.path == "m.pkl"


def test_json_may_hold_tabs_and_any_letter_and_must_be_json() -> None:
    text = '{\n\t"data": {\n\t\t"target": "\\ud83d\\ude00 \\\\ud83d", "ignore": ["a\\/b"]}}'
    found = config.load(text.encode(), "holdpoint.json", catalog.discover())
    assert found.data.target == "\N{GRINNING FACE} \\ud83d"
    assert found.data.ignore == ("a/b",)
    assert found.origins["data.ignore"] == 3
    with pytest.raises(ConfigError, match=r"holdpoint\.json:2: not JSON"):
        config.load(b"{\nmodel: {}}", "holdpoint.json", catalog.discover())


def test_declarations_by_item() -> None:
    found = load(
        "declarations:\n"
        "  deployment.rollback: {link: https://wiki.example.com/r, by: the platform team}\n"
        "  deployment.cicd: {says: Jenkins does it}\n"
    )
    rollback, cicd = found.declarations
    assert rollback.sentence == "it is in place (https://wiki.example.com/r) says the platform team"
    assert rollback.where is not None
    assert (rollback.item, rollback.where.line) == ("deployment.rollback", 2)
    assert cicd.sentence == "Jenkins does it"


def test_nothing_means_defaults() -> None:
    for text in ("", "# only a comment\n", "model:\ndata:\n"):
        found = load(text)
        assert found.model.path is None
        assert found.of(catalog.find("model_performance")).accuracy == 0.85


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("modell: {}", "holdpoint.yml:1: modell is no key; did you mean 'model'?"),
        ("model:\n  pth: x", "holdpoint.yml:2: model.pth is no key; did you mean 'path'?"),
        (
            "checks:\n  model_performence: {}",
            "holdpoint.yml:2: checks.model_performence is no key; did you mean 'model_performance'",
        ),
        (
            "checks:\n  model_performance:\n    acuracy: 1",
            "holdpoint.yml:3: checks.model_performance.acuracy is no key; did you mean 'accuracy'?",
        ),
        (
            "checks: {model_performance: {accuracy: 85}}",
            "holdpoint.yml:1: checks.model_performance.accuracy is 85, expected a number from 0 to",
        ),
        ("checks: {model_performance: {accuracy: .nan}}", "accuracy is .nan, expected a number"),
        (
            "checks: {model_performance: {accuracy: yes}}",
            "is true or false (yes), expected a number",
        ),
        ("checks: {inference_performance: {p99_ms: -1}}", "is -1, expected a number of at least 0"),
        ("checks: {deployment: {risk: hihg}}", "risk is unknown ('hihg'); did you mean 'high'?"),
        ("model: {task: clasification}", "did you mean 'classification'?"),
        ("model: [a]", "holdpoint.yml:1: model is a list, expected a mapping"),
        ("model: {path: 3}", "model.path is a number (3), expected a string"),
        ("data: {ignore: a}", "data.ignore is a string, expected a list of strings"),
        ("version: 2", "version is '2', expected 1"),
        ("- a", "holdpoint.yml:1: the configuration is a list, expected a mapping"),
        ("a: b\n---\nc: d", "expected one document"),
        ("a: [", "holdpoint.yml:1: "),
        ("declarations:\n  - says: x", "declarations[0].item is missing"),
        (
            "declarations:\n  - {item: deployment.rolback, says: x}",
            "item is unknown ('deployment.rolback'); did you mean 'deployment.rollback'?",
        ),
        ("declarations:\n  - {item: model_performance.accuracy, says: good}", "is unknown"),
        (
            "declarations:\n  deployment.rolback: {says: x}",
            "holdpoint.yml:2: declarations.deployment.rolback is unknown (",
        ),
        ("declarations: {deployment.rollback: {by: me}}", "says nothing: give it a link"),
        ("declarations: {deployment.rollback: true}", "is true or false, expected a mapping"),
        ("declarations: {deployment.rollback: }", "says nothing: give it a link"),
        ("declarations: {deployment.rollback: {item: x}}", "item is the key already"),
        ("declarations: 3", "declarations is a number, expected a mapping"),
        ("waivers: {}", "waivers is a mapping, expected a list"),
        ("model: {path: a}\nmodel: {path: b}", "holdpoint.yml:2: model is said twice"),
        ("data:\n  target: a\n  target: b", "holdpoint.yml:3: data.target is said twice"),
    ],
)
def test_what_is_wrong_is_named(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=200))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        load(text.encode("utf-8", "replace").decode())
    except ConfigError as error:
        assert str(error).startswith("holdpoint.yml:")  # noqa: PT017 - the other outcome is a Config
