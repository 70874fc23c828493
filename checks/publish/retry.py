"""When to try again. The policy is pure; `Retrier` carries it out with a clock that it is given.

Called by `publisher`. GitHub's Retry-After is honoured as long as it fits the budget: a job that
sleeps for an hour helps nobody, so a longer wait ends the tries with GitHub's own error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from checks.publish.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass(frozen=True)
class Policy:
    """`tries` in all; pauses double from `first_s` up to `longest_s`; `budget_s` for all pauses."""

    tries: int = 6
    first_s: float = 0.5
    longest_s: float = 16.0
    budget_s: float = 180.0

    def pause(self, tried: int, spent_s: float, error: PublishError) -> float | None:
        """Seconds to wait after try number `tried` (from 1) failed; None to give up."""
        if not error.retryable or tried >= self.tries:
            return None
        own = min(self.first_s * 2.0 ** (tried - 1), self.longest_s)
        pause = max(own, error.retry_after or 0.0)
        return pause if spent_s + pause <= self.budget_s else None


class Retrier:
    """Repeats requests; the budget for waiting is shared by all of them."""

    def __init__(self, policy: Policy, sleep: Callable[[float], None]) -> None:
        self._policy = policy
        self._sleep = sleep
        self._spent_s = 0.0

    def call(self, act: Callable[[], T], *, done: Callable[[], T | None] | None = None) -> T:
        """The result of `act`. Raises the last PublishError when no try succeeds.

        `done` is for requests that must not take effect twice: before each further try it looks
        for what an earlier one may have left although its answer was lost.
        """
        tried = 0
        while True:
            tried += 1
            try:
                found = done() if done and tried > 1 else None
                return act() if found is None else found
            except PublishError as error:
                pause = self._policy.pause(tried, self._spent_s, error)
                if pause is None:
                    raise
            self._spent_s += pause
            self._sleep(pause)
