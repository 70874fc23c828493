"""One conformance test over every verb, and the app manifest against the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

import bot
from bot.commands import catalogue
from bot.guard import EVENTS_PATH
from bot.settings import Settings
from tests.fakes.slack.methods import SCOPES

if TYPE_CHECKING:
    from bot.desk import Verb

ROOT = Path(bot.__file__).parent
MANIFEST = ROOT.parent / "deploy" / "slack" / "manifest.yaml"


@pytest.mark.parametrize("verb", catalogue().values(), ids=lambda verb: verb.name)
def test_a_verb_is_whole(verb: Verb) -> None:
    assert re.fullmatch(r"[a-z]+(?:-[a-z]+)*", verb.name)
    assert verb.shape.usage.split()[0] == verb.name
    assert verb.summary[0].islower()
    assert not verb.summary.endswith(".")
    assert len(verb.summary) < 120
    source = (ROOT / "commands" / f"{verb.name.replace('-', '_')}.py").read_text()
    assert source.startswith(f'"""`{verb.shape.usage}`'), "the docstring begins with the usage"


def test_there_is_a_file_for_each_and_no_list() -> None:
    files = {path.stem for path in (ROOT / "commands").glob("*.py")} - {"__init__"}
    assert {name.replace("-", "_") for name in catalogue()} == files


def manifest() -> dict[str, dict[str, object]]:
    loaded = yaml.safe_load(MANIFEST.read_text())
    assert isinstance(loaded, dict)
    return loaded


def test_the_manifest_asks_for_the_scopes_that_are_used_and_no_more() -> None:
    source = (ROOT / "slack.py").read_text()
    methods = set(re.findall(r'"([a-z]+(?:\.[a-zA-Z]+)+)"', source))
    used = {SCOPES[method] for method in methods if method in SCOPES} | {"commands"}
    used |= {"groups:read"} if "conversations.members" in methods else set()
    assert "auth.test" in methods
    assert methods - set(SCOPES) == {"auth.test"}
    assert set(manifest()["oauth_config"]["scopes"]["bot"]) == used  # type: ignore[index] # YAML


def test_the_manifest_has_the_command_and_the_address() -> None:
    commands = manifest()["features"]["slash_commands"]
    assert isinstance(commands, list)
    (command,) = commands
    default = Settings.__dataclass_fields__["slack_command"].default
    assert command["command"] == default
    assert command["url"].startswith("https://")
    assert command["url"].endswith(EVENTS_PATH)
    assert "socket_mode_enabled" in manifest()["settings"]
