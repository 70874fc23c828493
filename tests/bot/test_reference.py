"""The reference pages say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import bot
from bot import reading, reference, settings
from bot.commands import catalogue
from bot.grammar import reserved
from bot.settings import read_settings

ROOT = Path(bot.__file__).parents[1]
SETTINGS = (ROOT / "docs/reference/bot-settings.md").read_text()


def test_the_page_of_the_verbs_is_made_from_them() -> None:
    page = (ROOT / reference.PAGE).read_text()
    assert page == reference.render(), "run python -m bot.reference"


def test_every_key_is_documented() -> None:
    sources = [Path(str(module.__file__)).read_text() for module in (reading, settings)]
    lists = re.findall(r"\.only\(\s*((?:\"\w+\",?\s*)+)", "".join(sources))
    keys = {key for found in lists for key in re.findall(r'"(\w+)"', found)}
    assert len(keys) > 30
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", SETTINGS))))
    named |= set(re.findall(r"\w+", SETTINGS.partition("```yaml")[2]))
    assert keys <= named, keys - named


def test_the_example_is_read(tmp_path: Path) -> None:
    text = SETTINGS.partition("```yaml\n")[2].partition("```")[0]
    path = tmp_path / "bot.yaml"
    path.write_text(text)
    found = read_settings(path, lambda name: reserved(name, catalogue()))
    assert [place.label for place in found.places()] == ["fraud in staging", "fraud in prod"]
