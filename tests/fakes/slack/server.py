"""The HTTP server of the fake, its faults, and the deliveries it sends."""

from __future__ import annotations

import itertools
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.slack import delivery
from tests.fakes.slack.methods import METHODS, answer_response
from tests.fakes.slack.socketmode import SocketServer
from tests.fakes.slack.workspace import Refused, Whisper, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

LIMITED = frozenset({"chat.postMessage", "chat.update", "chat.postEphemeral"})
LARGEST_BODY = 1 << 20


@dataclass(frozen=True)
class Request:
    """One call of the Web API or of a response URL, and what it was answered."""

    method: str
    arguments: dict[str, Any]
    status: int
    answer: dict[str, Any]
    at: float


@dataclass
class Faults:
    """What goes wrong. `failing` maps a method to an error code, `stuck` to 429 without end."""

    rate_limited: bool = False
    interval_s: float = 1.0
    failing: dict[str, str] = field(default_factory=dict)
    stuck: set[str] = field(default_factory=set)
    retry_after_s: int = 1


class FakeSlack:
    """See the package's docstring."""

    token = "xoxb-fake-token"
    app_token = "xapp-fake-token"
    secret = "fake-signing-secret"

    def __init__(self) -> None:
        self.workspace = Workspace()
        self.sockets = SocketServer()
        self.workspace.socket_url = self.sockets.url
        self.faults = Faults()
        self.requests: list[Request] = []
        self._triggers = itertools.count(1)
        self._last: dict[str, float] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._serve))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def api_url(self) -> str:
        """The base of the Web API's methods."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/api/"

    def start(self) -> Self:
        """Begins to serve."""
        self._thread.start()
        self.sockets.start()
        return self

    def stop(self) -> None:
        """Ends."""
        self.sockets.stop()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def deliver_command(
        self,
        url: str,
        text: str,
        *,
        user: str = "U1",
        channel: str = "C1",
        team: str | None = None,
        command: str = "/deploy",
        trigger_id: str | None = None,
        timestamp: str | None = None,
        timeout_s: float = 30.0,
    ) -> delivery.Delivered:
        """Somebody typed the slash command. The same `trigger_id` again is the same delivery."""
        form = {
            "command": command,
            "text": text,
            "channel_id": channel,
            "channel_name": "fake",
            **self._common(user, channel, team, trigger_id),
        }
        sent = delivery.send(url, self.secret, form, timestamp=timestamp, timeout_s=timeout_s)
        self._hear(sent, channel, user)
        return sent

    def deliver_by_socket(
        self,
        text: str,
        *,
        user: str = "U1",
        channel: str = "C1",
        trigger_id: str | None = None,
        timeout_s: float = 30.0,
    ) -> delivery.Delivered:
        """The slash command as an envelope on one of the open sockets, and its acknowledgement."""
        common = self._common(user, channel, None, trigger_id)
        payload = {
            "command": "/deploy",
            "text": text,
            "channel_id": channel,
            "channel_name": "fake",
            **common,
        }
        began = time.monotonic()
        ack = self.sockets.deliver("slash_commands", payload, timeout_s)
        body = json.dumps(ack["payload"]) if ack and "payload" in ack else ""
        status = 200 if ack is not None else 0
        sent = delivery.Delivered(status, body, time.monotonic() - began, common["trigger_id"])
        self._hear(sent, channel, user)
        return sent

    def deliver_action(
        self,
        url: str,
        action_id: str,
        value: str,
        *,
        user: str = "U1",
        channel: str = "C1",
        message_ts: str = "",
        team: str | None = None,
        trigger_id: str | None = None,
        timestamp: str | None = None,
        timeout_s: float = 30.0,
    ) -> delivery.Delivered:
        """Somebody pressed a button of a message."""
        common = self._common(user, channel, team, trigger_id)
        payload = {
            "type": "block_actions",
            "team": {"id": common["team_id"]},
            "user": {"id": user, "team_id": common["team_id"]},
            "channel": {"id": channel},
            "container": {"type": "message", "message_ts": message_ts, "channel_id": channel},
            "trigger_id": common["trigger_id"],
            "response_url": common["response_url"],
            "api_app_id": common["api_app_id"],
            "actions": [{"type": "button", "action_id": action_id, "value": value}],
        }
        form = {"payload": json.dumps(payload)}
        sent = delivery.send(url, self.secret, form, timestamp=timestamp, timeout_s=timeout_s)
        return delivery.Delivered(sent.status, sent.body, sent.seconds, common["trigger_id"])

    def _common(
        self, user: str, channel: str, team: str | None, trigger_id: str | None
    ) -> dict[str, str]:
        made = f"{int(time.time())}.{next(self._triggers)}.{'f' * 16}"
        base = self.api_url.removesuffix("/api/")
        return {
            "token": "deprecated",
            "team_id": team or self.workspace.team,
            "team_domain": "fake",
            "user_id": user,
            "user_name": user.lower(),
            "api_app_id": "A0001",
            "is_enterprise_install": "false",
            "response_url": f"{base}/response/{self.workspace.new_response(channel, user)}",
            "trigger_id": trigger_id or made,
        }

    def _hear(self, sent: delivery.Delivered, channel: str, user: str) -> None:
        """A text in the acknowledgement is shown to whoever typed the command."""
        if not sent.in_time or not sent.body:
            return
        plain: dict[str, Any] = {"text": sent.body}
        said = json.loads(sent.body) if sent.body.startswith("{") else plain
        whisper = Whisper("ack", channel, user, said.get("text", ""), said.get("blocks", []))
        with self.workspace.lock:
            self.workspace.whispers.append(whisper)

    def _serve(
        self, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        arguments = _arguments(path, headers, body)
        if path.startswith("/response/"):
            return self._response(path.removeprefix("/response/"), arguments)
        method = urlsplit(path).path.removeprefix("/api/")
        status, answer, more = self._call(method, headers, arguments)
        self.requests.append(Request(method, arguments, status, answer, time.monotonic()))
        return status, more, json.dumps(answer).encode()

    def _call(
        self, method: str, headers: dict[str, str], arguments: dict[str, Any]
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        token = self.app_token if method == "apps.connections.open" else self.token
        if headers.get("authorization") != f"Bearer {token}":
            return 200, {"ok": False, "error": "invalid_auth"}, {}
        if method not in METHODS:
            return 200, {"ok": False, "error": "unknown_method"}, {}
        if method in self.faults.stuck or self._too_fast(method, arguments):
            wait = {"Retry-After": str(self.faults.retry_after_s)}
            return 429, {"ok": False, "error": "ratelimited"}, wait
        if method in self.faults.failing:
            return 200, {"ok": False, "error": self.faults.failing[method]}, {}
        try:
            with self.workspace.lock:
                return 200, {"ok": True, **METHODS[method](self.workspace, arguments)}, {}
        except Refused as refused:
            return 200, {"ok": False, "error": refused.code, **refused.more}, {}

    def _too_fast(self, method: str, arguments: dict[str, Any]) -> bool:
        if not self.faults.rate_limited or method not in LIMITED:
            return False
        channel, now = str(arguments.get("channel")), time.monotonic()
        with self.workspace.lock:
            if now - self._last.get(channel, float("-inf")) < self.faults.interval_s:
                return True
            self._last[channel] = now
        return False

    def _response(self, token: str, arguments: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        try:
            answer_response(self.workspace, token, arguments)
        except Refused as refused:
            answer = {"ok": False, "error": refused.code}
            self.requests.append(Request("response_url", arguments, 404, answer, time.monotonic()))
            return 404, {}, json.dumps(answer).encode()
        self.requests.append(
            Request("response_url", arguments, 200, {"ok": True}, time.monotonic())
        )
        return 200, {}, b"ok"


def _arguments(path: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """Slack takes JSON, forms and query strings alike."""
    arguments: dict[str, Any] = dict(parse_qsl(urlsplit(path).query, keep_blank_values=True))
    if headers.get("content-type", "").startswith("application/json"):
        sent = json.loads(body or b"{}")
        return {**arguments, **sent} if isinstance(sent, dict) else arguments
    return {**arguments, **dict(parse_qsl(body.decode(), keep_blank_values=True))}


def _handler(
    serve: Callable[[str, dict[str, str], bytes], tuple[int, dict[str, str], bytes]],
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = min(int(self.headers.get("Content-Length") or 0), LARGEST_BODY)
            body = self.rfile.read(length)
            headers = {key.lower(): value for key, value in self.headers.items()}
            status, more, answer = serve(self.path, headers, body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(answer)))
            for key, value in more.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(answer)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            """Quiet: `requests` is the log."""

    return Handler
