"""Requests that are answered and requests that are refused, over a real socket."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
import serve  # type: ignore[import-not-found]

ROOT = Path(__file__).resolve().parents[1]
ROW = {"age": 59, "sex": 2, "bmi": 32.1, "bp": 101, "s1": 157, "s2": 93.2, "s3": 38, "s4": 4,
       "s5": 4.86, "s6": 87}  # fmt: skip


@pytest.fixture
def url() -> Iterator[str]:
    serve.Handler.model = serve.Model(str(ROOT / "model" / "model.onnx"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), serve.Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/predict"
    server.shutdown()
    server.server_close()


def post(url: str, body: object, key: str = "") -> tuple[int, dict[str, object]]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"x-api-key": key})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_row_is_answered(url: str) -> None:
    status, body = post(url, {"rows": [ROW]})
    assert status == 200
    assert 50 < body["predictions"][0] < 350  # type: ignore[index]


@pytest.mark.parametrize("body", [[], {"rows": []}, {"rows": [{"age": 1}]},
                                  {"rows": [ROW | {"bmi": "high"}]}])  # fmt: skip
def test_what_is_no_request_is_refused(url: str, body: object) -> None:
    assert post(url, body)[0] == 400


def test_without_the_key_nobody_is_answered(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "the-key-of-the-test")
    assert post(url, {"rows": [ROW]})[0] == 401
    assert post(url, {"rows": [ROW]}, "the-key-of-the-test")[0] == 200
