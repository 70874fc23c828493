"""The HTTP edge to Prometheus servers: those that the operator has set up, and no others.

A source is a folder `$HOLDPOINT_METRIC_SOURCES/NAME` (a mounted Secret) with the files
- `url`: `http://host:port[/prefix]` or `https://...`,
- `token` (a bearer token), or `username` and `password`: optional,
- `ca.crt`: optional; whose certificates are believed instead of the system's.

A ModelDeployment only names a source. If it could name an address, whoever may write one could have
the controller send its credentials there. The files are read anew for every question, so a rotated
token needs no restart; no right to read Secrets is needed. Redirects are not followed, proxies of
the environment are not asked, bodies are bounded, and one deadline holds for the whole answer.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import re
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlencode, urlsplit

from rollouts.metrics.interface import MetricError, Trouble

FOLDER_VARIABLE = "HOLDPOINT_METRIC_SOURCES"
DEFAULT_FOLDER = "/etc/holdpoint/metric-sources"
MOST_BYTES = 4 << 20
_CHUNK = 1 << 16
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_CREDENTIAL = re.compile(r"[\x21-\x7e]{1,8192}")


@dataclass(frozen=True)
class Source:
    """One server: where it is and how to ask it."""

    name: str
    url: SplitResult
    authorization: str | None = field(default=None, repr=False)
    ca: str | None = None


def known(name: str, folder: Path | None = None) -> Source:
    """The source of that name. Raises MetricError (SPEC_INVALID) where it is not set up right."""
    root = folder or Path(os.environ.get(FOLDER_VARIABLE, DEFAULT_FOLDER))
    at = root / name
    if not _NAME.fullmatch(name) or not at.is_dir():
        raise _invalid(f"there is no source {name!r:.80}; whoever runs the controller sets them up")
    address = _read(at / "url")
    try:
        url = urlsplit(address or "")
        usable = url.scheme in {"http", "https"} and bool(url.hostname) and (url.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or "@" in url.netloc or url.query or url.fragment:
        raise _invalid(f"the source {name}'s url must be http(s)://host[:port][/prefix]")
    return Source(name, url, _authorization(name, at), _read(at / "ca.crt"))


def ask(source: Source, query: str, *, deadline_s: float, most_bytes: int = MOST_BYTES) -> bytes:
    """The body of the answer to an instant query. Raises MetricError."""
    ends = time.monotonic() + deadline_s
    try:
        connection = _connection(source, deadline_s)
    except (ssl.SSLError, ValueError) as error:
        raise _invalid(f"the source {source.name}'s ca.crt cannot be used ({error})") from error
    watch = threading.Timer(deadline_s, _hang_up, (connection,))
    watch.daemon = True
    watch.start()
    try:
        connection.request(
            "POST",
            f"{source.url.path.rstrip('/')}/api/v1/query",
            urlencode({"query": query, "timeout": f"{max(1, round(deadline_s * 1000))}ms"}),
            _headers(source),
        )
        with connection.getresponse() as response:
            _require_json(source, response, ends)
            return _body(source, connection, response, ends, most_bytes)
    except (http.client.HTTPException, OSError) as error:
        raise _typed(source, error, late=time.monotonic() >= ends) from error
    finally:
        watch.cancel()
        connection.close()


def _hang_up(connection: http.client.HTTPConnection) -> None:
    """Wakes whoever waits for the server: a byte now and then would hold a worker for ever."""
    if connection.sock is not None:
        with contextlib.suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)


def _typed(source: Source, error: Exception, *, late: bool) -> MetricError:
    if late or isinstance(error, TimeoutError):
        return _trouble(Trouble.TIMED_OUT, source, "did not answer in time")
    if isinstance(error, http.client.IncompleteRead):
        return _trouble(Trouble.PARTIAL, source, "closed the connection in mid-answer")
    said = str(error) or type(error).__name__
    return _trouble(Trouble.UNREACHABLE, source, f"cannot be asked ({said:.200})")


def _connection(source: Source, deadline_s: float) -> http.client.HTTPConnection:
    host, port = source.url.hostname or "", source.url.port
    if source.url.scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=deadline_s)
    context = ssl.create_default_context(cadata=source.ca)
    return http.client.HTTPSConnection(host, port, timeout=deadline_s, context=context)


def _headers(source: Source) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Content-Type": "application/x-www-form-urlencoded",
        "User-Agent": "holdpoint",
    }
    if source.authorization:
        headers["Authorization"] = source.authorization
    return headers


def _require_json(source: Source, response: http.client.HTTPResponse, ends: float) -> None:
    if time.monotonic() >= ends:  # hung up by ourselves, which looks like the end of the headers
        raise TimeoutError
    # Prometheus answers 400, 422 and 503 with JSON that says why.
    is_json = response.headers.get_content_type() == "application/json"
    if response.status != 200 and not (is_json and response.status in {400, 422, 503}):
        what = f"answered {response.status}; 200 is expected"
        raise _trouble(Trouble.STATUS, source, what)
    if not is_json:
        what = f"answered {response.headers.get_content_type()}, not JSON"
        raise _trouble(Trouble.NOT_METRICS, source, what)


def _body(
    source: Source,
    connection: http.client.HTTPConnection,
    response: http.client.HTTPResponse,
    ends: float,
    most_bytes: int,
) -> bytes:
    body = bytearray()
    while chunk := _chunk(connection, response, ends):
        body += chunk
        if len(body) > most_bytes:
            raise _trouble(Trouble.TOO_LARGE, source, f"sent more than {most_bytes} bytes")
    if time.monotonic() >= ends:  # or like the end of the body
        raise TimeoutError
    if response.length:
        raise _trouble(Trouble.PARTIAL, source, f"ended {response.length} bytes early")
    return bytes(body)


def _chunk(
    connection: http.client.HTTPConnection, response: http.client.HTTPResponse, ends: float
) -> bytes:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    if connection.sock is not None:
        connection.sock.settimeout(left)
    return response.read1(_CHUNK)


def _authorization(name: str, at: Path) -> str | None:
    token, user, password = (_read(at / part) for part in ("token", "username", "password"))
    if token is not None:
        if not _CREDENTIAL.fullmatch(token):
            raise _invalid(f"the source {name}'s token is empty or holds white space")
        return f"Bearer {token}"
    if (user is None) != (password is None):
        raise _invalid(f"the source {name} needs both username and password, or neither")
    if user is None:
        return None
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise _invalid(f"the source's file {path.name} cannot be read ({error})") from error


def _invalid(sentence: str) -> MetricError:
    return MetricError(Trouble.SPEC_INVALID, f"spec.analysis.metrics.prometheus: {sentence}")


def _trouble(trouble: Trouble, source: Source, what: str) -> MetricError:
    return MetricError(trouble, f"the Prometheus server {source.name} ({source.url.netloc}) {what}")
