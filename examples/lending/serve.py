"""Serves the model over HTTP with nothing but the standard library and the model's own packages.

    GET  /healthz   200 while the process can answer
    GET  /readyz    200 once the model is loaded, 503 before that and while draining
    GET  /metrics   Prometheus text: prediction_count_total, prediction_errors_total,
                    prediction_latency_seconds
    POST /predict   {"rows": [{"pirat": 0.3, ...}]}
                    -> {"predictions": ["no"], "probabilities": [{"no": 0.9, "yes": 0.1}]}
    POST /explain   the same rows, up to 50 -> what each input does to the probability (explain.py);
                    not counted in /metrics, which are about predictions

With AUTH_TOKEN_FILE set (the manifest does), a POST wants `Authorization: Bearer KEY` with one of
the keys in that file, one a line as `name key`; without it everybody is answered. Each batch of
answers is one JSON line of the log `audit` on standard error: who, what, when, how many.

Environment: AUTH_TOKEN_FILE, MODEL_PATH (/model/model.joblib), MODEL_DIGEST (sha256:...; another
file is not served), POD_IP (address to bind, 0.0.0.0), PORT (8080), REVISION (answered in the
header x-holdpoint-revision), DRAIN_SECONDS (5: how long after SIGTERM the server still answers).
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from explain import Explainer  # type: ignore[import-not-found]

MAX_BODY = 1 << 20  # bytes
MAX_ROWS = 1000
LARGEST = 1e12  # of an input; no income, loan or rate is near it
MIN_KEY = 16  # characters
ANONYMOUS = "anonymous"
audit = logging.getLogger("audit")
Answer = Callable[[list[dict[str, object]]], dict[str, object]]
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)  # seconds


class RefusedError(Exception):
    """A request that is refused, in a sentence that the caller gets to read."""

    status = 400


class BadRequestError(RefusedError):
    """The caller's mistake."""


class UnknownCallerError(RefusedError):
    """A caller without a known key."""

    status = 401


class NotExplainedError(RefusedError):
    """The release came without what explanations are made with."""

    status = 501


