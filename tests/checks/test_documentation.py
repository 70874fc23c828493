"""The documentation check: each item found, absent and empty; figures, links, age."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import catalog, config
from checks.catalog import documentation
from checks.catalog.documentation import CHECK, ITEMS, Gathered, agrees
from checks.config import Config
from checks.evidence import api_docs, documents, guides, model_card, python_code, repository
from checks.evidence.model_card import Card, Stated
from checks.measure.bootstrap import Estimate
from checks.report import Evidence, Grade, Location, Severity, State
from checks.yaml_nodes import read
from tests.checks.conftest import finding_of, judge, verdict_of
from tests.checks.trees import require_not_better

WORDS = "Look at the log of the pod that fails and compare it with what the table says. " * 3
PAGES = {
    "troubleshooting": "docs/troubleshooting.md",
    "monitoring": "docs/monitoring.md",
    "onboarding": "docs/onboarding.md",
}


@pytest.mark.parametrize(("item", "path"), PAGES.items())
def test_a_guide_found_absent_and_empty(lending: Path, item: str, path: str) -> None:
    rule = f"documentation.{item}.guide"
    found = finding_of(judge(lending, "documentation"), rule)
    assert (found.grade, found.earned) == (Grade.FOUND, 0.1)
    assert found.where == Location(path, 1)
    title = (lending / path).read_text().splitlines()[0]
    (lending / path).write_text(f"{title}\n\nTODO: write it. {WORDS}\n")
    report = judge(lending, "documentation")
    assert finding_of(report, rule).grade is Grade.MISSING
    assert finding_of(report, f"documentation.defect.stub.{item}").where == Location(path, 1)
    (lending / path).unlink()
    report = judge(lending, "documentation")
    assert finding_of(report, rule).earned == 0
    assert any(path in advice for advice in report.recommendations)


def test_a_deployment_guide_without_commands(lending: Path) -> None:
    (lending / "docs" / "deployment.md").write_text(f"# Deploying\n\n{WORDS}\n")
    report = judge(lending, "documentation")
    assert finding_of(report, "documentation.deployment.guide").earned == 0.1
    assert finding_of(report, "documentation.deployment.commands").earned == 0


def test_a_section_includes_what_is_below_it_and_file_names_count() -> None:
    text = f"# It\n## Monitoring\n### Rates\n{WORDS}\n## Other\n"
    found, stubs = guides.collect(list(documents.parse(text, "README.md")))
    assert [e.where for e in found["monitoring.guide"]] == [Location("README.md", 2)]
    found, _ = guides.collect(list(documents.parse(f"# When it hurts\n{WORDS}", "on_call.md")))
    assert found["incident.guide"]
    found, stubs = guides.collect(list(documents.parse("# 1.0\n## Monitoring\n", "CHANGELOG.md")))
    assert (found["monitoring.guide"], stubs) == ([], [])


def test_the_card_agrees_or_is_disputed(lending: Path) -> None:
    card = lending / "MODEL_CARD.md"
    card.write_text(card.read_text().replace("accuracy, value: 0.9006", "accuracy, value: 0.97"))
    report = judge(lending, "model_performance", "documentation")
    found = finding_of(report, "documentation.model.agreement")
    assert (found.earned, found.severity) == (0.0, Severity.MAJOR)
    assert found.where == Location("MODEL_CARD.md", 17)
    assert "states accuracy 0.97; measured is 0.901" in found.message


def test_nothing_agrees_when_nothing_was_measured(lending: Path) -> None:
    report = judge(lending, "documentation")
    assert finding_of(report, "documentation.model.metrics").earned == 0.05
    found = finding_of(report, "documentation.model.agreement")
    assert found.earned == 0
    assert "not measured" in found.message


@pytest.mark.parametrize(
    ("name", "said", "expected"),
    [
        ("accuracy", "0.90", True),
        ("accuracy", "90.1 %", True),
        ("accuracy", "91", True),
        ("accuracy", "**0.89**", True),
        ("accuracy", "0.95", False),
        ("accuracy", "1", False),
        ("rmse", "10.04", True),
        ("rmse", "10.9", False),
    ],
)
def test_agreement(name: str, said: str, expected: bool) -> None:
    low, high = (0.88, 0.91) if name == "accuracy" else (None, None)
    value = 0.9 if name == "accuracy" else 10.0
    stated = model_card.number(name, said, Location("c", 1))
    assert stated is not None
    assert agrees(stated, Estimate(value, low, high, 100, 100), 0.005) is expected


CARD = f"""\
---
license: mit
tags: [x]
model-index:
  - results:
      - dataset: {{split: train}}
        metrics: [{{type: accuracy, value: 0.999}}]
      - dataset: {{split: test}}
        metrics:
          - {{type: accuracy, value: 0.91}}
          - {{type: f1, name: macro F1, value: 0.4}}
          - {{type: f1, value: n/a}}
