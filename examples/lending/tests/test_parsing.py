"""What the server takes and refuses, and how it counts, without a socket."""

from __future__ import annotations

import json
import unittest

import pytest
from serve import BadRequestError, Metrics, parse_rows  # type: ignore[import-not-found]

COLUMNS = {"pirat": True, "phist": False}
GOOD = {"pirat": 0.3, "phist": "no"}
HOSTILE = [
    b'{"rows": ' + b"[" * 100_000,
    b'{"rows": [{"pirat": NaN, "phist": "no"}]}',
    b'{"rows": [{"pirat": -Infinity, "phist": "no"}]}',
    b'{"rows": [{"pirat": 1e999, "phist": "no"}]}',
    b'{"rows": [{"pirat": 1' + b"0" * 400 + b', "phist": "no"}]}',
    b'{"rows": [{"pirat": "__import__(\'os\')", "phist": "no"}]}',
    b"\xff\xfe\x00",
    json.dumps({"rows": [GOOD] * 1001}).encode(),
]


class Parsing(unittest.TestCase):
    """The bytes of a request's body become rows, or a sentence."""

    def test_takes_the_columns_of_the_model_and_no_others(self) -> None:
        body = json.dumps({"rows": [{**GOOD, "afam": "yes"}, {"pirat": None, "phist": "x"}]})
        rows = parse_rows(body.encode(), COLUMNS)
        assert rows == [GOOD, {"pirat": None, "phist": "x"}]

    def test_refuses_hostile_bodies_with_a_sentence(self) -> None:
        for body in HOSTILE:
            with self.subTest(body=body[:60]):
                with pytest.raises(BadRequestError) as raised:
                    parse_rows(body, COLUMNS)
                assert len(str(raised.value)) < 300


class Counting(unittest.TestCase):
    """The metrics that alerts and releases rely on."""

    def test_counts_errors_and_cumulative_buckets(self) -> None:
        metrics = Metrics()
        metrics.observe(0.003, failed=False)
        metrics.observe(9.0, failed=True)
        lines = metrics.render().splitlines()
        assert "prediction_count_total 2" in lines
        assert "prediction_errors_total 1" in lines
        assert 'prediction_latency_seconds_bucket{le="0.005"} 1' in lines
        assert 'prediction_latency_seconds_bucket{le="+Inf"} 2' in lines


if __name__ == "__main__":
    unittest.main()
