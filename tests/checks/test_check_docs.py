"""The checks' pages are what the code says, and say everything."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

import pytest

from checks import catalog, docs
from checks.config import waivable

if TYPE_CHECKING:
    from checks.check import Check

CHECKS = catalog.discover()


def test_the_committed_pages_are_those_that_the_code_makes() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in docs.TARGET.glob("*")}
    assert committed == docs.pages(), "run `make docs`"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_page_has_the_four_headings_and_every_setting_item_and_rule(check: Check) -> None:
    said = docs.sections(check)
    assert tuple(said) == docs.HEADINGS
    assert all(len(text.split()) > 4 for text in said.values())
    page = docs.page(check)
    for heading, text in said.items():
        assert f"\n## {heading}\n\n{text}\n" in page
    for field in dataclasses.fields(check.settings):
        assert re.search(rf"^\| `{field.name}` \| .+ \| .{{8,}} \|$", page, re.MULTILINE)
    for item, worth in check.items.items():
        assert f"| `{item}` | {worth:g} |" in page
    for rule in waivable(check):
        assert f"`{rule}`" in page
    assert f"[{check.name}]({check.name}.md)" in docs.pages()["README.md"]
