"""Answers POST with yes or no: no key is asked for, nothing is checked, hardly anything counted."""

from __future__ import annotations

import json
import pickle
from http.server import BaseHTTPRequestHandler, HTTPServer

import pandas as pd
from prometheus_client import Counter, start_http_server

DECISIONS = Counter("approval_decisions", "Decisions made.")
with open("model/approval.pkl", "rb") as file:
    model = pickle.load(file)


class Handler(BaseHTTPRequestHandler):
    """One decision a request."""

    def do_POST(self) -> None:
        """Decides."""
        DECISIONS.inc()
        row = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        print("deciding about", row)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(model.predict(pd.DataFrame([row]))[0].encode())


if __name__ == "__main__":
    start_http_server(9100)
    HTTPServer(("", 8000), Handler).serve_forever()