class Keys:
    """The callers' keys, read anew for each request so that a key can be replaced or revoked."""

    def __init__(self, path: str | None) -> None:
        self._path = path

    def load(self) -> dict[str, bytes]:
        """Names and keys. Raises OSError, and ValueError naming the line, never the key."""
        keys: dict[str, bytes] = {}
        if not self._path:
            return keys
        with open(self._path, encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                parts = line.split()
                if not parts:
                    continue
                if len(parts) != 2 or len(parts[1]) < MIN_KEY:
                    raise ValueError(
                        f"{self._path}:{number}: expected a name and a key of at least "
                        f"{MIN_KEY} characters"
                    )
                keys[parts[0]] = parts[1].encode()
        return keys

    def caller(self, header: str) -> str:
        """Whose key an Authorization header carries. Raises UnknownCallerError."""
        if not self._path:
            return ANONYMOUS
        scheme, _, key = header.partition(" ")
        given = key.strip().encode("utf-8", "replace")
        names = [name for name, known in self.load().items() if hmac.compare_digest(known, given)]
        if not names or scheme.lower() != "bearer":
            raise UnknownCallerError("expected the header Authorization: Bearer KEY, a known key")
        return names[0]


class Metrics:
    """Counters of this process, safe to use from every request's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._errors = 0
        self._seconds = 0.0
        self._buckets = [0] * len(BUCKETS)

    def observe(self, seconds: float, failed: bool) -> None:
        """Counts one answered prediction request; `failed` means a 5xx answer."""
        with self._lock:
            self._count += 1
            self._errors += failed
            self._seconds += seconds
            for index, bound in enumerate(BUCKETS):
                self._buckets[index] += seconds <= bound

    def render(self) -> str:
        """The counters in Prometheus' text format."""
        with self._lock:
            buckets = "".join(
                f'prediction_latency_seconds_bucket{{le="{bound}"}} {count}\n'
                for bound, count in zip(BUCKETS, self._buckets, strict=True)
            )
            return (
                "# HELP prediction_count_total Prediction requests answered.\n"
                "# TYPE prediction_count_total counter\n"
                f"prediction_count_total {self._count}\n"
                "# HELP prediction_errors_total Prediction requests answered with 5xx.\n"
                "# TYPE prediction_errors_total counter\n"
                f"prediction_errors_total {self._errors}\n"
                "# HELP prediction_latency_seconds Time to answer a prediction request.\n"
                "# TYPE prediction_latency_seconds histogram\n"
                f"{buckets}"
                f'prediction_latency_seconds_bucket{{le="+Inf"}} {self._count}\n'
                f"prediction_latency_seconds_sum {self._seconds:.6f}\n"
                f"prediction_latency_seconds_count {self._count}\n"
            )


class Model:
    """The model file, loaded in the background so that the server answers from the start."""

    def __init__(self, path: str, digest: str | None) -> None:
        self._path = path
        self._digest = digest
        self._pipeline: Any = None
        self._explainer: Explainer | None = None
        self.numeric: dict[str, bool] = {}  # the model's own columns; True where it wants numbers

    @property
    def ready(self) -> bool:
        """Whether predictions can be made."""
        return self._pipeline is not None

    def load(self) -> None:
        """Reads the file once, compares its digest, and makes one prediction to warm up."""
        import joblib  # noqa: PLC0415 - scikit-learn takes a second; /healthz answers meanwhile

        with open(self._path, "rb") as file:
            payload = file.read()
        found = "sha256:" + hashlib.sha256(payload).hexdigest()
        if self._digest and found != self._digest:
            raise RuntimeError(f"{self._path} is {found}, this release is for {self._digest}")
        pipeline = joblib.load(io.BytesIO(payload))
        steps = pipeline.named_steps["columns"].transformers_
        numbers = next(columns for name, _, columns in steps if name == "numbers")
        self.numeric = {str(name): name in numbers for name in pipeline.feature_names_in_}
        blank: dict[str, object] = {
            name: 0.0 if is_number else "no" for name, is_number in self.numeric.items()
        }
        pipeline.predict_proba(self._frame([blank]))
        self._explainer = Explainer.beside(self._path, found)
        self._pipeline = pipeline

    def predict(self, rows: list[dict[str, object]]) -> dict[str, object]:
        """The label of each row and the probability of every label."""
        probabilities = self._pipeline.predict_proba(self._frame(rows))
        labels = [str(label) for label in self._pipeline.classes_]
        return {
            "predictions": [labels[int(row.argmax())] for row in probabilities],
            "probabilities": [
                dict(zip(labels, map(float, row), strict=True)) for row in probabilities
            ],
        }

    def explain(self, rows: list[dict[str, object]]) -> dict[str, object]:
        """What each input does to the probability of the last label. Raises RefusedError."""
        if self._explainer is None:
            raise NotExplainedError("this release has no importance.json that is of its model")
        if len(rows) > self._explainer.most_rows:
            raise BadRequestError(f"at most {self._explainer.most_rows} rows are explained at once")
        label = str(self._pipeline.classes_[-1])

        def chances(variants: list[dict[str, object]]) -> list[float]:
            return [float(row[-1]) for row in self._pipeline.predict_proba(self._frame(variants))]

        return {"label": label, **self._explainer.explain(rows, chances)}

    def _frame(self, rows: list[dict[str, object]]) -> Any:
        import pandas as pd  # noqa: PLC0415 - as above

        return pd.DataFrame(rows, columns=list(self.numeric))


def parse_rows(body: bytes, numeric: Mapping[str, bool]) -> list[dict[str, object]]:
    """The applications in a request's body. Raises BadRequestError naming the first thing wrong."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:  # the latter: nested too deeply
        raise BadRequestError(f"the body is not JSON: {error}") from error
    rows = document.get("rows") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_ROWS:
        raise BadRequestError(f'expected {{"rows": [...]}} with 1 to {MAX_ROWS} rows')
    return [_parse_row(index, row, numeric) for index, row in enumerate(rows)]


def _parse_row(index: int, row: object, numeric: Mapping[str, bool]) -> dict[str, object]:
    if not isinstance(row, dict):
        raise BadRequestError(f"row {index} is not an object")
    for name, is_number in numeric.items():
        if name not in row:
            raise BadRequestError(f"row {index} lacks {name!r}")
        value = row[name]
        wanted: tuple[type, ...] = (int, float, type(None)) if is_number else (str,)
        if not isinstance(value, wanted) or isinstance(value, bool):
            kind = "a number or null" if is_number else "a string"
            raise BadRequestError(f"row {index}: {name!r} must be {kind}")
        if isinstance(value, int | float) and not abs(value) <= LARGEST:  # NaN is refused as well
            raise BadRequestError(f"row {index}: {name!r} is not a number that can be used")
    return {name: row[name] for name in numeric}


class Server(ThreadingHTTPServer):
    """One thread a connection; knows how many requests are being answered."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(
        self, address: tuple[str, int], model: Model, revision: str, keys: Keys | None = None
    ) -> None:
        super().__init__(address, Handler)
        self.model = model
        self.keys = keys or Keys(None)
        self.revision = revision
        self.metrics = Metrics()
        self.draining = threading.Event()
        self._busy = 0
        self._idle = threading.Condition()

    def begin(self) -> None:
        """A request has come in."""
        with self._idle:
            self._busy += 1

    def end(self) -> None:
        """A request has been answered."""
        with self._idle:
            self._busy -= 1
            self._idle.notify_all()

    def drain(self, seconds: float) -> None:
        """Says 'not ready', answers for `seconds` more, then stops when no request is open."""
        self.draining.set()
        time.sleep(seconds)
        with self._idle:
            self._idle.wait_for(lambda: self._busy == 0, timeout=10)
        self.shutdown()


