"""Where the Action's time goes, by part, for its log. Called by `checks.action` and `action_judge`.

A part is a stretch between two marks: wall time, and the CPU time of this process and of the
children that it waited for. The clocks are arguments. It measures only; nothing is decided by it.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

START, PREPARING, CHECKS, PUBLISHING = "start", "preparing", "checks", "publishing"
_ORDER = (START, PREPARING, CHECKS, PUBLISHING)
_STARTTIME = 19  # the 22nd field of /proc/self/stat, counted from 0 behind the command's name


def cpu_seconds() -> float:
    """User and system time of this process and of its children that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def age_seconds() -> float:
    """Wall time since this process began; 0.0 where the system does not say (proc(5))."""
    try:
        line = Path("/proc/self/stat").read_text()
        ticks = int(line.rpartition(")")[2].split()[_STARTTIME])
        return max(time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"), 0.0)
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0


class Times:
    """Seconds by part: wall time and CPU time."""

    def __init__(
        self,
        wall: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = cpu_seconds,
        age: Callable[[], float] = age_seconds,
    ) -> None:
        self._wall, self._cpu = wall, cpu
        self._last = wall(), cpu()
        self.parts: dict[str, tuple[float, float]] = {START: (age(), self._last[1])}

    def mark(self, part: str) -> None:
        """All that passed since the last mark belongs to `part`, one of those above."""
        now = self._wall(), self._cpu()
        wall, cpu = self.parts.get(part, (0.0, 0.0))
        self.parts[part] = (wall + now[0] - self._last[0], cpu + now[1] - self._last[1])
        self._last = now

    def sentence(self) -> str:
        """One line for the log, and what is left without the checks."""
        met = [part for part in _ORDER if part in self.parts]
        said = ", ".join(f"{part} {_pair(*self.parts[part])}" for part in met)
        rest = [spent for part, spent in self.parts.items() if part != CHECKS]
        without = _pair(sum(wall for wall, _ in rest), sum(cpu for _, cpu in rest))
        return f"Time: {said}; without the checks {without}."


def _pair(wall: float, cpu: float) -> str:
    return f"{wall:.1f} s (CPU {cpu:.1f} s)"
