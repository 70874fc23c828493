"""Git over HTTP: `git http-backend` behind the fake's own tokens. Called by `server.Handler`.

A repository is served from a folder that a test names. As on GitHub, any commit may be asked for
by its SHA, and nothing can be pushed.
"""

from __future__ import annotations

import base64
import binascii
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.github.state import State

SERVED = ("/info/refs", "/git-upload-pack")


@dataclass(frozen=True)
class GitRequest:
    method: str
    path: str
    query: str
    kind: str
    protocol: str
    authorization: str
    body: bytes


@dataclass(frozen=True)
class GitAnswer:
    status: int
    headers: dict[str, str]
    body: bytes


def wanted(path: str) -> str:
    """The repository's name where this is git's own path, else ""."""
    name, found, rest = path.removeprefix("/").partition(".git")
    return name if found and rest in SERVED else ""


def answer(state: State, folders: dict[str, Path], request: GitRequest) -> GitAnswer:
    """What the repository's folder holds, to who may read it."""
    name = wanted(request.path)
    repo, folder = state.repositories.get(name.lower()), folders.get(name.lower())
    token = state.tokens.get(_password(request.authorization))
    if repo is None or folder is None or (repo.private and token is None):
        return GitAnswer(404 if token else 401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")
    if repo.private and token is not None and not token.allows("contents", "read"):
        return GitAnswer(403, {}, b"")
    return _backend(folder, request, name)


def _password(authorization: str) -> str:
    kind, _, value = authorization.partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _backend(folder: Path, request: GitRequest, name: str) -> GitAnswer:
    done = subprocess.run(
        ["git", "-c", "uploadpack.allowAnySHA1InWant=true", "-c", "safe.directory=*",
         "http-backend"],
        env={
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(folder / ".git"),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": request.protocol,
            "PATH_INFO": request.path.removeprefix(f"/{name}.git"),
            "QUERY_STRING": request.query,
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.kind,
            "CONTENT_LENGTH": str(len(request.body)),
            "REMOTE_ADDR": "127.0.0.1",
        },
        input=request.body,
        capture_output=True,
        check=True,
    )  # fmt: skip
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    return GitAnswer(int(headers.pop("Status", "200 OK").split()[0]), headers, body)
