"""Why an environment could not be made, from what `uv` said: one sentence, and what to do. Pure.

Used by `checks.environment.build`. What is not recognised is passed on in the tool's own words.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from checks.sandbox.errors import clean

LONGEST = 400
Answer = tuple[str, str, bool]  # what, what to do, whether that is to be done in the requirements
_NO_WHEEL = re.compile(
    r"[Bb]ecause (?:only )?(\S+?)==(\S+?)(?: and \S+)? (?:has|have) no usable wheels"
)
_ANY_NO_WHEEL = re.compile(r"Wheels are required for `([^`]+)`")
_NO_VERSION = re.compile(r"[Bb]ecause there is no version of (\S+)")
_UNKNOWN = re.compile(r"[Bb]ecause (\S+) was not found in the package registry")
_CONFLICT = re.compile(r"cause: Because (.*?),? we can conclude", re.DOTALL)
_HASH = re.compile(r"Hash mismatch for `([^`]+)`")
OFFLINE = ("network was disabled", "Failed to fetch", "error sending request", "dns error")
FULL = ("No space left on device", "os error 28")
UNAVAILABLE = (
    "let this machine reach the package registry (HTTPS_PROXY, UV_DEFAULT_INDEX), or pass "
    "--no-environment to judge with Holdpoint's own packages"
)
OTHER_VERSION = "ask for a version that has one, and save the model with it"


def explained(said: str, python: str) -> Answer:
    """What went wrong and what to do; `python` names the interpreter and platform."""
    for marks, answer in ((OFFLINE, _offline), (FULL, _full)):
        if any(mark in said for mark in marks):
            return answer(said, python)
    patterns: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str], Answer]], ...] = (
        (_NO_WHEEL, _no_wheel),
        (_UNKNOWN, _unknown),
        (_NO_VERSION, _no_version),
        (_ANY_NO_WHEEL, _any_no_wheel),
        (_HASH, _hash),
        (_CONFLICT, _conflict),
    )
    for pattern, make in patterns:
        match = pattern.search(said)
        if match is not None:
            return make(match, python)
    return (
        f"the model's environment could not be installed: {clean(said, LONGEST)}",
        UNAVAILABLE,
        False,
    )


def _offline(said: str, _python: str) -> Answer:
    where = re.search(r"Failed to fetch: (?:\S+?://)?([\w.-]+)", said)
    place = f" ({where[1]} was not reached)" if where else ""
    return f"the model's packages cannot be downloaded{place}", UNAVAILABLE, False


def _full(_said: str, _python: str) -> Answer:
    fix = "make room, or set HOLDPOINT_CACHE to a folder on a larger disk"
    return "the disk is full while the model's environment is installed", fix, False


def _no_wheel(match: re.Match[str], python: str) -> Answer:
    what = f"{clean(match[1], 80)} {clean(match[2], 40)}"
    return (
        f"{what} has no wheel for {python}, and nothing is built from source",
        OTHER_VERSION,
        True,
    )


def _any_no_wheel(match: re.Match[str], python: str) -> Answer:
    what = clean(match[1], 80)
    return (
        f"{what} has no wheel for {python}, and nothing is built from source",
        OTHER_VERSION,
        True,
    )


def _unknown(match: re.Match[str], _python: str) -> Answer:
    name = clean(match[1], 80)
    return f"the package registry has no {name}", f"mend the name {name}", True


def _no_version(match: re.Match[str], _python: str) -> Answer:
    name = clean(match[1], 80)
    return f"there is no {name}", "ask for a version that exists", True


def _hash(match: re.Match[str], _python: str) -> Answer:
    name = clean(match[1], 80)
    fix = "lock again, and find out who changed the package if its version is the same"
    return f"{name} is not what the requirements' digests say", fix, True


def _conflict(match: re.Match[str], _python: str) -> Answer:
    why = clean(match[1], LONGEST)
    return f"the requirements contradict each other: {why}", "mend the versions", True
