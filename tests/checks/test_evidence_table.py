"""Each piece of the ready example's evidence moves exactly the checks that a list by hand says.

The list is `evidence_table.yml`. A piece is a file, or lines of one.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.checks.conftest import LENDING
from tests.checks.evidence import MEASURED_FROM, Judge, overall

LIST = Path(__file__).with_name("evidence_table.yml")


@dataclass(frozen=True)
class Piece:
    """A file, or those of its lines that match; the checks that lose by its removal, and why."""

    path: str
    lines: str | None
    moves: tuple[str, ...]
    why: str

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"{self.path}: {self.lines}" if self.lines else self.path


def _piece(entry: dict[str, Any]) -> Piece:
    return Piece(entry["path"], entry.get("lines"), tuple(entry["moves"]), entry["why"])


PIECES = [_piece(entry) for entry in yaml.safe_load(LIST.read_text(encoding="utf-8"))]


@pytest.fixture(scope="module")
def judging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """The example, judged once as it is."""
    root = tmp_path_factory.mktemp("evidence") / "lending"
    shutil.copytree(LENDING, root, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    with Judge(root) as made:
        yield made


def take(root: Path, piece: Piece) -> None:
    """Removes a piece, if it is still there."""
    path = root / piece.path
    if not path.exists():
        return
    if piece.lines is None:
        path.unlink()
        return
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not re.search(piece.lines or "", line)]
    path.write_text("".join(kept), encoding="utf-8")


def put_back(root: Path, pieces: list[Piece]) -> None:
    """The files as they were."""
    for path in {piece.path for piece in pieces}:
        shutil.copy(LENDING / path, root / path)


def test_each_piece_moves_exactly_its_checks_and_none_up(judging: Judge) -> None:
    wrong = {}
    for piece in PIECES:
        take(judging.root, piece)
        found = judging.without({piece.path})
        put_back(judging.root, [piece])
        fell = sorted(name for name in found if found[name] < judging.whole[name])
        rose = sorted(name for name in found if found[name] > judging.whole[name])
        if fell != sorted(piece.moves) or rose or overall(found) > overall(judging.whole):
            wrong[piece.name] = {"fell": fell, "rose": rose, "expected": sorted(piece.moves)}
    assert wrong == {}


def test_every_file_of_the_example_is_a_piece() -> None:
    files = {
        path.relative_to(LENDING).as_posix()
        for path in LENDING.rglob("*")
        if path.is_file() and "cache" not in str(path) and path.name != ".coverage"
    }
    assert {piece.path for piece in PIECES if piece.lines is None} == files


def test_every_line_that_is_a_piece_is_there() -> None:
    for piece in PIECES:
        if piece.lines:
            assert re.search(piece.lines, (LENDING / piece.path).read_text(), re.MULTILINE), piece


CHEAP = [piece for piece in PIECES if piece.path not in MEASURED_FROM]


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(some=st.lists(st.sampled_from(CHEAP), max_size=12), more=st.lists(st.sampled_from(CHEAP)))
def test_removing_more_never_raises_a_score(
    judging: Judge, some: list[Piece], more: list[Piece]
) -> None:
    scores = [judging.whole]
    for pieces in (some, more):
        for piece in pieces:
            take(judging.root, piece)
        scores.append(judging.without({piece.path for piece in pieces}))
    put_back(judging.root, [*some, *more])
    for before, after in pairwise(scores):
        assert {
            name: after[name] - before[name] for name in after if after[name] > before[name]
        } == {}
        assert overall(after) <= overall(before)