---
# A model
## Uses
{WORDS}
## Training data
{WORDS}
| accuracy | 0.998 |
### Details
- Precision: 0.997
## Results
| Metric | Value |
|---|---|
| Recall | 0.8 |
| F1 (class yes) | 0.3 |
- **R²**: 0.5
Log loss = 0.25
"""


def test_a_hugging_face_card() -> None:
    card = model_card.parse(CARD, "README.md", [])
    assert card is not None
    assert card.covers == (("intended use", 15), ("data", 17), ("evaluation", 22))
    assert card.metadata[:2] == (("license", 2), ("tags", 3))
    assert [(each.name, each.value, each.where.line) for each in card.stated] == [
        ("accuracy", 0.91, 10),
        ("recall", 0.8, 25),
        ("r2", 0.5, 27),
        ("log_loss", 0.25, 28),
    ]


def test_pages_that_are_no_card_and_broken_front_matter() -> None:
    broken: list[Evidence] = []
    assert model_card.parse("# Readme\n## Uses\n", "README.md", broken) is None
    assert model_card.parse("---\n# no end", "README.md", broken) is None
    card = model_card.parse("---\na: [\n---\n# Model card: x\n", "x.md", broken)
    assert card == Card("x.md", (), (), ())
    assert [each.where and each.where.path for each in broken] == ["x.md"]


OPENAPI = (
    'openapi: 3.0.3\ninfo: {title: x, version: "1"}\n'
    "paths:\n  /predict:\n    post:\n      responses: {'200': {description: x}}\n"
)


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("3.0.3", "4", "version"),
        ("title: x, ", "", "info.title"),
        ("/predict", "predict", "begins with no /"),
        ("post:", "poste:", "without an operation"),
        ("responses", "response", "no responses for post /predict"),
        ("paths:", "paths: {}\nx-paths:", "no paths"),
        ("paths:", "paths: []\nx-paths:", "no paths"),
    ],
)
def test_openapi_documents(before: str, after: str, sentence: str) -> None:
    assert api_docs.problem(read(OPENAPI.encode())[0]) is None
    wrong = api_docs.problem(read(OPENAPI.replace(before, after).encode())[0])
    assert wrong is not None
    assert sentence in wrong[0]


def test_an_invalid_document_is_a_finding_and_gives_nothing(lending: Path) -> None:
    (lending / "openapi.yaml").write_text("openapi: 3.0.0\ninfo: {title: x}\n")
    report = judge(lending, "documentation")
    assert finding_of(report, "documentation.api.schema").earned == 0
    assert finding_of(report, "documentation.defect.openapi").severity is Severity.MAJOR
    (lending / "openapi.yaml").write_text("openapi: [")
    found = finding_of(judge(lending, "documentation"), "documentation.unreadable")
    assert found.where == Location("openapi.yaml", 1)


def test_a_path_that_no_code_mentions(lending: Path) -> None:
    text = (lending / "openapi.yaml").read_text()
    (lending / "openapi.yaml").write_text(text.replace("/readyz:", "/ready:"))
    found = finding_of(judge(lending, "documentation"), "documentation.defect.path")
    assert "/ready, which no code mentions" in found.message


def test_fastapi_serves_its_own_document(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import fastapi as f\n\napp = f.FastAPI()\n")
    tree = repository.scan(tmp_path)
    modules, _ = python_code.collect(tree)
    found, _, _ = api_docs.collect(tree, [], modules)
    assert [each.where for each in found["api.schema"]] == [Location("app.py", 3)]
    section = list(documents.parse("# API\n    curl -d @x http://host/predict\n", "README.md"))
    found, _, _ = api_docs.collect(tree, section, ())
    assert (len(found["api.described"]), found["api.schema"]) == (1, [])


def test_links(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "a b.md").write_text("x")
    (tmp_path / "docs" / "x.md").write_text(
        "[a](../a%20b.md#there) [b](../README.md) [c](https://host/x) `[d](no.md)`\n"
        "```\n[e](no.md)\n```\n"
        "[f](../../outside.md) [g](/docs) [h](x) ![i](pic.png)\n[j]: gone.md\n"
    )
    broken, followed = guides.broken_links(repository.scan(tmp_path))
    assert [(each.message.split()[3].rstrip(","), each.where) for each in broken] == [
        ("../README.md", Location("docs/x.md", 1)),
        ("pic.png", Location("docs/x.md", 5)),
        ("gone.md", Location("docs/x.md", 6)),
    ]
    assert followed == 6


def commit(root: Path, time: int, *paths: str) -> None:
    """Commits some paths at a time."""
    date = f"{time} +0000"
    environment = {**os.environ, "GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date}
    who = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    for command in (("add", "--", *paths), (*who, "commit", "-qm", "x")):
        subprocess.run(["git", *command], cwd=root, env=environment, check=True)


def test_pages_older_than_the_model(lending: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=lending, check=True)
    commit(lending, 1_700_000_000, "docs", "openapi.yaml")
    commit(lending, 1_700_200_000, ".")
    (lending / "docs" / "onboarding.md").write_text(f"# Onboarding\n{WORDS}\n")
    commit(lending, 1_700_300_000, "docs/onboarding.md")
    # A program that the checkout would have git start, were its configuration honoured.
    seen = lending / "started"
    program = lending / "program"
    program.write_text(f"#!/bin/sh\ntouch {seen}\n")
    program.chmod(0o755)
    for key in ("gpg.program", "core.fsmonitor", "core.pager"):
        subprocess.run(["git", "config", key, str(program)], cwd=lending, check=True)
    subprocess.run(["git", "config", "log.showSignature", "true"], cwd=lending, check=True)
    report = judge(lending, "documentation")
    stale = [f for f in verdict_of(report, "documentation").findings if "defect.stale" in f.rule]
    assert {f.where.path for f in stale if f.where} == {
        "docs/deployment.md",
        "docs/incident-response.md",
        "docs/monitoring.md",
        "docs/troubleshooting.md",
        "openapi.yaml",
    }
    assert all(f.worth == 0 and "(2 days)" in f.message for f in stale)
    assert not seen.exists()


def gathered(names: set[str], *, agree: bool = True) -> Gathered:
    """What a tree with evidence for these items yields."""
    found = {name: (Evidence("found", State.FOUND, "there", Location("f", 1)),) for name in names}
    cards: tuple[Card, ...] = ()
    if "model.agreement" in names:
        value = 0.9 if agree else 0.5
        cards = (Card("f", (), (), (Stated("accuracy", value, 0.005, Location("f", 1)),)),)
    return Gathered(found, cards, {"accuracy": Estimate(0.9, 0.88, 0.92, 100, 100)})


names = st.sets(st.sampled_from(sorted(ITEMS)))


@given(names, names)
def test_removing_evidence_never_raises_the_score(kept: set[str], lost: set[str]) -> None:
    more, less = (CHECK.judge(gathered(each), Config()) for each in (kept | lost, kept))
    require_not_better(less, more)


def test_a_declaration_is_worth_half() -> None:
    text = b"declarations: [{item: documentation.api, says: in the wiki}]"
    settings = config.load(text, "holdpoint.yml", catalog.discover())
    verdict = CHECK.judge(gathered(set(ITEMS) - {"api.described", "api.schema"}), settings)
    assert verdict.score == pytest.approx(0.9)
    assert verdict.passed


def test_nothing_is_critical() -> None:
    verdict = CHECK.judge(Gathered({}), Config())
    assert (verdict.score, verdict.critical, verdict.passed) == (0.0, True, False)


def test_the_items_are_worth_what_they_should_be() -> None:
    for name, worth in documentation.CHECK.items.items():
        parts = [item.worth for key, item in ITEMS.items() if key.startswith(f"{name}.")]
        assert sum(parts) == pytest.approx(worth)
