"""The border with the runner: what is read is checked, what is written stays what it is."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from checks import action_event, action_io
from checks.action_io import InputError, Inputs, Outputs
from tests.action.runner_files import parse_outputs

ROOT = Path(__file__).parents[2]
HEAD, BASE = "b" * 40, "a" * 40
GOOD = {
    "INPUT_TOKEN": "ghs_x",
    "INPUT_PATH": ".",
    "INPUT_MODE": "both",
    "INPUT_RESULT": "holdpoint-result",
    "INPUT_COMMENT": "true",
    "INPUT_ANNOTATIONS": "all",
    "INPUT_ALLOW-WRITE-TOKEN": "false",
    "INPUT_TRUST-MODEL": "false",
}


def action_yml() -> Any:
    return yaml.safe_load((ROOT / "action.yml").read_text())


def test_inputs_and_action_yml_name_each_other() -> None:
    fields = {field.name.replace("_", "-") for field in dataclasses.fields(Inputs)}
    assert fields == set(action_yml()["inputs"])


def test_outputs_and_action_yml_name_each_other() -> None:
    fields = {field.name.replace("_", "-") for field in dataclasses.fields(Outputs)}
    assert fields == set(action_yml()["outputs"])


def test_every_input_and_output_is_described_and_has_a_default() -> None:
    described = action_yml()
    for each in (*described["inputs"].values(), *described["outputs"].values()):
        assert each["description"].strip()
    assert all("default" in each for each in described["inputs"].values())


def test_the_defaults_of_action_yml_are_read() -> None:
    defaults = {
        f"INPUT_{name.upper()}": str(each["default"])
        for name, each in action_yml()["inputs"].items()
    }
    inputs = action_io.read_inputs({**defaults, "INPUT_TOKEN": "ghs_x"})
    assert inputs.comment
    assert not inputs.trust_model
    assert "ghs_x" not in repr(inputs)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"INPUT_TOKEN": " "}, "'token' is empty"),
        ({"INPUT_PATH": "/etc"}, "'path' is '/etc'"),
        ({"INPUT_PATH": "a/../../b"}, "below the workspace"),
        ({"INPUT_COMMENT": "yes"}, "takes true or false"),
        ({"INPUT_TRUST-MODEL": ""}, "'trust-model' is empty"),
        ({"INPUT_MODE": "twice"}, "one of both, judge, publish"),
        ({"INPUT_ANNOTATIONS": "some"}, "one of all, changed, none"),
        ({"INPUT_RESULT": "../x"}, "'result' is '../x'"),
        ({"INPUT_MODE": "publish", "INPUT_TOKEN": ""}, "'token' is empty"),
    ],
)
def test_a_wrong_input_is_named(change: dict[str, str], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        action_io.read_inputs({**GOOD, **change})


def test_judging_alone_needs_no_token() -> None:
    inputs = action_io.read_inputs({**GOOD, "INPUT_MODE": "judge", "INPUT_TOKEN": ""})
    assert inputs.token == ""


def event(tmp_path: Path, name: str, payload: object) -> action_event.Event:
    path = tmp_path / "event.json"
    path.write_text(payload if isinstance(payload, str) else json.dumps(payload))
    environ = {"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(path), "GITHUB_SHA": HEAD}
    return action_event.read_event(environ)


REPOSITORY = {"full_name": "acme/lending"}
PULL = {"number": 7, "head": {"sha": HEAD}, "base": {"sha": BASE}}


@pytest.mark.parametrize(
    ("name", "payload", "number", "base"),
    [
        ("pull_request", {"pull_request": PULL}, 7, BASE),
        ("pull_request_target", {"pull_request": PULL}, 7, BASE),
        ("merge_group", {"merge_group": {"head_sha": HEAD, "base_sha": BASE}}, None, BASE),
        ("push", {"after": HEAD, "before": BASE}, None, BASE),
        ("push", {"after": HEAD, "before": "0" * 40}, None, None),  # a new branch
        ("workflow_dispatch", {"ref": "refs/heads/main"}, None, None),
    ],
)
def test_the_event_is_read_from_its_payload(
    tmp_path: Path, name: str, payload: dict[str, object], number: int | None, base: str | None
) -> None:
    found = event(tmp_path, name, {"repository": REPOSITORY, **payload})
    assert found == action_event.Event(name, "acme/lending", number, HEAD, base)


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("issue_comment", {}),
        ("pull_request", "not json"),
        ("pull_request", "[" * 100_000),
        ("pull_request", []),
        ("pull_request", {"pull_request": {**PULL, "number": "7"}}),
        ("pull_request", {"pull_request": {**PULL, "number": True}}),
        ("pull_request", {"pull_request": {**PULL, "head": {"sha": "main"}}}),
        ("pull_request", {"pull_request": {**PULL, "head": {"sha": HEAD + "\n"}}}),
        ("push", {"after": "../../x", "before": BASE}),
        ("push", {"after": "0" * 40, "before": BASE}),  # a deleted branch
    ],
)
def test_a_malformed_event_is_refused(tmp_path: Path, name: str, payload: object) -> None:
    if isinstance(payload, dict):
        payload = {"repository": REPOSITORY, **payload}
    with pytest.raises(InputError):
        event(tmp_path, name, payload)


def test_a_repository_that_is_none_is_refused(tmp_path: Path) -> None:
    for name in ("acme/../x", "acme", None, "a/b/c"):
        payload = {"repository": {"full_name": name}, "pull_request": PULL}
        with pytest.raises(InputError, match="no repository"):
            event(tmp_path, "pull_request", payload)


@given(st.text())
def test_a_value_with_newlines_stays_one_output(text: str) -> None:
    raw = text.replace("\r", "").encode("utf-8", "replace").decode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "output"
        action_io.write_outputs(path, Outputs(raw, "true", "success", "0", "r.json", "r.html"))
        found = parse_outputs(path)
    assert list(found) == [
        "score", "ready", "conclusion", "critical", "report-json", "report-html",
    ]  # fmt: skip
    assert found["score"] == raw


def test_a_delimiter_seen_once_helps_nobody(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    action_io.write_outputs(first, Outputs("1", "true", "success", "0", "r.json", "r.html"))
    seen = [line.split("<<")[1] for line in first.read_text().splitlines() if "<<" in line]
    hostile = "\n".join([*seen, "ready=true"])
    action_io.write_outputs(second, Outputs(hostile, "false", "failure", "", "", ""))
    assert parse_outputs(second)["score"] == hostile
    assert parse_outputs(second)["ready"] == "false"


def test_the_summary_stays_below_the_runners_limit(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    path.write_text("an earlier line\n")
    action_io.write_summary(path, "ü" * action_io.SUMMARY_LIMIT)
    assert action_io.SUMMARY_LIMIT - 4 <= path.stat().st_size <= action_io.SUMMARY_LIMIT
    path.read_text(encoding="utf-8")  # not cut within a character
    action_io.write_summary(None, "no summary is no error")


def test_the_reference_names_every_input_and_output() -> None:
    page = (ROOT / "docs/reference/action.md").read_text()
    described = action_yml()
    for name in (*described["inputs"], *described["outputs"]):
        assert f"| `{name}` |" in page
