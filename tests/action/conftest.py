"""A fake GitHub, and a job of a workflow on a pull request of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.action.acting import Job
from tests.fakes.github import FakeGitHub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        yield fake
    assert not fake.faults.unmet, f"planted and never met: {fake.faults.unmet}"


@pytest.fixture
def job(github: FakeGitHub, tmp_path: Path) -> Job:
    return Job(github, tmp_path)
