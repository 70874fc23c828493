"""The server as a client sees it: one real process, real HTTP, the committed model."""

from __future__ import annotations

import csv
import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[1]
NUMERIC = {"pirat", "hirat", "lvrat", "chist", "mhist", "unemp"}


class Serving(unittest.TestCase):
    """Starts the server once on a free port."""

    process: subprocess.Popen[str]
    log: IO[bytes]
    url: str

    @classmethod
    def setUpClass(cls) -> None:
        """Waits until the server says that it is ready."""
        cls.log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the class
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
            stderr=cls.log,
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
        cls.log.close()

    @classmethod
    def get(cls, path: str) -> tuple[int, str]:
        """Status and body of a GET."""
        try:
            with urllib.request.urlopen(cls.url + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def post(self, body: bytes, path: str = "/predict") -> tuple[int, Any, str | None]:
        """Status, JSON and revision of a prediction or explanation."""
        request = urllib.request.Request(self.url + path, data=body, method="POST")
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

    def test_explains_what_each_input_did(self) -> None:
        rows = self.rows(5)
        status, answer, _ = self.post(json.dumps({"rows": rows}).encode(), "/explain")
        assert status == 200
        _, predicted, _ = self.post(json.dumps({"rows": rows}).encode())
        assert answer["label"] == "yes"
        for row, explained, chances in zip(
            rows, answer["explanations"], predicted["probabilities"], strict=True
        ):
            assert abs(explained["probability"] - chances["yes"]) < 1e-9
            changed = {**row, "chist": answer["usual"]["chist"]}
            _, other, _ = self.post(json.dumps({"rows": [changed]}).encode())
            lost = chances["yes"] - other["probabilities"][0]["yes"]
            assert abs(explained["contributions"]["chist"] - lost) < 1e-9
        assert set(answer["importance"]) == set(answer["explanations"][0]["contributions"])

    def test_explains_only_so_many_at_once_and_counts_none(self) -> None:
        before = self.get("/metrics")[1]
        status, answer, _ = self.post(json.dumps({"rows": self.rows(51)}).encode(), "/explain")
        assert (status, answer["error"]) == (400, "at most 50 rows are explained at once")
        assert self.get("/metrics")[1] == before

    def test_writes_one_audit_line_a_batch(self) -> None:
        self.post(json.dumps({"rows": self.rows(7)}).encode())
        deadline = time.monotonic() + 10
        while True:
            size = os.fstat(self.log.fileno()).st_size
            text = os.pread(self.log.fileno(), size, 0).decode()
            lines = [json.loads(line) for line in text.splitlines() if '"audit"' in line]
            found = [line for line in lines if line["rows"] == 7]
            if found or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        assert [(line["caller"], line["revision"]) for line in found] == [
            ("anonymous", "lending-test")
        ]
        assert "pirat" not in text

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


class Keys(unittest.TestCase):
    """Who is answered when keys are set."""

    def setUp(self) -> None:
        """Two callers' keys in a file."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "callers"
        self.file.write_text(f"branch {'b' * 20}\n\nportal {'p' * 20}\n", encoding="utf-8")
        sys.path.insert(0, str(ROOT))
        self.addCleanup(sys.path.remove, str(ROOT))
        self.serve = importlib.import_module("serve")

    def serving(self, path: Path | None) -> str:
        """The address of a server without a model, in this process."""
        keys = self.serve.Keys(str(path) if path else None)
        model = self.serve.Model("", None)
        server = self.serve.Server(("127.0.0.1", 0), model, "lending-test", keys)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_address[1]}/predict"

    def ask(self, url: str, authorization: str | None) -> int:
        """The status of a request; 503 is the answer to a caller who was let in."""
        headers = {"Authorization": authorization} if authorization else {}
        request = urllib.request.Request(url, b"{}", headers, method="POST")
        with self.assertRaises(urllib.error.HTTPError) as caught:  # noqa: PT027 - needs no pytest
            urllib.request.urlopen(request, timeout=10)
        with caught.exception as error:
            return error.code

    def test_only_known_keys_are_let_in(self) -> None:
        url = self.serving(self.file)
        for header in (None, "Bearer", "Bearer wrong", f"Basic {'b' * 20}", f"Bearer {'b' * 19}"):
            assert self.ask(url, header) == 401, header
        assert self.ask(url, f"Bearer {'b' * 20}") == 503
        assert self.ask(url, f"bearer {'p' * 20}") == 503

    def test_a_revoked_key_is_refused_at_once(self) -> None:
        url = self.serving(self.file)
        assert self.ask(url, f"Bearer {'b' * 20}") == 503
        self.file.write_text(f"portal {'p' * 20}\n", encoding="utf-8")
        assert self.ask(url, f"Bearer {'b' * 20}") == 401

    def test_without_a_file_of_keys_everybody_is_answered(self) -> None:
        assert self.ask(self.serving(None), None) == 503

    def test_a_missing_or_malformed_file_stops_the_start(self) -> None:
        with self.assertRaises(OSError):  # noqa: PT027 - needs no pytest
            self.serve.Keys(str(self.file) + "-missing").load()
        self.file.write_text("branch short\n", encoding="utf-8")
        expected = "callers:1: expected a name and a key"
        with self.assertRaisesRegex(ValueError, expected):  # noqa: PT027 - needs no pytest
            self.serve.Keys(str(self.file)).load()


if __name__ == "__main__":
    unittest.main()
