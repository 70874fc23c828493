"""What `holdpoint rollout` prints, and how the commands refuse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from rollouts import cli
from rollouts.showing import history_lines, status_lines, status_object, to_json
from tests.rollouts.test_crds import full_status

if TYPE_CHECKING:
    from pathlib import Path


def shown(**status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "lending", "namespace": "prod"},
        "spec": {"replicas": 2, "port": 9000},
        "status": {**full_status().to_json(), **status},
    }


def test_the_json_has_what_scripts_ask_for_and_no_checkpoint() -> None:
    data = json.loads(to_json(status_object(shown()), history=False))
    assert data["deployment_id"] == "prod/lending"
    assert data["endpoint_url"] == "http://lending.prod.svc:9000"
    assert data["weight"] == {"asked": 25, "confirmed": 25}
    assert data["rollback_available"] is True
    assert "checkpoint" not in data["analysis"]


def test_people_get_lines() -> None:
    text = "\n".join(status_lines(shown()))
    assert "prod/lending" in text
    assert "25 % confirmed" in text
    assert "Started" in history_lines(shown())[0]
    assert history_lines({"metadata": {"name": "a"}}) == ["no history yet"]


def test_an_object_without_a_status_can_be_shown() -> None:
    assert status_lines({"metadata": {"name": "a", "namespace": "b"}})[0].endswith("b/a")


@pytest.mark.parametrize("verb", [cli.controller, cli.rollout])
def test_no_cluster_is_a_sentence(
    verb: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [] if verb is cli.controller else ["status", "lending"]
    assert verb([*arguments, f"--kubeconfig={tmp_path / 'absent'}"]) == 2
    assert "cannot find a cluster" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argument", ["--listen=nowhere", "--lease-duration=0", "--log-level=loud", "--listen=a:99999"]
)
def test_arguments_that_make_no_sense_are_refused(argument: str) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.controller([argument])
    assert ended.value.code == 2
