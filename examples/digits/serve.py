"""Serves the network over HTTP: POST /predict {"rows": [[64 numbers], ...]}, GET /readyz."""

from __future__ import annotations

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import torch
from network import Network, make  # type: ignore[import-not-found]
from safetensors.torch import load_file

MAX_BODY = 1 << 20  # bytes


def load(path: str) -> Network:
    """The network with its weights."""
    network = make()
    network.load_state_dict(load_file(path))
    return network.eval()


def parse(body: bytes) -> torch.Tensor:
    """The rows of a request, shape (rows, 64). Raises ValueError."""
    try:
        rows = torch.tensor(json.loads(body)["rows"], dtype=torch.float32)
    except (TypeError, KeyError, RuntimeError) as error:
        raise ValueError('expected {"rows": [[64 numbers], ...]}') from error
    if rows.ndim != 2 or rows.shape[1] != 64 or not ((rows >= 0) & (rows <= 16)).all():
        raise ValueError("each row needs 64 grey values from 0 to 16")
    return rows


class Handler(BaseHTTPRequestHandler):
    """One request."""

    network: Network

    def do_GET(self) -> None:
        """Readiness."""
        self.say(200 if self.path == "/readyz" else 404, {"ready": True})

    def do_POST(self) -> None:
        """Predictions for a batch of pictures."""
        size = int(self.headers.get("content-length") or 0)
        if self.path != "/predict" or size > MAX_BODY:
            self.say(404, {"error": "POST at most 1 MiB to /predict"})
            return
        try:
            rows = parse(self.rfile.read(size))
        except ValueError as error:
            self.say(400, {"error": str(error)})
            return
        with torch.inference_mode():
            self.say(200, {"predictions": self.network(rows).argmax(1).tolist()})

    def say(self, status: int, body: dict[str, object]) -> None:
        """A JSON answer."""
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def main() -> None:
    """Loads and serves until it is ended."""
    Handler.network = load(os.environ.get("MODEL_PATH", "model/model.safetensors"))
    ThreadingHTTPServer(("", int(os.environ.get("PORT", "8080"))), Handler).serve_forever()


if __name__ == "__main__":
    main()
