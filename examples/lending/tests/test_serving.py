"""The server as a client sees it: one real process, real HTTP, the committed model."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
NUMERIC = {"pirat", "hirat", "lvrat", "chist", "mhist", "unemp"}


class Serving(unittest.TestCase):
    """Starts the server once on a free port."""

    process: subprocess.Popen[str]
    url: str

    @classmethod
    def setUpClass(cls) -> None:
        """Waits until the server says that it is ready."""
        environment = {
            **os.environ,
            "MODEL_PATH": str(ROOT / "model" / "model.joblib"),
            "POD_IP": "127.0.0.1",
            "PORT": "0",
            "REVISION": "lending-test",
            "DRAIN_SECONDS": "0",
        }
        cls.process = subprocess.Popen(
            [sys.executable, str(ROOT / "serve.py")],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert cls.process.stdout is not None
        cls.url = "http://" + json.loads(cls.process.stdout.readline())["address"]
        deadline = time.monotonic() + 60
        while cls.get("/readyz")[0] != 200:
            assert time.monotonic() < deadline, "not ready within a minute"
            time.sleep(0.05)

    @classmethod
    def tearDownClass(cls) -> None:
        """SIGTERM ends it in good order."""
        cls.process.terminate()
        assert cls.process.wait(timeout=20) == 0
        assert cls.process.stdout is not None
        cls.process.stdout.close()

    @classmethod
    def get(cls, path: str) -> tuple[int, str]:
        """Status and body of a GET."""
        try:
            with urllib.request.urlopen(cls.url + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def post(self, body: bytes) -> tuple[int, Any, str | None]:
        """Status, JSON and revision of a prediction."""
        request = urllib.request.Request(self.url + "/predict", data=body, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer), answer.headers["x-holdpoint-revision"]
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error), error.headers["x-holdpoint-revision"]

    def rows(self, count: int) -> list[dict[str, object]]:
        """The first rows of the evaluation data."""
        with (ROOT / "data" / "evaluation.csv").open(encoding="utf-8") as file:
            rows = [row for row, _ in zip(csv.DictReader(file), range(count), strict=False)]
        return [
            {name: float(text) if name in NUMERIC else text for name, text in row.items()}
            for row in rows
        ]

    def test_predicts_and_names_its_revision(self) -> None:
        status, answer, revision = self.post(json.dumps({"rows": self.rows(20)}).encode())
        assert (status, revision) == (200, "lending-test")
        assert len(answer["predictions"]) == 20
        for label, chances in zip(answer["predictions"], answer["probabilities"], strict=True):
            assert abs(sum(chances.values()) - 1) < 1e-9
            assert label == max(chances, key=chances.__getitem__)

    def test_refuses_malformed_input_in_words(self) -> None:
        row = self.rows(1)[0]
        incomplete = {name: value for name, value in row.items() if name != "phist"}
        cases: list[tuple[bytes, str]] = [
            (b"{", "not JSON"),
            (b"[]", "rows"),
            (json.dumps({"rows": [{**row, "pirat": "high"}]}).encode(), "pirat"),
            (
                json.dumps({"rows": [incomplete]}).encode(),
                "phist",
            ),
        ]
        for body, word in cases:
            status, answer, _ = self.post(body)
            assert status == 400
            assert word in answer["error"]

    def test_counts_what_it_answers(self) -> None:
        def count() -> float:
            lines = self.get("/metrics")[1].splitlines()
            return next(
                float(x.split()[1]) for x in lines if x.startswith("prediction_count_total")
            )

        before = count()
        self.post(json.dumps({"rows": self.rows(1)}).encode())
        self.post(b"{")
        assert count() == before + 2
        assert "prediction_errors_total 0" in self.get("/metrics")[1]


if __name__ == "__main__":
    unittest.main()
