"""What happened, as the event's payload and the runner's variables say it. Called by `action`.

A pull request's title, branch and body are never read: what is needed is a number and two commits.
Everything is checked here, so that the rest may rely on its shape.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.action_io import InputError, required

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EVENT_LIMIT = 32 << 20  # bytes; GitHub's own payload limit is 25 MB
_SHA = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_NO_SHA = re.compile(r"0+\Z")
_REPOSITORY = re.compile(r"[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}\Z")


@dataclass(frozen=True)
class Event:
    """What is to be judged. `number` is None outside pull requests."""

    name: str
    repository: str
    number: int | None
    head_sha: str
    base_sha: str | None

    @property
    def own_rules(self) -> bool:
        """Whether the commit is judged by its own configuration: what is merged, or has no base."""
        return self.name in {"push", "workflow_dispatch"} or self.base_sha is None


Parts = tuple[int | None, object, object]


def read_event(environ: Mapping[str, str]) -> Event:
    """The event from `GITHUB_EVENT_NAME`, `GITHUB_SHA` and the file at `GITHUB_EVENT_PATH`.

    Raises InputError.
    """
    name = required(environ, "GITHUB_EVENT_NAME")
    if name not in _EVENTS:
        raise InputError(
            f"the event {name!r} is not supported; start the workflow on {', '.join(_EVENTS)}"
        )
    payload = _payload(Path(required(environ, "GITHUB_EVENT_PATH")))
    repository = _at(payload, "repository", "full_name")
    if not isinstance(repository, str) or not _REPOSITORY.match(repository):
        raise InputError("the event's payload names no repository at repository.full_name")
    number, head, base = _EVENTS[name](payload, environ)
    if not isinstance(head, str) or not _SHA.match(head) or _NO_SHA.match(head):
        raise InputError(f"the payload of the event {name!r} holds no commit to judge")
    known_base = isinstance(base, str) and _SHA.match(base) and not _NO_SHA.match(base)
    return Event(name, repository, number, head, str(base) if known_base else None)


def _pull_request(payload: object, _environ: Mapping[str, str]) -> Parts:
    number = _at(payload, "pull_request", "number")
    if type(number) is not int or number < 1:
        raise InputError("the event's payload holds no number at pull_request.number")
    head = _at(payload, "pull_request", "head", "sha")
    return number, head, _at(payload, "pull_request", "base", "sha")


def _merge_group(payload: object, _environ: Mapping[str, str]) -> Parts:
    return None, _at(payload, "merge_group", "head_sha"), _at(payload, "merge_group", "base_sha")


def _push(payload: object, _environ: Mapping[str, str]) -> Parts:
    return None, _at(payload, "after"), _at(payload, "before")


def _dispatch(_payload: object, environ: Mapping[str, str]) -> Parts:
    return None, environ.get("GITHUB_SHA"), None


_EVENTS: dict[str, Callable[[object, Mapping[str, str]], Parts]] = {
    "pull_request": _pull_request,
    "pull_request_target": _pull_request,
    "merge_group": _merge_group,
    "push": _push,
    "workflow_dispatch": _dispatch,
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
