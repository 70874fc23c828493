"""The documentation and the code name the same things."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rollouts.reasons import Reason

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    p
    for p in ROOT.rglob("*.md")
    if not {".venv", "node_modules", ".git", ".cache"} & set(p.relative_to(ROOT).parts)
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def test_every_reason_code_is_documented_once_and_no_other() -> None:
    page = (ROOT / "docs/reference/reasons.md").read_text()
    documented = re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE)
    assert sorted(documented) == sorted(reason.value for reason in Reason)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_within_the_repository_resolve(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page}: {target}"


def test_make_targets_named_in_the_documentation_exist() -> None:
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"(?:^\$ |`)make ([a-z-]+)", page.read_text(), flags=re.MULTILINE))
        assert named <= known, f"{page.relative_to(ROOT)} names {named - known}"
