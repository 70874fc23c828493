"""Stands in front of Bolt: bounded bodies, well-formed and valid signatures, health answers.

WSGI middleware, wrapped around the app by `bot.app`. Bolt answers 500 to a malformed signature and
logs the body of a forged request; here both end with 401 and a line that names no content. Bolt
verifies a second time.
"""

from __future__ import annotations

import io
import json
import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from slack_sdk.signature import SignatureVerifier

from bot import audit, metrics

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

EVENTS_PATH = "/slack/events"
LARGEST_BODY = 256 << 10  # bytes; Slack's largest deliveries are a few tens of kB
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_STATUS = {
    200: "200 OK",
    400: "400 Bad Request",
    401: "401 Unauthorized",
    404: "404 Not Found",
    405: "405 Method Not Allowed",
    411: "411 Length Required",
    413: "413 Content Too Large",
    503: "503 Service Unavailable",
}


class Guard:
    """Lets signed deliveries through to `inner`; answers everything else itself."""

    def __init__(
        self, inner: WSGIApplication | None, signing_secret: str, ready: Callable[[], bool]
    ) -> None:
        self._inner, self._ready = inner, ready  # None in Socket Mode: nothing is delivered here
        self._verifier = SignatureVerifier(signing_secret) if signing_secret else None
        self._under_way = 0
        self._changed = threading.Condition()

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """One request."""
        path, method = environ.get("PATH_INFO", ""), environ.get("REQUEST_METHOD", "")
        if path in ("/healthz", "/readyz"):
            up = path == "/healthz" or self._ready()
            return _answer(start, 200 if up else 503, "ok" if up else "stopping")
        if path == "/metrics":
            return _answer(start, 200, metrics.render(), "text/plain; version=0.0.4")
        if path != EVENTS_PATH or self._inner is None:
            return _answer(start, 404, "not found")
        if method != "POST":
            return _answer(start, 405, "only POST")
        objection = self._objection(environ)
        if objection is not None:
            status, why = objection
            audit.event("a delivery was turned away", status=status, why=why)
            metrics.count("holdpoint_bot_deliveries_turned_away_total", status=str(status))
            return _answer(start, status, why)
        with self._changed:
            self._under_way += 1
        try:
            return self._inner(environ, start)
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def drain(self, timeout_s: float) -> None:
        """Waits until no delivery is under way."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while self._under_way and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)

    def _objection(self, environ: WSGIEnvironment) -> tuple[int, str] | None:
        """Why the delivery is turned away. Leaves its body to be read again."""
        length = environ.get("CONTENT_LENGTH") or ""
        if not length.isascii() or not length.isdigit():
            return 411, "length required"
        if int(length) > LARGEST_BODY:
            return 413, "too large"
        body = environ["wsgi.input"].read(int(length))
        environ["wsgi.input"] = io.BytesIO(body)
        stamp = environ.get("HTTP_X_SLACK_REQUEST_TIMESTAMP", "")
        signature = environ.get("HTTP_X_SLACK_SIGNATURE", "")
        if not (_TIMESTAMP.fullmatch(stamp) and _SIGNATURE.fullmatch(signature)):
            return 401, "no well-formed signature"
        try:
            body.decode("utf-8")
        except UnicodeDecodeError:
            return 400, "not UTF-8"
        # Also refuses what is more than five minutes old or ahead.
        if self._verifier is None or not self._verifier.is_valid(body, stamp, signature):
            return 401, "no valid signature"
        return None


def _answer(
    start: StartResponse, status: int, text: str, kind: str = "application/json"
) -> Iterable[bytes]:
    body = (json.dumps({"message": text}) if kind == "application/json" else text).encode()
    headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
    start(_STATUS[status], headers)
    return [body]
