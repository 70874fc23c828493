"""Faults that a test plants before a request: an error status, or a connection that is cut."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass
class Fault:
    """Meets the next `times` requests whose method and path (a regular expression) match.

    `status` answers with that error. `reset` cuts the connection instead. `commit` lets the request
    take effect first, so that only its answer is lost.
    """

    method: str
    path: str
    times: int = 1
    status: int = 502
    message: str = "Server Error"
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False
    commit: bool = False

    def meets(self, method: str, path: str) -> bool:
        return (
            self.times > 0
            and self.method == method.upper()
            and re.search(self.path, path) is not None
        )


class Faults:
    """The faults that wait, in the order they were planted."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def next(self, method: str, path: str) -> Fault | None:
        """The first fault that meets this request; it is used up by one."""
        for fault in self._waiting:
            if fault.meets(method, path):
                fault.times -= 1
                return fault
        return None

    @property
    def unmet(self) -> list[Fault]:
        """Planted and never met: a test that ends with one tested less than it says."""
        return [fault for fault in self._waiting if fault.times > 0]