class Handler(BaseHTTPRequestHandler):
    """One connection; HTTP/1.1 with keep-alive."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet
    timeout = 75  # seconds an idle connection is kept
    server: Server

    def do_GET(self) -> None:
        """Health, readiness and metrics."""
        pages: Mapping[str, Callable[[], tuple[int, str]]] = {
            "/healthz": lambda: (200, "ok\n"),
            "/readyz": self._readiness,
            "/metrics": lambda: (200, self.server.metrics.render()),
        }
        page = pages.get(self.path)
        status, text = page() if page else (404, f"known are {', '.join(pages)}\n")
        self._answer(status, text.encode(), "text/plain; version=0.0.4; charset=utf-8")

    def do_POST(self) -> None:
        """Predictions, all of which are counted, 5xx answers as errors; and explanations."""
        self.server.begin()
        started = time.monotonic()
        status, explains = 500, self.path == "/explain"
        try:
            status, document = self._explain() if explains else self._predict()
            self._answer(status, json.dumps(document).encode(), "application/json")
        finally:
            if not explains:
                self.server.metrics.observe(time.monotonic() - started, failed=status >= 500)
            self.server.end()

    def _predict(self) -> tuple[int, dict[str, object]]:
        return self._ask("/predict", self.server.model.predict)

    def _explain(self) -> tuple[int, dict[str, object]]:
        return self._ask("/explain", self.server.model.explain)

    def _ask(self, path: str, answer: Answer) -> tuple[int, dict[str, object]]:
        what = path[1:]
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY:
            self.close_connection = True  # the body stays unread, so the connection is done for
            return 413, {"error": f"Content-Length of at most {MAX_BODY} bytes is required"}
        body = self.rfile.read(int(length))
        if self.path != path:
            return 404, {"error": "known are /predict and /explain"}
        model = self.server.model
        try:
            caller = self.server.keys.caller(self.headers.get("Authorization", ""))
            if not model.ready:
                return 503, {"error": "the model is not loaded yet"}
            rows = parse_rows(body, model.numeric)
            document = answer(rows)
        except RefusedError as error:
            return error.status, {"error": str(error)}
        except Exception as error:  # noqa: BLE001 - whatever the model raises is a 500, logged
            self.log_error("%s failed: %r", what, error)
            return 500, {"error": f"the answer failed ({what}); the server's log says why"}
        self._write_audit(what, caller, len(rows))
        return 200, document

    def _write_audit(self, what: str, caller: str, rows: int) -> None:
        """Who asked what, when, how much, and which revision answered; never what they sent."""
        line = {"audit": what, "time": time.time(), "caller": caller, "rows": rows}
        audit.info(json.dumps({**line, "revision": self.server.revision}))

    def _readiness(self) -> tuple[int, str]:
        if self.server.draining.is_set():
            return 503, "draining\n"
        return (200, "ready\n") if self.server.model.ready else (503, "loading the model\n")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        if self.server.draining.is_set():
            self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-holdpoint-revision", self.server.revision)
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Answers are counted in /metrics; a line for each would drown the errors."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """One JSON line on standard error."""
        line = {"time": time.time(), "message": format % args, "path": getattr(self, "path", None)}
        print(json.dumps(line), file=sys.stderr, flush=True)


def load_or_exit(model: Model) -> None:
    """Ends the process when the model cannot be loaded, so that the platform restarts it."""
    try:
        model.load()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the file, say it and stop
        print(json.dumps({"message": f"cannot load the model: {error!r}"}), file=sys.stderr)
        sys.stderr.flush()
        os._exit(1)


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    environment = os.environ
    model = Model(
        environment.get("MODEL_PATH", "/model/model.joblib"), environment.get("MODEL_DIGEST")
    )
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    keys = Keys(environment.get("AUTH_TOKEN_FILE"))
    keys.load()  # a file that is missing or malformed stops the start, not the first request
    address = (environment.get("POD_IP") or "0.0.0.0", int(environment.get("PORT", "8080")))
    server = Server(address, model, environment.get("REVISION", ""), keys)
    seconds = float(environment.get("DRAIN_SECONDS", "5"))

    def stop(_signal: int, _frame: object) -> None:
        threading.Thread(target=server.drain, args=(seconds,), daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    threading.Thread(target=load_or_exit, args=(model,), daemon=True).start()
    host, port = server.server_address[:2]
    print(json.dumps({"message": "listening", "address": f"{host!s}:{port}"}), flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()


if __name__ == "__main__":
    main()
