"""A sample of rows that come in batches: fair, the same for every cut into batches, bounded."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from checks.evidence.data import DataProblemError, Reader
from checks.evidence.repository import scan
from checks.evidence.sampling import Sampler
from checks.sandbox import Column, Limits, Table, column_of
from tests.checks.conftest import finding_of, judge


def sampled(rows: int, batch: int, limit: int) -> Table:
    """A sample of the numbers from 0."""
    sampler = Sampler(limit)
    for start in range(0, rows, batch):
        numbers = np.arange(start, min(start + batch, rows))
        texts = column_of("t", [f"t{n % 7}" for n in numbers])
        sampler.add(Table((column_of("n", numbers), texts)))
    assert sampler.total == rows
    return sampler.table()


def test_fewer_rows_than_the_limit_are_all_kept() -> None:
    assert sampled(95, 10, 100).column("n").values.tolist() == list(range(95))


def test_the_batches_do_not_matter() -> None:
    one, other = sampled(10_000, 10_000, 500), sampled(10_000, 333, 500)
    assert one.rows == 500
    for name in ("n", "t"):
        assert one.column(name).values.tolist() == other.column(name).values.tolist()
    numbers = one.column("n").values.tolist()
    assert numbers == sorted(set(numbers))
    assert one.column("t").values.tolist() == [f"t{n % 7}" for n in numbers]


def test_every_row_is_as_likely_as_any_other() -> None:
    numbers = sampled(1_000_000, 50_000, 20_000).column("n").values
    assert stats.kstest(numbers / 1_000_000, "uniform").pvalue > 0.01


def test_wide_tables_keep_fewer_rows() -> None:
    sampler = Sampler(1_000_000, most_cells=40_000)
    for _ in range(30):
        blank = np.zeros(1_000)
        sampler.add(Table(tuple(Column(f"c{n}", "float", blank) for n in range(20))))
    assert sampler.table().rows == 2_000
    assert sampler.total == 30_000


@pytest.mark.parametrize(
    ("parts", "kind", "values"),
    [
        ([[1, 2], [0.5]], "float", [1.0, 2.0, 0.5]),
        ([[1], ["a", None]], "str", ["1", "a", None]),
        ([[1.0, np.nan], ["a"]], "str", ["1", None, "a"]),
        ([[True], [False]], "bool", [True, False]),
        ([[True], [np.nan]], "str", ["True", None]),
        ([[True], ["x"]], "str", ["True", "x"]),
        ([[np.nan], ["x"]], "str", [None, "x"]),
        ([[np.nan], [1]], "float", [None, 1.0]),
    ],
)
def test_a_kind_may_change_on_the_way(
    parts: list[list[object]], kind: str, values: list[object]
) -> None:
    sampler = Sampler(100)
    for part in parts:
        sampler.add(Table((column_of("a", part),)))
    (column,) = sampler.table().columns
    found = [None if v != v else v for v in column.values.tolist()]  # noqa: PLR0124 - NaN
    assert (column.kind, found) == (kind, values)


def test_a_column_that_comes_late_is_missing_before() -> None:
    sampler = Sampler(100)
    sampler.add(Table((column_of("a", [1]),)))
    sampler.add(Table((column_of("a", [2]), column_of("b", ["x"]))))
    assert sampler.table().column("b").values.tolist() == [None, "x"]


def test_an_unknown_format_lists_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "data.xlsx").write_bytes(b"PK")
    reader = Reader(scan(tmp_path), Path("python"), Limits())
    with pytest.raises(DataProblemError, match=r"known are \.arrow .*\.csv .*\.jsonl .*\.parquet"):
        reader.sample("data.xlsx", "data.evaluation", 100)


def test_a_sample_is_said(lending: Path) -> None:
    config = lending / "holdpoint.yml"
    text = config.read_text()
    config.write_text(text.replace("  target: deny\n", "  target: deny\n  sample_rows: 500\n"))
    report = judge(lending, "model_performance", "data_quality")
    assert any("data/evaluation.csv: 500 of 714 rows were used" in note for note in report.notes)
    assert any("data/training.csv: 500 of 1,663 rows" in note for note in report.notes)
    performance, quality = report.verdicts
    assert performance.message.endswith("on 500 of 714 rows")
    assert "500 of 714 rows of data/evaluation.csv" in quality.message
    assert {f.samples for f in performance.figures} == {500}
    assert finding_of(report, "data_quality.preprocessing.saved").earned == 0.3
    assert dataclasses.asdict(quality)["details"]["rows"]["data/training.csv"] == [500, 1663]
