"""The Action's border with the runner: the only reader of its inputs, environment and event, and
the only writer of its outputs and job summary. (The log is `action_log`'s.)

Called by `checks.action`. Everything read here is checked and frozen; everything written here is
safe to write whatever a repository or a model put into it. It decides nothing about models.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from checks.errors import HoldpointError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SUMMARY_LIMIT = 1 << 20  # bytes of a step's summary; GitHub drops a larger one whole
EVENT_LIMIT = 32 << 20  # bytes; GitHub's own payload limit is 25 MB
_SHA = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_NO_SHA = re.compile(r"0+\Z")
_REPOSITORY = re.compile(r"[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}\Z")


class InputError(HoldpointError):
    """An input, variable or event that the Action cannot work with; the message says which."""


@dataclass(frozen=True)
class Inputs:
    """The inputs of action.yml, one field each (`trust_model` is `trust-model` there).

    Defaults live in action.yml alone. `path` is relative to the workspace and stays inside it.
    """

    token: str = dataclasses.field(repr=False)
    path: PurePosixPath
    comment: bool
    trust_model: bool


@dataclass(frozen=True)
class Outputs:
    """The outputs of action.yml, one field each; "" where there is nothing to say."""

    score: str
    ready: str
    conclusion: str
    report_json: str


@dataclass(frozen=True)
class Event:
    """What happened, from the event's payload alone. `number` is None outside pull requests."""

    name: str
    repository: str
    number: int | None
    head_sha: str
    base_sha: str | None


@dataclass(frozen=True)
class Runner:
    """What the runner lends us: where the API, the checkout and its own files are."""

    api_url: str
    workspace: Path
    output: Path
    summary: Path | None


def read_inputs(environ: Mapping[str, str]) -> Inputs:
    """The inputs from `INPUT_*`. Raises InputError."""
    return Inputs(
        token=_required(environ, "INPUT_TOKEN"),
        path=_inside(_required(environ, "INPUT_PATH")),
        comment=_flag(environ, "INPUT_COMMENT"),
        trust_model=_flag(environ, "INPUT_TRUST-MODEL"),
    )


def read_runner(environ: Mapping[str, str]) -> Runner:
    """The runner's places from `GITHUB_*`. Raises InputError."""
    summary = environ.get("GITHUB_STEP_SUMMARY")
    return Runner(
        api_url=_required(environ, "GITHUB_API_URL").rstrip("/"),
        workspace=Path(_required(environ, "GITHUB_WORKSPACE")),
        output=Path(_required(environ, "GITHUB_OUTPUT")),
        summary=Path(summary) if summary else None,
    )


def read_event(environ: Mapping[str, str]) -> Event:
    """The event from `GITHUB_EVENT_NAME` and the file at `GITHUB_EVENT_PATH`. Raises InputError."""
    name = _required(environ, "GITHUB_EVENT_NAME")
    if name not in _EVENTS:
        raise InputError(
            f"the event {name!r} is not supported; start the workflow on {', '.join(_EVENTS)}"
        )
    payload = _payload(Path(_required(environ, "GITHUB_EVENT_PATH")))
    repository = _at(payload, "repository", "full_name")
    if not isinstance(repository, str) or not _REPOSITORY.match(repository):
        raise InputError("the event's payload names no repository at repository.full_name")
    number, head, base = _EVENTS[name](payload)
    if not isinstance(head, str) or not _SHA.match(head):
        raise InputError(f"the payload of the event {name!r} holds no commit to judge")
    known_base = isinstance(base, str) and _SHA.match(base) and not _NO_SHA.match(base)
    return Event(name, repository, number, head, str(base) if known_base else None)


def _pull_request(payload: object) -> tuple[int, object, object]:
    number = _at(payload, "pull_request", "number")
    if type(number) is not int or number < 1:
        raise InputError("the event's payload holds no number at pull_request.number")
    head = _at(payload, "pull_request", "head", "sha")
    return number, head, _at(payload, "pull_request", "base", "sha")


def _merge_group(payload: object) -> tuple[None, object, object]:
    return None, _at(payload, "merge_group", "head_sha"), _at(payload, "merge_group", "base_sha")


def _push(payload: object) -> tuple[None, object, object]:
    return None, _at(payload, "after"), _at(payload, "before")


_EVENTS: dict[str, Callable[[object], tuple[int | None, object, object]]] = {
    "pull_request": _pull_request,
    "pull_request_target": _pull_request,
    "merge_group": _merge_group,
    "push": _push,
}


def _at(value: object, *keys: str) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _payload(path: Path) -> Any:
    try:
        if path.stat().st_size > EVENT_LIMIT:
            raise InputError(f"the event's payload is above {EVENT_LIMIT} bytes")
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"the event's payload at GITHUB_EVENT_PATH cannot be read ({type(error).__name__})"
        ) from error


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        what = name.removeprefix("INPUT_").lower()
        kind = f"the input {what!r}" if name.startswith("INPUT_") else f"the variable {name}"
        raise InputError(f"{kind} is empty; run Holdpoint as a step of a workflow, with action.yml")
    return value


def _flag(environ: Mapping[str, str], name: str) -> bool:
    value = _required(environ, name).lower()
    if value not in {"true", "false"}:
        what = name.removeprefix("INPUT_").lower()
        raise InputError(f"the input {what!r} is {value[:40]!r}; it takes true or false")
    return value == "true"


def _inside(text: str) -> PurePosixPath:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts:
        raise InputError(
            f"the input 'path' is {text[:80]!r}; it takes a folder below the workspace"
        )
    return path


def write_outputs(path: Path, outputs: Outputs) -> None:
    """Appends the outputs; a value stays one value whatever it holds. Raises InputError."""
    lines = []
    for name, value in dataclasses.asdict(outputs).items():
        delimiter = f"holdpoint-{secrets.token_hex(16)}"  # a value cannot hold what it cannot guess
        lines.append(f"{name.replace('_', '-')}<<{delimiter}\n{value}\n{delimiter}\n")
    _append(path, "".join(lines))


def write_summary(path: Path | None, markdown: str) -> None:
    """Appends to the job summary as much as fits; nothing where the runner has none."""
    if path is None:
        return
    already = path.stat().st_size if path.exists() else 0
    raw = f"{markdown.rstrip()}\n".encode("utf-8", "replace")
    _append(path, raw[: max(SUMMARY_LIMIT - already - 1, 0)].decode("utf-8", "ignore"))


def _append(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise InputError(f"the runner's file {path.name} cannot be written: {error}") from error


def environment() -> Mapping[str, str]:
    """This process's environment; read once, by `checks.action`."""
    return dict(os.environ)
