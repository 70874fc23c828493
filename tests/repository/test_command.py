"""The `holdpoint` command itself: finds rooms, says sentences, imports nothing before it must."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import holdpoint


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-m", "holdpoint", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_help_lists_every_verb() -> None:
    answer = run("--help")
    assert answer.returncode == 0
    for name, verb in holdpoint.VERBS.items():
        assert name in answer.stdout
        assert verb.summary in answer.stdout


def test_unknown_verb_is_a_sentence_that_lists_the_known() -> None:
    answer = run("chekc")
    assert answer.returncode == 2
    assert "'chekc'" in answer.stderr
    assert all(name in answer.stderr for name in holdpoint.VERBS)
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("name", holdpoint.VERBS)
def test_every_verb_leads_to_a_function(name: str) -> None:
    module, _, function = holdpoint.VERBS[name].target.partition(":")
    assert callable(getattr(importlib.import_module(module), function))


@pytest.mark.parametrize("name", holdpoint.VERBS)
def test_every_verb_explains_itself(name: str) -> None:
    answer = run(name, "--help")
    assert answer.returncode == 0, answer.stderr
    assert "usage" in answer.stdout.lower()


@pytest.mark.parametrize(
    "arguments", [["--help"], ["check", "--help"], ["init", "--help"], ["config", "--help"]]
)
def test_help_imports_no_heavy_package(arguments: list[str]) -> None:
    program = (
        "import sys, holdpoint\n"
        f"try: holdpoint.main({arguments!r})\n"
        "except SystemExit: pass\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & "
        "{'sklearn', 'numpy', 'pandas', 'torch', 'kubernetes', 'slack_bolt', 'github'}))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert answer.stdout.splitlines()[-1] == "[]"


def test_a_missing_extra_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    verb = holdpoint.Verb("a_package_nobody_has:main", "controller", "")
    assert holdpoint.run(verb, []) == 2
    assert "pip install 'holdpoint[controller]'" in capsys.readouterr().err
