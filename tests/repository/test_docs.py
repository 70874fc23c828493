"""The documentation and the code name the same things."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import pytest
import yaml

from bot.refusals import Refusal
from checks.config import ROOT_KEYS
from rollouts import metrics, traffic
from rollouts.metrics.presets import PRESETS
from rollouts.metrics.prometheus import APPLICATION_PRESET
from rollouts.reasons import Reason

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    p
    for p in ROOT.rglob("*.md")
    # the unready example has a broken link on purpose
    if not {".venv", "node_modules", ".git", ".cache", "unready"} & set(p.relative_to(ROOT).parts)
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def first_column(page: str) -> list[str]:
    """What the tables of a reference page list."""
    text = (ROOT / "docs/reference" / page).read_text()
    return sorted(re.findall(r"^\| `([\w-]+)` \|", text, flags=re.MULTILINE))


@pytest.mark.parametrize(("page", "codes"), [("reasons.md", Reason), ("refusals.md", Refusal)])
def test_every_code_is_documented_once_and_no_other(page: str, codes: type[StrEnum]) -> None:
    assert first_column(page) == sorted(code.value for code in codes)


def test_every_input_and_output_of_the_action_is_documented() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert first_column("action.md") == sorted([*action["inputs"], *action["outputs"]])


def test_every_router_provider_and_preset_is_documented() -> None:
    assert first_column("traffic.md") == sorted(traffic.routers())
    presets = [*PRESETS, APPLICATION_PRESET]
    keys_of_sources = {"token", "url"}
    listed = set(first_column("metrics.md")) - keys_of_sources
    assert listed == {*metrics.providers(), *presets}


def test_every_key_of_the_configuration_is_documented() -> None:
    assert first_column("configuration.md") == sorted(ROOT_KEYS)


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
