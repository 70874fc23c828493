"""A model's service for the tests, as light as can be: the standard library only.

Runs as a pod's process. It counts as the contract says, and can be told to fail, which a real
service cannot: POST /fault {"rate": 0.2, "slow": 0}. A failed answer that was asked for carries
the header x-holdpoint-fault.
"""

import json
import os
import random
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REVISION = os.environ.get("REVISION", "")
LOCK = threading.Lock()
COUNTS = {"requests": 0, "errors": 0}
FAULT = {"rate": float(os.environ.get("FAULT_RATE", "0"))}
PAGE = """# TYPE prediction_count_total counter
prediction_count_total {requests}
# TYPE prediction_errors_total counter
prediction_errors_total {errors}
"""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one segment
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path == "/metrics":
            with LOCK:
                self.answer(200, PAGE.format(**COUNTS))
        elif self.path in {"/healthz", "/readyz"}:
            self.answer(200, "ok\n")
        else:
            self.predict()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/fault":
            FAULT["rate"] = float(json.loads(body)["rate"])
            self.answer(200, "told\n")
        else:
            self.predict()

    def predict(self) -> None:
        failed = random.random() < FAULT["rate"]
        with LOCK:
            COUNTS["requests"] += 1
            COUNTS["errors"] += int(failed)
        if failed:
            self.answer(500, "told to fail\n", fault=True)
        else:
            self.answer(200, '{"predictions": [1]}\n')

    def answer(self, status: int, text: str, *, fault: bool = False) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-holdpoint-revision", REVISION)
        if fault:
            self.send_header("x-holdpoint-fault", "1")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


def main() -> None:
    server = Server(
        (os.environ.get("POD_IP", "0.0.0.0"), int(os.environ.get("PORT", "8080"))), Handler
    )

    def end(*_: object) -> None:
        time.sleep(float(os.environ.get("LINGER", "0.5")))  # gateways notice late
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, end)
    sys.stderr.write(f"serving as {REVISION}\n")
    server.serve_forever()


if __name__ == "__main__":
    main()
