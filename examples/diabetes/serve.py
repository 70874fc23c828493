"""Serves the graph over HTTP: POST /predict {"rows": [{"age": 59, ...}]}, GET /readyz, /metrics.

Environment: MODEL_PATH (model/model.onnx), PORT (8080), API_KEY (without it everybody is answered).
"""

from __future__ import annotations

import hmac
import json
import logging
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import onnxruntime

MAX_BODY = 1 << 20  # bytes
MAX_ROWS = 1000
FEATURES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
audit = logging.getLogger("audit")


class Refused(ValueError):  # noqa: N818 - an answer for the caller
    """What is wrong with a request, in words for the caller."""


class Model:
    """The graph, and what was counted about it."""

    def __init__(self, path: str) -> None:
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        self.lock, self.count, self.errors, self.seconds = threading.Lock(), 0, 0, 0.0

    def predict(self, rows: list[dict[str, float]]) -> list[float]:
        """One number a row: disease progression after a year."""
        feed = {name: np.array([[row[name]] for row in rows], np.float32) for name in FEATURES}
        return [float(each) for each in self.session.run(None, feed)[0].ravel()]

    def observe(self, seconds: float, failed: bool) -> None:
        """Counts one request."""
        with self.lock:
            self.count, self.errors = self.count + 1, self.errors + failed
            self.seconds += seconds

    def metrics(self) -> str:
        """The counters in Prometheus' text format."""
        return (
            f"# TYPE prediction_count_total counter\nprediction_count_total {self.count}\n"
            f"# TYPE prediction_errors_total counter\nprediction_errors_total {self.errors}\n"
            "# TYPE prediction_latency_seconds summary\n"
            f"prediction_latency_seconds_sum {self.seconds}\n"
            f"prediction_latency_seconds_count {self.count}\n"
        )


def parse(body: bytes) -> list[dict[str, float]]:
    """The rows of a request. Raises Refused."""
    try:
        rows = json.loads(body)["rows"]
    except (ValueError, KeyError, TypeError) as error:
        raise Refused('expected {"rows": [...]}') from error
    if not isinstance(rows, list) or not 0 < len(rows) <= MAX_ROWS:
        raise Refused(f"expected 1 to {MAX_ROWS} rows")
    for row in rows:
        if not isinstance(row, dict) or set(row) != set(FEATURES):
            raise Refused(f"each row needs exactly {', '.join(FEATURES)}")
        for name, value in row.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e6:
                raise Refused(f"{name} is no number that can be true")
    return rows


class Handler(BaseHTTPRequestHandler):
    """One request."""

    model: Model

    def do_GET(self) -> None:
        """Readiness and metrics."""
        known = {"/readyz": "ready\n", "/healthz": "ok\n", "/metrics": self.model.metrics()}
        text = known.get(self.path)
        self.answer(200 if text else 404, (text or "not found\n").encode(), "text/plain")

    def do_POST(self) -> None:
        """Predictions."""
        started, key = time.perf_counter(), os.environ.get("API_KEY", "")
        given = self.headers.get("x-api-key", "")
        if key and not hmac.compare_digest(given.encode(), key.encode()):
            self.say(401, {"error": "the header x-api-key holds no known key"})
            return
        size = int(self.headers.get("content-length") or 0)
        if self.path != "/predict" or size > MAX_BODY:
            self.say(404 if self.path != "/predict" else 413, {"error": "not here"})
            return
        try:
            rows = parse(self.rfile.read(size))
        except Refused as error:
            self.say(400, {"error": str(error)})
            return
        failed = False
        try:
            self.say(200, {"predictions": self.model.predict(rows)})
            audit.info(json.dumps({"caller": self.client_address[0], "rows": len(rows)}))
        except Exception:
            failed = True
            logging.exception("prediction failed")
            self.say(500, {"error": "the model failed"})
        self.model.observe(time.perf_counter() - started, failed)

    def say(self, status: int, body: dict[str, Any]) -> None:
        """A JSON answer."""
        self.answer(status, json.dumps(body).encode(), "application/json")

    def answer(self, status: int, body: bytes, kind: str) -> None:
        """Any answer."""
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Loads and serves until it is ended."""
    logging.basicConfig(level=logging.INFO, format='{"at": "%(asctime)s", "said": %(message)s}')
    Handler.model = Model(os.environ.get("MODEL_PATH", "model/model.onnx"))
    ThreadingHTTPServer(("", int(os.environ.get("PORT", "8080"))), Handler).serve_forever()


if __name__ == "__main__":
    main()
