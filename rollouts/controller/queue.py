"""The work queue: each key is worked on by one thread at a time, now or at a time to come.

Fed by informers and by the workers themselves, emptied by the workers. Adding a key that waits
already changes nothing; adding one that is being worked on makes it come round again. It
deliberately knows nothing of what a key means.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

FIRST_BACKOFF_S = 0.05
LONGEST_BACKOFF_S = 5.0


class WorkQueue(Generic[K]):
    """Safe to share between threads."""

    def __init__(self) -> None:
        self._ready: list[K] = []
        self._due: list[tuple[float, int, K]] = []
        self._due_at: dict[K, float] = {}
        self._waiting: set[K] = set()
        self._working: set[K] = set()
        self._again: set[K] = set()
        self._failures: dict[K, int] = {}
        self._order = 0
        self._closed = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        with self._changed:
            return len(self._ready)

    def add(self, key: K) -> None:
        """Work on it as soon as a thread is free."""
        with self._changed:
            self._add(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Work on it then, or earlier if something else asks for that."""
        at = time.monotonic() + max(0.0, seconds)
        with self._changed:
            if self._due_at.get(key, at + 1) <= at:
                return
            self._due_at[key] = at
            self._order += 1
            heapq.heappush(self._due, (at, self._order, key))
            self._changed.notify()

    def fail(self, key: K, *, at_least_s: float = 0.0) -> float:
        """Work on it again after a pause that doubles with each failure in a row; the pause."""
        with self._changed:
            count = self._failures[key] = self._failures.get(key, 0) + 1
        pause: float = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(count - 1, 16))
        pause = max(pause, at_least_s)
        self.add_after(key, pause)
        return pause

    def succeed(self, key: K) -> None:
        """The next failure of this key is its first again."""
        with self._changed:
            self._failures.pop(key, None)

    def get(self) -> K | None:
        """The next key, for this thread alone until `done`; None when the queue is closed."""
        with self._changed:
            while not self._closed:
                pause = self._promote_due()
                if self._ready:
                    key = self._ready.pop(0)
                    self._waiting.discard(key)
                    self._working.add(key)
                    return key
                self._changed.wait(pause)
            return None

    def done(self, key: K) -> None:
        """This thread has finished with the key."""
        with self._changed:
            self._working.discard(key)
            if key in self._again:
                self._again.discard(key)
                self._add(key)

    def close(self) -> None:
        """Wakes every thread in `get`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _add(self, key: K) -> None:
        if key in self._working:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting.add(key)
            self._ready.append(key)
            self._changed.notify()

    def _promote_due(self) -> float | None:
        """Moves what is due to the ready ones; seconds until the next, None when there is none."""
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            at, _, key = heapq.heappop(self._due)
            if self._due_at.get(key) == at:
                del self._due_at[key]
                self._add(key)
        return self._due[0][0] - now if self._due else None
