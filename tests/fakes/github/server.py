"""The HTTP side of the fake: reads a request, holds it against the description, answers.

`Exchange` is the part without sockets. A request or an answer that breaks GitHub's description is
answered with 500 and kept in `violations`; the pytest fixture fails the test for it.
"""

from __future__ import annotations

import json
import socket
import threading
import urllib.parse
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.fakes.github import gitserver
from tests.fakes.github.routing import Answer, Call, RefusedError, Route

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.github.faults import Fault, Faults
    from tests.fakes.github.state import State, Token
    from tests.fakes.github.validator import Validator

LARGEST_BODY = 4 << 20


@dataclass(frozen=True)
class Request:
    """One line of the request log. `status` is 0 where the connection was cut."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    login: str
    status: int


@dataclass(frozen=True)
class Incoming:
    """What a request holds. `target` is path and query as sent; `token` is "" where none came."""

    method: str
    target: str
    agent: str
    token: str
    body: Any

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        text = self.target.partition("?")[2]
        return dict(urllib.parse.parse_qsl(text, keep_blank_values=True))


class Exchange:
    """Answers requests from the state; everything that is not HTTP."""

    def __init__(
        self, state: State, routes: list[Route], validator: Validator, faults: Faults
    ) -> None:
        self.state = state
        self.faults = faults
        self.url = ""
        self.requests: list[Request] = []
        self.violations: list[str] = []
        self.folders: dict[str, Path] = {}  # of repositories that git may fetch from
        self.lock = threading.RLock()
        self._routes = routes
        self._validator = validator

    def answer(self, incoming: Incoming) -> Answer | None:
        """The answer, or None where a fault cuts the connection. Takes one request at a time."""
        with self.lock:
            token = self.state.tokens.get(incoming.token)
            fault = self.faults.next(incoming.method, incoming.path)
            answer = self._act(incoming, token, fault)
            cut = fault is not None and fault.reset
            self.requests.append(
                Request(
                    method=incoming.method,
                    path=incoming.path,
                    query=incoming.query,
                    body=incoming.body,
                    login=token.identity.login if token else "",
                    status=0 if cut else answer.status,
                )
            )
        return None if cut else answer

    def _act(self, incoming: Incoming, token: Token | None, fault: Fault | None) -> Answer:
        failed = _error(fault.status, fault.message, fault.headers) if fault else None
        if failed and fault and not fault.commit:
            return failed
        if not incoming.agent:
            return _error(403, "Request forbidden by administrative rules. User-Agent is missing.")
        if token is None:
            return _error(401, "Bad credentials" if incoming.token else "Requires authentication")
        moved = self._moved(incoming)
        if moved is not None:
            return moved
        found = self._find(incoming.method, urllib.parse.unquote(incoming.path))
        if found is None:
            return self._violation(f"the fake has no route {incoming.method} {incoming.target}")
        route, path = found
        call = Call(
            state=self.state,
            token=token,
            url=self.url,
            target=incoming.target,
            path=path,
            query=incoming.query,
            body=incoming.body,
        )
        answer = self._checked(route, call)
        return failed or answer

    def _moved(self, incoming: Incoming) -> Answer | None:
        """The redirect from a repository's former name; tokens, as on GitHub, stay valid."""
        for old, new in self.state.renamed.items():
            prefix = f"/repos/{old}"
            if incoming.path.lower() == prefix or incoming.path.lower().startswith(f"{prefix}/"):
                place = f"{self.url}/repos/{new}{incoming.target[len(prefix) :]}"
                body = {"message": "Moved Permanently", "url": place}
                return Answer(301, body, {"Location": place})
        return None

    def _find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        for route in self._routes:
            path_parameters = route.match(method, path)
            if path_parameters is not None:
                return route, path_parameters
        return None

    def _checked(self, route: Route, call: Call) -> Answer:
        wrong = self._validator.request(route.name, call.path, call.query, call.body)
        if wrong:
            return self._violation(f"request {route.name}: {'; '.join(wrong)}")
        try:
            _permit(route, call)
            answer = route.handle(call)
        except RefusedError as refusal:
            return Answer(refusal.status, refusal.body)
        completed = self._validator.completed(route.name, answer.status, answer.body)
        wrong = self._validator.response(route.name, answer.status, completed)
        if wrong:
            return self._violation(f"answer of {route.name}: {'; '.join(wrong)}")
        return Answer(answer.status, completed, answer.headers)

    def _violation(self, sentence: str) -> Answer:
        self.violations.append(sentence)
        return _error(500, f"the fake GitHub: {sentence}")


def _permit(route: Route, call: Call) -> None:
    needs = [need.split(":") for need in route.needs]
    if needs and not any(call.token.allows(scope, level) for scope, level in needs):
        public = "owner" in call.path and not call.repository.private
        if not (public and any(level == "read" for _, level in needs)):
            raise RefusedError(403, "Resource not accessible by integration")


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, {"message": message}, headers or {})


class Handler(BaseHTTPRequestHandler):
    """Moves bytes between a socket and the exchange."""

    protocol_version = "HTTP/1.1"
    server: Server

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY:
            self.send_error(413)
            return
        raw = self.rfile.read(length)
        if gitserver.wanted(self.path.partition("?")[0]):
            self._serve_git(raw)
            return
        answer = self.server.exchange.answer(
            Incoming(
                method=self.command,
                target=self.path,
                agent=self.headers.get("User-Agent", ""),
                token=self.headers.get("Authorization", "").rpartition(" ")[2],
                body=json.loads(raw) if raw else None,
            )
        )
        if answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        payload = b"" if answer.body is None else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def _serve_git(self, raw: bytes) -> None:
        path, _, query = self.path.partition("?")
        exchange = self.server.exchange
        request = gitserver.GitRequest(
            method=self.command,
            path=path,
            query=query,
            kind=self.headers.get("Content-Type", ""),
            protocol=self.headers.get("Git-Protocol", ""),
            authorization=self.headers.get("Authorization", ""),
            body=raw,
        )
        answer = gitserver.answer(exchange.state, exchange.folders, request)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """The request log is kept by the exchange; the terminal stays quiet."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host: str, exchange: Exchange) -> None:
        super().__init__((host, 0), Handler)
        self.exchange = exchange
        exchange.url = f"http://{host}:{self.server_port}"
