"""Every format keeps the same promises: judged whole in the full sandbox, and bad files named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks import models
from tests.checks.conftest import judge, verdict_of
from tests.checks.libraries import need
from tests.checks.models.honest import FITTED, HONEST, INPUTS, LABELS, Honest, repository

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = [adapter.name for adapter in models.discover()]
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.fixture(scope="module", params=FORMATS)
def honest(request: pytest.FixtureRequest) -> Honest:
    """A failure here: a new format needs its honest model in `honest.py`."""
    adapter = next(each for each in models.discover() if each.name == request.param)
    for library in adapter.requires:
        need(library)
    return HONEST[request.param]()


def problem(root: Path) -> str:
    """Why the model could not be judged."""
    verdict = verdict_of(judge(root, "model_performance"), "model_performance")
    assert verdict.critical
    return verdict.message


def test_an_honest_model_is_judged_in_the_sandbox(tmp_path: Path, honest: Honest) -> None:
    report = judge(repository(tmp_path, honest), "model_performance")
    verdict = verdict_of(report, "model_performance")
    assert verdict.score is not None, verdict.message
    figures = {figure.name: figure.value for figure in verdict.figures}
    assert figures["accuracy"] == pytest.approx(FITTED.score(INPUTS.to_numpy(), LABELS))
    assert ("log_loss" in figures) is honest.probabilities
    assert not [note for note in report.notes if "without a full sandbox" in note]


def test_m9_bad_files_are_told_by_name(tmp_path: Path, honest: Honest) -> None:
    half = honest.payload[: len(honest.payload) // 2]
    for name, payload, says in (
        ("empty", b"", "empty (0 bytes)"),
        ("pointer", LFS, "Git LFS pointer"),
        ("cut", half, "cut off"),
        ("misnamed", b"a,b\n1,2\n", "is text"),
    ):
        if honest.path and name in {"cut", "misnamed"}:
            continue  # its bytes are whatever its own code reads
        said = problem(repository(tmp_path / name, honest, payload))
        assert honest.name in said
        assert says in said
