"""The Action's border with the runner: the only reader of its inputs and environment, and the only
writer of its outputs and job summary. (The event is `action_event`'s, the log `action_log`'s.)

Called by `checks.action`. Everything read here is checked and frozen; everything written here is
safe to write whatever a repository or a model put into it. It decides nothing about models.
"""

from __future__ import annotations

import dataclasses
import os
import secrets
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeVar

from checks.errors import HoldpointError

if TYPE_CHECKING:
    from collections.abc import Mapping

SUMMARY_LIMIT = 1 << 20  # bytes of a step's summary; GitHub drops a larger one whole


class InputError(HoldpointError):
    """An input, variable or event that the Action cannot work with; the message says which."""


class Mode(StrEnum):
    """Which half of the work this job does."""

    BOTH = "both"
    JUDGE = "judge"
    PUBLISH = "publish"


class Annotations(StrEnum):
    """Which findings become annotations."""

    ALL = "all"
    CHANGED = "changed"
    NONE = "none"


@dataclass(frozen=True)
class Inputs:
    """The inputs of action.yml, one field each (`trust_model` is `trust-model` there).

    Defaults live in action.yml alone. `path` and `result` are relative to the workspace and stay
    inside it. `token` may be "" in mode `judge` alone.
    """

    token: str = dataclasses.field(repr=False)
    mode: Mode
    path: PurePosixPath
    result: PurePosixPath
    comment: bool
    annotations: Annotations
    allow_write_token: bool
    trust_model: bool


@dataclass(frozen=True)
class Outputs:
    """The outputs of action.yml, one field each; "" where there is nothing to say."""

    score: str
    ready: str
    conclusion: str
    critical: str
    report_json: str
    report_html: str


@dataclass(frozen=True)
class Runner:
    """What the runner lends us: where GitHub, the checkout and its own files are.

    `run_url` is the page of this workflow run, "" where the runner does not say. `can_sign` is
    whether the job may ask for an identity token, which it only may with `id-token: write`.
    """

    api_url: str
    server_url: str
    workspace: Path
    output: Path
    summary: Path | None
    run_url: str
    can_sign: bool


def read_inputs(environ: Mapping[str, str]) -> Inputs:
    """The inputs from `INPUT_*`. Raises InputError."""
    mode = _choice(environ, "INPUT_MODE", Mode)
    judging = mode is Mode.JUDGE
    return Inputs(
        token=environ.get("INPUT_TOKEN", "") if judging else required(environ, "INPUT_TOKEN"),
        mode=mode,
        path=_inside(environ, "INPUT_PATH"),
        result=_inside(environ, "INPUT_RESULT"),
        comment=_flag(environ, "INPUT_COMMENT"),
        annotations=_choice(environ, "INPUT_ANNOTATIONS", Annotations),
        allow_write_token=_flag(environ, "INPUT_ALLOW-WRITE-TOKEN"),
        trust_model=_flag(environ, "INPUT_TRUST-MODEL"),
    )


def read_runner(environ: Mapping[str, str]) -> Runner:
    """The runner's places from its variables. Raises InputError."""
    summary = environ.get("GITHUB_STEP_SUMMARY")
    return Runner(
        api_url=required(environ, "GITHUB_API_URL").rstrip("/"),
        server_url=required(environ, "GITHUB_SERVER_URL").rstrip("/"),
        workspace=Path(required(environ, "GITHUB_WORKSPACE")),
        output=Path(required(environ, "GITHUB_OUTPUT")),
        summary=Path(summary) if summary else None,
        run_url=_run_url(environ),
        can_sign=bool(environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")),
    )


def _run_url(environ: Mapping[str, str]) -> str:
    repository, run = environ.get("GITHUB_REPOSITORY", ""), environ.get("GITHUB_RUN_ID", "")
    if not repository or not (run.isascii() and run.isdigit()):
        return ""
    return f"{environ['GITHUB_SERVER_URL'].rstrip('/')}/{repository}/actions/runs/{run}"


def required(environ: Mapping[str, str], name: str) -> str:
    """The variable's value without blanks around it. Raises InputError where it is empty."""
    value = environ.get(name, "").strip()
    if not value:
        what = name.removeprefix("INPUT_").lower()
        kind = f"the input {what!r}" if name.startswith("INPUT_") else f"the variable {name}"
        raise InputError(f"{kind} is empty; run Holdpoint as a step of a workflow, with action.yml")
    return value


E = TypeVar("E", bound=StrEnum)


def _choice(environ: Mapping[str, str], name: str, kind: type[E]) -> E:
    value = required(environ, name).lower()
    if value not in list(kind):
        what, known = name.removeprefix("INPUT_").lower(), ", ".join(kind)
        raise InputError(f"the input {what!r} is {value[:40]!r}; it takes one of {known}")
    return kind(value)


def _flag(environ: Mapping[str, str], name: str) -> bool:
    value = required(environ, name).lower()
    if value not in {"true", "false"}:
        what = name.removeprefix("INPUT_").lower()
        raise InputError(f"the input {what!r} is {value[:40]!r}; it takes true or false")
    return value == "true"


def _inside(environ: Mapping[str, str], name: str) -> PurePosixPath:
    text = required(environ, name)
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts:
        what = name.removeprefix("INPUT_").lower()
        raise InputError(
            f"the input {what!r} is {text[:80]!r}; it takes a folder below the workspace"
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
