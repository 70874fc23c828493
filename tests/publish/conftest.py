"""A fake GitHub for each test; it fails the test for anything said that GitHub would not take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.github import FakeGitHub

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        yield fake
    assert not fake.faults.unmet, f"planted and never met: {fake.faults.unmet}"
