"""Waiting on a condition, with a deadline and an error that shows what was seen last."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_SHOWN_CHARACTERS = 4000


class NotInTimeError(AssertionError):
    """A condition did not come true before its deadline."""


def wait_until(probe: Callable[[], T], deadline_s: float, what: str, *, every_s: float = 0.05) -> T:
    """Call `probe` until its result is true and return that result.

    `what` completes the sentence "waited N s for ...". A probe that has nothing to show yet
    returns something false; whatever it returned last is part of the error. Exceptions of the
    probe are not caught: a probe that may fail for a while says so itself.
    Raises NotInTimeError after `deadline_s` seconds.
    """
    end = time.monotonic() + deadline_s
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() >= end:
            shown = f"{value!r}"[:_SHOWN_CHARACTERS]
            raise NotInTimeError(f"Waited {deadline_s:g} s for {what}; the last value was {shown}.")
        time.sleep(every_s)
