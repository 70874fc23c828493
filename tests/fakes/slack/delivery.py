"""Deliveries from Slack to an app: form-encoded, signed with the v0 scheme."""

from __future__ import annotations

import hashlib
import hmac
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import urlencode

ACK_S = 3.0


@dataclass(frozen=True)
class Delivered:
    """The app's acknowledgement and how long it took; after 3 s people see `operation_timeout`."""

    status: int
    body: str
    seconds: float
    trigger_id: str = ""

    @property
    def in_time(self) -> bool:
        """Whether Slack would have taken it."""
        return self.status == 200 and self.seconds < ACK_S


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The value of X-Slack-Signature."""
    base = f"v0:{timestamp}:".encode() + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def send(
    url: str, secret: str, form: dict[str, str], *, timestamp: str | None = None, timeout_s: float
) -> Delivered:
    """One signed POST."""
    body = urlencode(form).encode()
    stamp = str(int(time.time())) if timestamp is None else timestamp
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": sign(secret, stamp, body),
    }
    return send_raw(url, body, headers, timeout_s=timeout_s, trigger_id=form.get("trigger_id", ""))


def send_raw(
    url: str, body: bytes, headers: dict[str, str], *, timeout_s: float = 30.0, trigger_id: str = ""
) -> Delivered:
    """One POST as it is, for forged and malformed ones."""
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    began = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            text, status = answer.read().decode(), answer.status
    except urllib.error.HTTPError as error:
        with error:
            text, status = error.read().decode(), error.code
    return Delivered(status, text, time.monotonic() - began, trigger_id)
