"""A bounded pool of threads: takes a task at once or says that it is full.

Used by `bot.dispatch`, so that Slack is answered within its three seconds whatever the outside
systems do. The standard executor's queue has no end, and a queue nobody waits for is a lie.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from bot import audit


class Workers:
    """`threads` tasks run at once, `waiting` more may wait."""

    def __init__(self, threads: int, waiting: int) -> None:
        self._waiting = waiting
        self._tasks: deque[Callable[[], None]] = deque()
        self._busy = 0
        self._closed = False
        self._changed = threading.Condition()
        for number in range(threads):
            threading.Thread(target=self._work, name=f"command-{number}", daemon=True).start()

    @property
    def closed(self) -> bool:
        """Whether nothing is taken any more."""
        return self._closed

    @property
    def depth(self) -> int:
        """How many tasks wait or run."""
        return len(self._tasks) + self._busy

    def submit(self, task: Callable[[], None]) -> bool:
        """Whether the task was taken; then it runs unless the process is killed."""
        with self._changed:
            if self._closed or len(self._tasks) >= self._waiting:
                return False
            self._tasks.append(task)
            self._changed.notify()
            return True

    def drain(self, timeout_s: float) -> bool:
        """Takes nothing more and waits for what was taken; False if time ran out."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            self._closed = True
            while self._tasks or self._busy:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
        return True

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._tasks:
                    self._changed.wait()
                task = self._tasks.popleft()
                self._busy += 1
            try:
                task()
            except Exception:  # noqa: BLE001 - the thread must live for the next task
                audit.trouble("a task ended unexpectedly")
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()
